"""Verifies multiple choice: labels of options, or their texts.

Labels are A, B, ... for as many options as the problem has; a problem without options (they are drawn in the image)
allows A to Z. An answer is a set of labels ("B, D", "DB" and "D and B" are one), or the text of exactly one option;
where both are written the label counts. "A or B" is an answer, and wrong. A label counts only where an answer is
stated: at the start of a tag, box or marked text, alone at the end of the closing statement, as the only label that the
closing sentence marks ("(D)", "option D", "D is correct") and does not deny, or at the start of a response followed by
punctuation. The text of an option counts where it is the whole answer or opens a stated value.
"""
# ruff: noqa: RUF001

import re
from collections.abc import Sequence
from string import ascii_uppercase
from typing import ClassVar

from cogito_pl.rewards.verifier.base import Verdict, Verifier
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing import quantity
from cogito_pl.rewards.verifier.parsing.answer_sentences import clause, values, without_aside
from cogito_pl.rewards.verifier.parsing.delimiters import unwrapped
from cogito_pl.rewards.verifier.parsing.extract import Candidate
from cogito_pl.rewards.verifier.parsing.latex import STYLE, canonical, fold_width
from cogito_pl.rewards.verifier.parsing.option_labels import leading, mentioned, split
from cogito_pl.rewards.verifier.text import normalised

_LONE_END = re.compile(r"\s*(?:$|[.:,。、：，)]|[\u4e00-\u9fff])|\s+(?:because|since|[-–—])\s")


def _bare(option: str, label: str) -> str:
    """An option without its own label: "A. red" is "red"."""
    return re.sub(rf"^\s*[(\[]?{label}[)\].:]+\s+", "", option)


def by_text(text: str, choices: Sequence[str]) -> frozenset[str]:
    """The label of the only option whose text is this text: as words, as a formula, or as a number; else empty."""
    options = [_bare(option, label) for label, option in zip(ascii_uppercase, choices, strict=False)]
    text = text[:500]
    value = quantity.parse(text)
    readings = (
        lambda option: option.strip() == text.strip(),
        lambda option: normalised(option) == normalised(text),
        lambda option: canonical(unwrapped(option)).casefold() == canonical(unwrapped(text)).casefold(),
        lambda option: value is not None and (other := quantity.parse(option)) is not None and value == other,
    )
    for same in readings:
        chosen = [label for label, option in zip(ascii_uppercase, options, strict=False) if same(option)]
        if chosen:
            return frozenset(chosen) if len(chosen) == 1 else frozenset()
    return frozenset()


def opening_text(value: str, sentence: str, choices: Sequence[str]) -> frozenset[str]:
    """The label of the option that a stated value opens with, if no other option occurs in the sentence; else empty."""
    said, around = normalised(value[:500]), normalised(sentence[:500])
    options = [normalised(_bare(option, label)) for label, option in zip(ascii_uppercase, choices, strict=False)]
    occurring = [option for option in options if option and re.search(rf"(?<!\w){re.escape(option)}(?!\w)", around)]
    longest = max(occurring, key=len, default="")
    if not longest or any(option not in longest for option in occurring) or options.count(longest) > 1:
        return frozenset()
    opens = re.match(rf"{re.escape(longest)}(?!\w|,? or\b)", said)
    return frozenset(ascii_uppercase[options.index(longest)]) if opens else frozenset()


def read(answer: Candidate, choices: Sequence[str]) -> frozenset[str] | None:
    """The labels that a place states.

    Args:
        answer: Where the response states its answer.
        choices: The options of the problem, in the order of their labels; may be empty.

    Returns:
        The set of labels, empty when several are left open ("A or B"), None when the place states none.
    """
    labels = ascii_uppercase[: len(choices) or None]
    text = STYLE.sub(r"\1", fold_width(unwrapped(answer.text))).strip()
    if answer.rule == "closing":
        opened = (opening_text(value, text, choices) for value in values(text))
        return mentioned(text, labels) or next(filter(None, opened), None)
    marked = answer.rule.endswith("marker")
    said = clause(text) if marked else text
    if marked and (rather := re.match(r"not\b[^.]{0,60}?\bbut\b\s*(.+)", said, re.IGNORECASE)):
        text = said = rather[1]
    if not re.fullmatch("[A-Z]", said) and answer.rule != "option-marker" and len(said) <= 500:
        for reading in (said, without_aside(said)):
            if same := by_text(reading, choices):
                return same
    found = leading(text, labels)
    if found is not None and answer.rule == "option-marker" and not _LONE_END.match(found[1]):
        found = found if re.match(r"\s+(?:because|since|as|is|for|which)\b", found[1]) else None
    if found is None:
        opens = marked or answer.rule in ("answer-tag", "boxed")
        return (opening_text(said, said, choices) if opens else None) or None
    chosen, rest = found
    if answer.rule.endswith("statement") and rest.strip(" .*\"'`)$"):
        return None
    if answer.rule == "lone" and (not _LONE_END.match(rest) or re.search(r"\s[(\[]?[B-Z][)\].:]\s", rest)):
        return None
    return chosen


def _target(gold: str, choices: Sequence[str]) -> frozenset[str] | None:
    """The labels of a gold; without options, one that opens with a capital letter has that label ("C Cecile")."""
    found = read(Candidate(gold, "gold"), choices)
    if not found and not choices:
        opened = re.match(r"\s*([A-Z])\s", gold) or re.search(r"\banswer is\s*\(?([A-Z])\b", gold)
        found = split(opened[1], ascii_uppercase) if opened else found
    return found or None


class ChoiceVerifier(Verifier):
    """Compares the options that were chosen; `options` of grading are not used."""

    reads_labels: ClassVar[bool] = True

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares labels with the gold, which is a label, several labels, or the text of one option."""
        chosen, target = read(answer, choices), _target(gold, choices)
        if chosen is None or target is None:
            return None
        return Verdict.of(chosen == target, "choice" if chosen else "several")

    def check(self, gold: str, choices: Sequence[str] = ()) -> str | None:
        """Why this gold is no option, None when it is one."""
        if _target(gold, choices):
            return None
        last = ascii_uppercase[: len(choices) or None][-1:]
        return f"the answer {gold[:60]!r} is neither a label from A to {last} nor the text of exactly one option"

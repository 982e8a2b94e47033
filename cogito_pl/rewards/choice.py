r"""The verifier of multiple choice. Knows labels and option texts; nothing of the question.

Labels are A, B, ... for as many options as the problem has; a problem without options (they are drawn in the picture)
allows A to Z. An answer is a set of labels ("B, D", "DB" and "D and B" are one), or the text of exactly one option. A
label counts only where an answer is stated: at the start of a tag, box or marked text, alone in the closing
statement, or at the start of a response followed by punctuation. The article "A" and the pronoun "I" are never
labels: before a further word they count only when that word explains ("A because ...").
"""

import re
from collections.abc import Sequence
from string import ascii_uppercase

from cogito_pl.rewards.extract import Candidate, unwrapped
from cogito_pl.rewards.text import Verdict, fold_width, normalised

_OPENING = re.compile(
    r"^(?:[\s*$\"'`“:]|\\[(\[]|(?:for sure|clearly|definitely|probably|option|choice|letter|the)\b)+", re.I
)
_JOIN = r"(?:\s*[,，、;/&]\s*|\s*(?:\band\b|\bor\b|和|或)\s*|\s+)"  # noqa: RUF001
_RUN = rf"[A-Z](?:{_JOIN}(?:and\s+)?[A-Z](?![A-Za-z]))*"
_BRACKETED = re.compile(rf"[(\[（【{{]\s*({_RUN}|[A-Z]{{2,9}})\s*[)\]）】}}]")  # noqa: RUF001
_BARE = re.compile(rf"({_RUN}|[A-Z]{{2,9}})(?![A-Za-z0-9'’_^=+])")  # noqa: RUF001
_DENIED = re.compile(r"[\s,*]*(?:(?:is|are|was)\s+)?(?:not|wrong|incorrect|n't|不(?!是\s*[A-Z]))", re.IGNORECASE)
_EXPLAINS = re.compile(r"\s+(?:because|since|as|is|are|and|with|for|but|which|by)\b")
_LONE_END = re.compile(r"\s*(?:$|[.:,。、：，)]|[\u4e00-\u9fff])")  # noqa: RUF001


def _split(run: str, labels: str) -> frozenset[str] | None:
    """The labels of a run such as "A, B" or "AB"; None for "A or B", and when it holds anything but distinct labels."""
    letters = re.findall(r"[A-Z]", run)
    allowed = labels[:9] if len(labels) == 26 and run == "".join(letters) and len(run) > 1 else labels
    plain = letters and len(set(letters)) == len(letters) and set(letters) <= set(allowed)
    return frozenset(letters) if plain and not re.search(r"\bor\b|或", run) else None


def leading(text: str, labels: str) -> tuple[frozenset[str], str] | None:
    """The labels that a text opens with, and the rest of it; None when it opens with none."""
    text = _OPENING.sub("", text)
    if found := _BRACKETED.match(text):
        chosen = _split(found[1], labels)
        return (chosen, text[found.end() :]) if chosen else None
    if re.fullmatch(r"[(\[]?[a-z][)\].]*", text) and (letter := text.strip("()[].").upper()) in labels:
        return frozenset(letter), ""
    if not (found := _BARE.match(text)):
        return None
    rest = text[found.end() :]
    chosen = _split(found[1], labels)
    if not chosen or (_DENIED.match(rest) and not rest.lstrip().startswith(",")):
        return None
    if found[1] in ("A", "I") and re.match(r"\s+[^\W\d_]", rest) and not _EXPLAINS.match(rest):
        return None
    return chosen, rest


def read(answer: Candidate, choices: Sequence[str]) -> frozenset[str] | None:
    """The labels that a place states.

    Args:
        answer: Where the response states its answer.
        choices: The options of the problem, in the order of their labels; may be empty.

    Returns:
        The set of labels, None when the place states none.
    """
    labels = ascii_uppercase[: len(choices) or None]
    text = fold_width(unwrapped(answer.text)).strip()
    text = re.sub(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}", r"\1", text).strip()
    if not re.fullmatch("[A-Z]", text):
        written = normalised(text)
        same = [label for label, option in zip(labels, choices, strict=False) if normalised(option) == written]
        if len(same) == 1:
            return frozenset(same)
    found = leading(text, labels)
    if found is None:
        return None
    chosen, rest = found
    if answer.rule == "statement" and rest.strip(" .*\"'`)$"):
        return None
    if answer.rule == "lone" and (not _LONE_END.match(rest) or re.search(r"\n\s*[(\[]?[A-Z][)\].:]\s", rest)):
        return None
    return chosen


def judge(answer: Candidate, gold: str, choices: Sequence[str] = ()) -> Verdict | None:
    """Compares a choice with its gold.

    Args:
        answer: Where the response states its answer.
        gold: The right label, labels, or option text.
        choices: The options of the problem, in the order of their labels; may be empty.

    Returns:
        The verdict, None when this place states no choice.
    """
    chosen, target = read(answer, choices), read(Candidate(gold, "gold"), choices)
    if chosen is None or target is None:
        return None
    return Verdict.of(chosen == target, "choice")


def check(gold: str, choices: Sequence[str] = ()) -> str | None:
    """Why this gold cannot be verified, None when it can."""
    if read(Candidate(gold, "gold"), choices):
        return None
    last = ascii_uppercase[: len(choices) or None][-1:]
    return f"the answer {gold[:60]!r} is neither a label from A to {last} nor the text of exactly one option"

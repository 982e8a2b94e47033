"""Verifies short texts.

Two texts agree when they are equal after: full-width characters folded to ASCII (circled, superscript and
Roman-numeral characters stay what they are, as in lmms-eval's OCRBench tests), case folded, apostrophes dropped,
hyphens and runs of white space made one space, surrounding punctuation and a leading article removed, number words to
ten written as digits ("none" is 0), as in the VQA metric, ordinals as figures. The case of letters counts in a gold
that is a symbol: one letter, two letters of which both texts write some as capitals (Co, CO), genotypes (Aa). When the
gold is "yes" or "no", a response that opens with that word and nowhere has the other one agrees. The options may allow
an edit distance, or name a benchmark's rule (`open_text`).
"""
# ruff: noqa: RUF001

import re
from collections.abc import Sequence

from cogito_pl.rewards.verifier import open_text
from cogito_pl.rewards.verifier.base import Verdict, Verifier
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing.answer_sentences import clause, closing, readings, values
from cogito_pl.rewards.verifier.parsing.delimiters import unwrapped
from cogito_pl.rewards.verifier.parsing.extract import Candidate
from cogito_pl.rewards.verifier.parsing.latex import fold_width
from cogito_pl.rewards.verifier.parsing.ordinals import in_figures

LONE_LENGTH = 100
"""Characters of a one-line response that may be an answer and nothing else."""

_DIGITS = {"none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5"} | {
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
}  # fmt: skip
_STYLE = re.compile(r"\\(?:text|textbf|mathrm|mbox)\s*\{([^{}]*)\}")
_SYMBOL = re.compile(r"[^\W\d_]|(?:([a-z])\1)+")  # m, or a genotype such as AaBb
_WORD = re.compile("no|ok|on|in|up|go|to|by|it|us|we|he|me|my|at|if|of|or|so|do|is|am|pm|mr|ms|dr|st|uk")
_EDGES = " \t\n\r.,;:!?\"'`*()[]{}<>«»“”。，、；：！？"


def normalised(text: str) -> str:
    """The form in which two texts are compared; the text itself, stripped, when nothing else would be left of it."""
    folded = _STYLE.sub(r"\1", fold_width(text)).casefold()
    folded = in_figures(folded)
    folded = re.sub(r"(?<=[^\W\d_]), ?(?=[^\W\d_])", ", ", re.sub(r"['’‘]", "", folded))
    folded = re.sub(r"\s+", " ", re.sub(r"(?<=\w)-(?=\w)", " ", folded)).strip(_EDGES)
    folded = re.sub(r"^(?:the|an|a) (?=\S)", "", folded)
    return " ".join(_DIGITS.get(word, word) for word in folded.split(" ")) or text.strip()


def _letters(text: str) -> str:
    return "".join(re.findall(r"[^\W\d_]", _STYLE.sub(r"\1", fold_width(text))))


def same_words(answer: str, gold: str) -> bool:
    """Whether two texts are equal when normalised and, if the gold is a symbol, in the case of its letters too."""
    folded = normalised(gold)
    if normalised(answer) != folded:
        return False
    one, other = _letters(answer), _letters(gold)
    if one == other or _WORD.fullmatch(folded):
        return True
    two = len(folded) == 2 and folded.isalpha() and not one.islower() and not other.islower()  # CO is not Co
    return not (two or _SYMBOL.fullmatch(folded))


def same_text(answer: str, gold: str, options: GradeOptions) -> bool:
    """Whether two texts agree by the rules of this file."""
    left, right = normalised(answer), normalised(gold)
    if left == right:
        return same_words(answer, gold)
    if right in ("yes", "no"):
        said = re.findall(r"[^\W\d_]+", left[:1000])
        return said[:1] == [right] and ("no" if right == "yes" else "yes") not in said
    if options.text == "contains":
        return open_text.contains(left, right)
    return options.edit_distance > 0 and open_text.within(left, right, options.edit_distance)


class TextVerifier(Verifier):
    """Compares short texts by the rules of this file."""

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares a text with the gold text; see `Verifier.judge`."""
        gold, text = unwrapped(gold), unwrapped(answer.text)
        if not text:
            return None
        if options.text == "mmmu" and (answer.rule != "lone" or len(text) <= LONE_LENGTH):
            return Verdict.of(open_text.mmmu(text, gold), "mmmu")
        same = same_text(text, gold, options)
        if answer.rule.endswith("marker") and not same:
            same = any(same_text(reading, gold, options) for reading in readings(answer.text, marked=True))
            text = clause(answer.text)
        elif answer.rule.endswith("statement") and not same:
            return None
        elif answer.rule in ("lone", "answer-tag") and not same:
            same = any(same_text(value, gold, options) for value in values(closing(text)))
            if answer.rule == "lone" and not same and (len(text) > LONE_LENGTH or "\n" in text):
                return None
        return Verdict.of(same, "text") if text else None

    def check(self, gold: str, choices: Sequence[str] = ()) -> str | None:
        """Why this gold cannot be verified, None when it can."""
        return None if unwrapped(gold) else "the answer is empty"

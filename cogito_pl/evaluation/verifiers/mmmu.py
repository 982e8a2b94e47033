"""MMMU's rules (`eval_utils`), without the random choice where no option can be read: such a response is unparsed."""

import ast
import re
from collections.abc import Sequence
from string import ascii_uppercase

from cogito_pl.rewards.verifier import open_text
from cogito_pl.rewards.verifier.base import Verdict, Verifier
from cogito_pl.rewards.verifier.choice import ChoiceVerifier
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing.delimiters import unwrapped
from cogito_pl.rewards.verifier.parsing.extract import Candidate

LONE_LENGTH = 100
"""Characters of a response without a marked answer that an open question reads whole."""
_WORDS = 5
"""Texts of options are looked for in responses of more words than this."""


def chosen(response: str, choices: Sequence[str]) -> str | None:
    """The option that a response chooses: the last `(A)`, else the last ` A `, else the last option's text in it.

    Args:
        response: The response, or the place in it that states the answer.
        choices: The options in the order of their labels.

    Returns:
        Its label; None where the official code takes one at random.
    """
    labels = ascii_uppercase[: len(choices)]
    text = f" {response.strip(',.!?;:' + chr(39))} "
    for form in ("({})", " {} "):
        last = {label: text.rfind(form.format(label)) for label in labels}
        if max(last.values(), default=-1) >= 0:
            return max(last, key=last.get)
    if len(text.split()) > _WORDS:
        last = {label: text.lower().rfind(option.lower()) for label, option in zip(labels, choices, strict=True)}
        if max(last.values(), default=-1) >= 0:
            return max(last, key=last.get)
    return None


def golds(gold: str) -> list[str]:
    """The forms that an open question accepts: a Python list of them, or the one text."""
    try:
        found = ast.literal_eval(gold)
    except (ValueError, SyntaxError):
        return [gold]
    return [str(value) for value in found] if isinstance(found, list) else [gold]


class MMMUChoice(ChoiceVerifier):
    """Multiple choice; what the official rule cannot read at a place, such as "C. 14 m", is read as any choice."""

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares the option that a place chooses with the gold label; see `Verifier.judge`."""
        label = chosen(answer.text, choices)
        if label is None:
            return super().judge(answer, gold, choices, options)
        return Verdict.of(label == gold, "mmmu")


class MMMUOpen(Verifier):
    """Open questions: a number of the answer equals a gold number, or a gold text occurs in it."""

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares a text with every accepted form; see `Verifier.judge`."""
        text = unwrapped(answer.text)
        if not text or (answer.rule == "lone" and len(text) > LONE_LENGTH) or re.fullmatch(r"\W*", text):
            return None
        return Verdict.of(any(open_text.mmmu(text, form) for form in golds(gold)), "mmmu")

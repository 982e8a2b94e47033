"""MathVista's rule for numbers and lists: normalised as the official code does, then equal as text.

Where the official pipeline asks a language model to extract the value, the places of `parsing.extract` are read. A
wrong choice is never replaced by the most similar option, as there: choices are graded by the shipped verifier.
"""

import ast
from collections.abc import Sequence
from fractions import Fraction

from cogito_pl.rewards.verifier import number
from cogito_pl.rewards.verifier.base import Verdict, Verifier
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing import quantity
from cogito_pl.rewards.verifier.parsing.extract import Candidate


def _bare(found: quantity.Number) -> Fraction:
    return found.value * 100 if found.percent else found.value


class MathVistaNumber(Verifier):
    """Numbers: cut to an integer, or rounded to the precision of the question, as Python rounds floats.

    Args:
        decimals: Precision of the question; null for integers, which the official code cuts: 3.7 is 3.
    """

    def __init__(self, decimals: int | None = None) -> None:
        self.decimals = decimals

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares a number with the gold number; see `Verifier.judge`."""
        found, target = number.stated(answer), quantity.parse(gold)
        if found is None or target is None:
            return None
        if not isinstance(found, quantity.Number):
            return Verdict.of(False, "several")
        return Verdict.of(self._normal(found) == self._normal(target), "mathvista")

    def _normal(self, found: quantity.Number) -> float:
        value = float(_bare(found))
        return int(value) if self.decimals is None else round(value, self.decimals)

    def check(self, gold: str, choices: Sequence[str] = ()) -> str | None:
        """Why this gold is no number, None when it is one."""
        return None if quantity.parse(gold) else f"the answer {gold[:60]!r} is not a number"


class MathVistaList(Verifier):
    """Lists of Python literals, equal item by item."""

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares a list with the gold list; see `Verifier.judge`."""
        found = _listed(answer.text)
        return None if found is None else Verdict.of(found == _listed(gold), "mathvista")

    def check(self, gold: str, choices: Sequence[str] = ()) -> str | None:
        """Why this gold is no list, None when it is one."""
        return None if _listed(gold) is not None else f"the answer {gold[:60]!r} is not a Python list"


def _listed(text: str) -> list | None:
    start, end = text.find("["), text.rfind("]")
    try:
        found = ast.literal_eval(text[start : end + 1]) if 0 <= start < end < 500 else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return found if isinstance(found, list) else None

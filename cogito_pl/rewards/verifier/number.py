"""Verifies numbers.

Exact, unless the options allow a tolerance, a rounding or a cut. Units must agree only when both sides write one;
known ones are converted, so 0.5 m is 50 cm. `50%` is 0.5; when only one side has the percent sign, the bare figure 50
agrees with it as well, since questions ask "how many percent". A place that states several numbers, "4 or 5", is wrong.
"""

import re
from collections.abc import Sequence
from fractions import Fraction

from cogito_pl.rewards.verifier.base import Verdict, Verifier
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing.answer_sentences import readings as stated_in
from cogito_pl.rewards.verifier.parsing.extract import Candidate
from cogito_pl.rewards.verifier.parsing.quantity import LONGEST, Number, parse, readings

_SEVERAL = re.compile(
    r"\s*(?:,\s*(?:and|or)\b|;|,(?!\d)|, |\b(?:or|and|ou|oder|und|et)\b|或|和|\\text\{\s*(?:and|or)\s*\})\s*"
)


def near(left: Fraction, right: Fraction, options: GradeOptions) -> bool:
    """Whether two values agree within the tolerances of the options; `right` is the gold."""
    if options.truncate:
        left, right = Fraction(int(left)), Fraction(int(right))
    if options.decimals is not None:
        left, right = round(left, options.decimals), round(right, options.decimals)
    allowed = max(Fraction(str(options.absolute_tolerance)), Fraction(str(options.relative_tolerance)) * abs(right))
    return abs(left - right) <= allowed


def several(text: str) -> bool:
    """Whether a text states more than one number: "4 or 5", "4, 5"."""
    parts = [part for part in _SEVERAL.split(text[:LONGEST]) if part.strip(" $\\(){}[]")]
    return len(parts) > 1 and all(parse(part.strip(" ()[]{}\\")) for part in parts)


def stated(answer: Candidate) -> Number | bool | None:
    """The number that a place states, True when it states several, None when it states none."""
    for text in stated_in(answer.text, answer.rule.endswith("marker")):
        if number := parse(text):
            return number
        if several(text):
            return True
    return None


class NumberVerifier(Verifier):
    """Compares numbers: exactly, unless the options allow a tolerance."""

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares a number with the gold number; see `Verifier.judge`."""
        found, target = stated(answer), parse(gold)
        if found is None or target is None:
            return None
        if not isinstance(found, Number):
            return Verdict.of(False, "several")
        return Verdict.of(any(near(left, right, options) for left, right in readings(found, target)), "number")

    def check(self, gold: str, choices: Sequence[str] = ()) -> str | None:
        """Why this gold is no number, None when it is one."""
        return None if parse(gold) else f"the answer {gold[:60]!r} is not a number; use kind math or text"

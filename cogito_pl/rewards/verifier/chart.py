"""Verifies answers to chart questions, by ChartQA's relaxed accuracy.

A number is correct within 5 percent of the gold, bound included and computed exactly; a gold of zero must be met
exactly. Years are relaxed as well, as in the official metric (pix2struct, VLMEvalKit, lmms-eval), so that scores stay
comparable, unless the options ask for exact years. Unlike the official metric, thousands separators, currency signs,
units, and a percent sign on one side only are read (`1,000` for 1000, `$50` for 50, `50` for 50%). Anything else is
compared as the official metric does: letter by letter but for case; only the full stop of a sentence does not count.
"""

from collections.abc import Sequence
from fractions import Fraction

from cogito_pl.rewards.verifier import number, text
from cogito_pl.rewards.verifier.base import Verdict, Verifier
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing import quantity
from cogito_pl.rewards.verifier.parsing.answer_sentences import readings
from cogito_pl.rewards.verifier.parsing.delimiters import unwrapped
from cogito_pl.rewards.verifier.parsing.extract import Candidate


def _float(written: str) -> float | None:
    try:
        return float(written.rstrip("%")) / 100 if written.endswith("%") else float(written)
    except ValueError:
        return None


def official(answer: str, gold: str, tolerance: float) -> bool:
    """ChartQA's relaxed correctness to the letter: Python floats, a gold of zero compared as text."""
    value, target = _float(answer), _float(gold)
    if value is not None and target:
        return abs(value - target) / abs(target) <= tolerance
    return answer.lower() == gold.lower()


def _near(left: Fraction, right: Fraction, target: quantity.Number, options: GradeOptions) -> bool:
    year = target.unit is None and not target.percent and right.denominator == 1 and 1000 <= right <= 2100
    return (
        left == right
        if year and options.exact_years
        else abs(left - right) <= Fraction(str(options.chart_tolerance)) * abs(right)
    )


def _said(answer: Candidate, gold: str) -> Verdict | None:
    """The verdict on words; a closing sentence counts only when it states the gold."""
    if answer.rule == "lone":
        short = len(answer.text) <= text.LONE_LENGTH and "\n" not in answer.text
        same = answer.text.strip().casefold() == gold.strip().casefold()
        return Verdict.of(same, "text") if short or same else None
    stated = [reading.strip().casefold() for reading in readings(answer.text, answer.rule.endswith("marker"))]
    same = gold.strip().casefold() in (*stated, answer.text.strip().casefold())
    return Verdict.of(same, "text") if same or (any(stated) and not answer.rule.endswith("statement")) else None


class ChartVerifier(Verifier):
    """Compares numbers and labels that are read off a chart."""

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares a number or label with the gold; see `Verifier.judge`."""
        if options.chart == "official":
            return Verdict.of(official(answer.text.strip(), gold.strip(), options.chart_tolerance), "official")
        target, value = quantity.parse(gold), number.stated(answer)
        if target is not None and value is None and answer.rule == "lone" and any(map(str.isdigit, answer.text)):
            return None
        if target is None or value is None:
            return _said(answer, gold)
        if not isinstance(value, quantity.Number):
            return Verdict.of(False, "several")
        return Verdict.of(any(_near(*pair, target, options) for pair in quantity.readings(value, target)), "relaxed")

    def check(self, gold: str, choices: Sequence[str] = ()) -> str | None:
        """Why this gold cannot be verified, None when it can."""
        return None if unwrapped(gold) else "the answer is empty"

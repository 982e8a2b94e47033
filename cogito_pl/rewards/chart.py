"""The verifier of chart questions. Knows ChartQA's relaxed accuracy; nothing of which numbers are years.

A number is right within 5 percent of the gold, bound included and computed exactly; a gold of zero must be met
exactly. Years are relaxed as well, as in the official metric (pix2struct, VLMEvalKit, lmms-eval), so that scores stay
comparable. Unlike the official metric, thousands separators, currency signs, units, and a percent sign on one side
only are read (`1,000` for 1000, `$50` for 50, `50` for 50%). Anything else is compared as text.
"""

from collections.abc import Sequence
from fractions import Fraction

from cogito_pl.rewards import number, text
from cogito_pl.rewards.extract import Candidate
from cogito_pl.rewards.text import Verdict

TOLERANCE = Fraction(5, 100)


def judge(answer: Candidate, gold: str, choices: Sequence[str] = ()) -> Verdict | None:
    """Compares a chart answer with its gold.

    Args:
        answer: Where the response states its answer.
        gold: The right number or text.
        choices: Not used.

    Returns:
        The verdict, None when this place states no answer.
    """
    target = number.parse(gold)
    if target is None:
        return text.judge(answer, gold)
    value = number.stated(answer)
    if value is None:
        return text.judge(answer, gold) if answer.rule != "statement" else None
    near = any(abs(left - right) <= TOLERANCE * abs(right) for left, right in number.readings(value, target))
    return Verdict.of(near, "relaxed")


def check(gold: str, choices: Sequence[str] = ()) -> str | None:
    """Why this gold cannot be verified, None when it can."""
    return text.check(gold)

"""Confidence intervals of shares, of differences between paired shares, and of means."""

import math
from collections.abc import Sequence
from functools import cache
from statistics import fmean, stdev

Z95 = 1.959963984540054
"""Standard normal quantile of a two-sided 95% interval."""


def wilson(correct: int, count: int, z: float = Z95) -> tuple[float, float]:
    """Score interval of a share (Wilson, 1927), which holds at 0, at 1 and for small counts as well.

    Args:
        correct: Successes.
        count: Trials; with none, the interval is [0, 1].
        z: Normal quantile of the confidence.

    Raises:
        ValueError: `correct` is not within 0 and `count`.
    """
    if not 0 <= correct <= count:
        raise ValueError(f"correct={correct} of count={count}: give between 0 and count successes")
    if count == 0:
        return 0.0, 1.0
    share, spread = correct / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def paired_difference(both: int, first: int, second: int, neither: int, z: float = Z95) -> tuple[float, float, float]:
    """Difference of two shares over the same trials, with its score interval (Newcombe, 1998b, method 10).

    Args:
        both: Trials in which both succeed.
        first: Trials in which only the first succeeds.
        second: Trials in which only the second succeeds.
        neither: Trials in which none succeeds.
        z: Normal quantile of the confidence.

    Returns:
        First share minus second share, and the ends of the interval. Without trials: 0, -1, 1.
    """
    count = both + first + second + neither
    if count == 0:
        return 0.0, -1.0, 1.0
    (low1, high1), (low2, high2) = wilson(both + first, count, z), wilson(both + second, count, z)
    share1, share2 = (both + first) / count, (both + second) / count
    tie = _correlation(both, first, second, neither)
    below = _distance(share1 - low1, high2 - share2, tie)
    above = _distance(high1 - share1, share2 - low2, tie)
    difference = share1 - share2
    return difference, max(-1.0, difference - below), min(1.0, difference + above)


def mean_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float, float]:
    """Mean of a normal sample with Student's interval (1908): `mean -+ t * s / sqrt(n)`, of `n - 1` degrees of freedom.

    Args:
        values: At least two.
        level: Confidence.

    Returns:
        The mean, and the ends of the interval.

    Raises:
        ValueError: There are fewer than two values.
    """
    if len(values) < 2:
        raise ValueError(f"{len(values)} values: an interval of their mean needs at least 2")
    mean = fmean(values)
    half = student_quantile(len(values) - 1, level) * stdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def share_interval(shares: Sequence[float]) -> tuple[float, float, float]:
    """Mean of the shares of correct completions of problems, with its 95% interval over problems.

    That of Wilson where every share is 0 or 1, as with one completion per problem; else Student's, within [0, 1].

    Args:
        shares: One per problem, at least one.
    """
    if len(shares) == 1 or set(shares) <= {0.0, 1.0}:
        return fmean(shares), *wilson(round(sum(shares)), len(shares))
    mean, low, high = mean_interval(shares)
    return mean, max(0.0, low), min(1.0, high)


@cache
def student_quantile(degrees: int, level: float = 0.95) -> float:
    """The `t` with `P(|T| <= t) = level` under Student's distribution.

    The probability is a finite sum in the angle `arctan(t / sqrt(degrees))` (Abramowitz and Stegun, 26.7.3 and 26.7.4),
    inverted by bisection.

    Args:
        degrees: Degrees of freedom, at least 1.
        level: Confidence, above 0 and below 1.

    Raises:
        ValueError: `degrees` or `level` is out of range.
    """
    if degrees < 1 or not 0 < level < 1:
        raise ValueError(f"degrees={degrees}, level={level}: choose degrees of at least 1 and a level between 0 and 1")
    low, high = 0.0, math.pi / 2
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _student_probability(middle, degrees) < level else (low, middle)
    return math.sqrt(degrees) * math.tan(low)


def _student_probability(angle: float, degrees: int) -> float:
    odd = degrees % 2
    sine, cosine = math.sin(angle), math.cos(angle)
    term, total = (cosine if odd else 1.0), 0.0
    for power in range(odd, degrees - 1, 2):
        total += term
        term *= (power + 1) / (power + 2) * cosine * cosine
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def _distance(one: float, other: float, tie: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * tie * one * other + other * other))


def _correlation(both: int, first: int, second: int, neither: int) -> float:
    """Correlation of the two outcomes, continuity-corrected towards zero where it is positive."""
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    if margins == 0:
        return 0.0
    product = both * neither - first * second
    if product > 0:
        product = max(0.0, product - (both + first + second + neither) / 2)
    return product / math.sqrt(margins)

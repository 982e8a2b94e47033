"""The smallest difference that an experiment of so many seeds can tell from noise: power of the paired t test."""

import math
from collections.abc import Iterable, Sequence
from statistics import variance

from cogito_pl.experiments.intervals import student_quantile

SEEDS = (3, 5, 8)
"""Numbers of seeds that are reported."""
POINTS = 400
"""Intervals of the integration; twice as many change no digit that is shown."""


def smallest_difference(sd: float, seeds: int, power: float = 0.8, level: float = 0.95) -> float | None:
    """The smallest true difference that a two-sided paired t test finds with probability `power`.

    With `n` seeds, the statistic has a noncentral t distribution of `n - 1` degrees of freedom and noncentrality
    `d * sqrt(n) / sd`; this solves `P(|T| > t) = power` for `d`.

    Args:
        sd: Standard deviation of the paired differences over seeds, in any unit; the result has the same.
        seeds: Pairs; null is returned for fewer than two.
        power: Probability of finding it.
        level: 1 minus the probability of finding a difference where there is none.
    """
    if seeds < 2:
        return None
    critical = student_quantile(seeds - 1, level)
    low, high = 0.0, 1.0
    while found_with(high, critical, seeds - 1) < power:
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if found_with(middle, critical, seeds - 1) < power else (low, middle)
    return high * sd / math.sqrt(seeds)


def found_with(noncentrality: float, critical: float, degrees: int) -> float:
    """`P(|T| > critical)` of a noncentral t distribution.

    `T = (Z + noncentrality) / S` with `Z` normal and `S = sqrt(chi2 / degrees)`, hence
    `P = integral over s of [Phi(noncentrality - critical * s) + Phi(-noncentrality - critical * s)] * f(s)`, with the
    density `f(s) = 2 * (k/2)**(k/2) / Gamma(k/2) * s**(k-1) * exp(-k * s**2 / 2)` of `S`; by Simpson's rule.

    Args:
        noncentrality: Mean of the numerator.
        critical: Above zero.
        degrees: Of freedom, at least 1.
    """
    half = degrees / 2
    scale = math.log(2) + half * math.log(half) - math.lgamma(half)
    end = 1 + 9 / math.sqrt(degrees)  # the density beyond is below 1e-15

    def integrand(s: float) -> float:
        if s == 0:
            density = math.exp(scale) if degrees == 1 else 0.0
        else:
            density = math.exp(scale + (degrees - 1) * math.log(s) - half * s * s)
        return density * (normal(noncentrality - critical * s) + normal(-noncentrality - critical * s))

    width = end / POINTS
    weights = (1 if place in (0, POINTS) else 4 if place % 2 else 2 for place in range(POINTS + 1))
    return width / 3 * sum(weight * integrand(place * width) for place, weight in enumerate(weights))


def normal(x: float) -> float:
    """The standard normal distribution function."""
    return math.erfc(-x / math.sqrt(2)) / 2


def pooled_deviation(groups: Iterable[Sequence[float]]) -> float | None:
    """Standard deviation within groups, each about its own mean: `sqrt(sum (n - 1) s^2 / sum (n - 1))`.

    Args:
        groups: The differences of every arm; those with fewer than two say nothing.

    Returns:
        Null where no group has two.
    """
    told = [values for values in groups if len(values) > 1]
    if not told:
        return None
    freedom = sum(len(values) - 1 for values in told)
    return math.sqrt(sum((len(values) - 1) * variance(values) for values in told) / freedom)

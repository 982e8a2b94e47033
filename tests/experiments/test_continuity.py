"""Newcombe's correction for continuity, by the formulas of method 10 (Statistics in Medicine 17, 1998, 2635-2650)."""

import math

import pytest

from cogito_pl.experiments.intervals import paired_difference, wilson


def by_the_book(a, b, c, d):
    """The interval of (b - c) / n from a pair's table of counts, term by term."""
    n = a + b + c + d
    surplus = a * d - b * c
    corrected = surplus - n / 2 if surplus > n / 2 else 0 if surplus >= 0 else surplus
    phi = corrected / math.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    p, q = (a + b) / n, (a + c) / n
    (l2, u2), (l3, u3) = wilson(a + b, n), wilson(a + c, n)
    below = (p - l2) ** 2 - 2 * phi * (p - l2) * (u3 - q) + (u3 - q) ** 2
    above = (q - l3) ** 2 - 2 * phi * (q - l3) * (u2 - p) + (u2 - p) ** 2
    return (b - c) / n, (b - c) / n - math.sqrt(below), (b - c) / n + math.sqrt(above)


@pytest.mark.parametrize(
    "table",
    [(20, 30, 5, 45), (9, 6, 1, 4), (45, 10, 5, 40), (5, 4, 4, 5), (2, 3, 3, 2), (36, 12, 2, 0)],
    ids=["far above", "above", "strong", "within half of n", "below zero", "published"],
)
def test_the_correlation_is_corrected_towards_zero_where_it_is_positive(table):
    assert paired_difference(*table) == pytest.approx(by_the_book(*table))

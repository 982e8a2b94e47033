"""The default order: draws in proportion, every pass a permutation, a pure function of the draw number."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogito_pl.data.draw_order import DrawContext, Mixture, Pool

WEIGHTS = st.lists(st.floats(0.01, 10), min_size=1, max_size=6)


def pools(weights, size=7):
    return [Pool(range(i * size, (i + 1) * size), weight) for i, weight in enumerate(weights)]


def mixture(pools, *, seed=1, stage=0, first=0) -> Mixture:
    return Mixture(DrawContext((), pools, seed=seed, stage=stage, first=first))


def indices(order: Mixture, count: int) -> list[int]:
    return [order(order.first + number) for number in range(count)]


@given(WEIGHTS, st.integers(0, 300), st.integers(1, 64))
def test_every_stretch_of_draws_holds_the_proportions(weights, start, length):
    drawn = Counter(index // 7 for index in indices(mixture(pools(weights), first=5), 364)[start:][:length])
    for pool, weight in enumerate(weights):
        assert abs(drawn[pool] - length * weight / sum(weights)) < len(weights) + 1


@given(WEIGHTS)
def test_within_a_pool_every_pass_is_a_permutation(weights):
    drawn = indices(mixture(pools(weights), stage=2), 100)
    for pool in range(len(weights)):
        mine = [index for index in drawn if index // 7 == pool]
        for start in range(0, len(mine) - 6, 7):
            assert sorted(mine[start : start + 7]) == list(range(pool * 7, pool * 7 + 7))


def test_every_pass_over_one_pool_is_a_permutation_of_its_own():
    order = mixture([Pool(range(50))], seed=5)
    passes = [[order(number) for number in range(start, start + 50)] for start in (0, 50, 100)]
    assert all(sorted(drawn) == list(range(50)) for drawn in passes)
    assert passes[0] != passes[1] != passes[2]


def test_a_draw_depends_on_its_number_alone_and_not_on_what_was_asked_before():
    weights = [1.0, 2.5, 0.3]
    forward, backward = (mixture(pools(weights), seed=3, stage=1, first=10) for _ in range(2))
    expected = [forward(number) for number in range(10, 90)]
    assert [backward(number) for number in reversed(range(10, 90))] == expected[::-1]


def test_equal_shares_take_turns():
    assert [index // 7 for index in indices(mixture(pools([1, 1]), seed=0), 6)] == [0, 1, 0, 1, 0, 1]


def test_stages_over_the_same_problems_are_shuffled_apart_and_so_are_seeds():
    orders = {tuple(indices(mixture([Pool(range(50))], seed=s, stage=k), 50)) for s in (1, 2) for k in (0, 1)}
    assert len(orders) == 4


@pytest.mark.parametrize(
    ("settings", "drawn"),
    [
        (
            {"pools": [Pool(range(5), 1.0), Pool(range(5, 9), 2.5), Pool(range(9, 12), 0.3)], "seed": 3, "stage": 1},
            [8, 1, 5, 7, 9, 6, 4, 7, 6, 2, 5, 8, 8, 3, 6, 5, 0, 7, 5, 10, 6, 3, 7, 8, 2, 5, 6, 7, 0, 8, 11, 6],
        ),
        ({"pools": [Pool(range(6))], "seed": 17}, [5, 0, 4, 1, 2, 3, 1, 2, 3, 0, 4, 5, 2, 5, 0, 1, 3, 4]),
        ({"pools": [Pool(range(6))], "seed": 17, "stage": 2}, [4, 3, 0, 5, 1, 2, 1, 0, 3, 5, 4, 2, 4, 1, 0, 2, 5, 3]),
    ],
)
def test_the_draws_of_published_runs_stay_what_they_were(settings, drawn):
    assert indices(mixture(**settings, first=10), len(drawn)) == drawn

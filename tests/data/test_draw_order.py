"""Draws of a stage: in proportion, every pass a permutation, a pure function of the draw number."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogito_pl.data.curriculum import Stage
from cogito_pl.data.draw_order import Mixture, Plan, Pool, pools_of
from tests.conftest import problem

WEIGHTS = st.lists(st.floats(0.01, 10), min_size=1, max_size=6)


def pools(weights, size=7):
    return [Pool(range(i * size, (i + 1) * size), weight) for i, weight in enumerate(weights)]


def indices(mixture, count):
    return [mixture(mixture.first + number).index for number in range(count)]


@given(WEIGHTS, st.integers(0, 300), st.integers(1, 64))
def test_every_stretch_of_draws_holds_the_proportions(weights, start, length):
    drawn = Counter(
        index // 7 for index in indices(Mixture(pools(weights), seed=1, stage=0, first=5), 364)[start:][:length]
    )
    for pool, weight in enumerate(weights):
        assert abs(drawn[pool] - length * weight / sum(weights)) < len(weights) + 1


@given(WEIGHTS)
def test_within_a_pool_every_pass_is_a_permutation(weights):
    drawn = indices(Mixture(pools(weights), seed=1, stage=2, first=0), 100)
    for pool in range(len(weights)):
        mine = [index for index in drawn if index // 7 == pool]
        for start in range(0, len(mine) - 6, 7):
            assert sorted(mine[start : start + 7]) == list(range(pool * 7, pool * 7 + 7))


def test_a_draw_depends_on_its_number_alone_and_not_on_what_was_asked_before():
    weights = [1.0, 2.5, 0.3]
    forward = Mixture(pools(weights), seed=3, stage=1, first=10)
    backward = Mixture(pools(weights), seed=3, stage=1, first=10)
    expected = [forward(number) for number in range(10, 90)]
    assert [backward(number) for number in reversed(range(10, 90))] == expected[::-1]


def test_equal_shares_take_turns():
    assert [index // 7 for index in indices(Mixture(pools([1, 1]), seed=0, stage=0, first=0), 6)] == [0, 1, 0, 1, 0, 1]


def test_stages_over_the_same_problems_are_shuffled_apart_and_so_are_seeds():
    orders = {tuple(indices(Mixture([Pool(range(50))], seed=s, stage=k, first=0), 50)) for s in (1, 2) for k in (0, 1)}
    assert len(orders) == 4


def rows():
    """Ten problems of `a`, the first four easy, and five of `b`, all hard."""
    easy = [problem(seed=i, source="a", meta={"stratum": "easy" if i < 4 else "hard"}) for i in range(10)]
    return [*easy, *(problem(seed=10 + i, source="b", meta={"stratum": "hard"}) for i in range(5))]


def test_a_stage_without_sources_and_strata_draws_from_everything():
    assert pools_of(Stage(name="all"), rows()) == [Pool(range(15))]


def test_sources_and_strata_make_pools_with_the_product_of_their_weights():
    by_source = pools_of(Stage(name="s", sources={"b": 3.0}), rows())
    assert by_source == [Pool([10, 11, 12, 13, 14], 3.0)]
    both = pools_of(Stage(name="s", sources={"a": 2.0, "b": 1.0}, strata={"easy": 1.0, "hard": 0.5}), rows())
    assert [(list(pool.indices), pool.weight) for pool in both] == [
        ([0, 1, 2, 3], 2.0), ([4, 5, 6, 7, 8, 9], 1.0), ([10, 11, 12, 13, 14], 0.5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "problems", "named"),
    [
        (Stage(name="hard", sources={"c": 1.0}), rows(), "source 'c', which holds no problems; there are a, b"),
        (
            Stage(name="hard", strata={"odd": 1.0}),
            rows(),
            "stratum 'odd', which holds no problems; there are easy, hard",
        ),
        (
            Stage(name="hard", sources={"b": 1.0}, strata={"easy": 1.0}),
            rows(),
            "'easy', which holds no problems; there are hard",
        ),
        (Stage(name="hard", sources={"a": 1.0, "b": 1.0}, strata={"easy": 1.0}), rows(), "source 'b', which holds no"),
        (Stage(name="hard", strata={"odd": 1.0}), [problem()], "no problem has a value in the column `stratum`"),
        (Stage(name="hard"), [], "no problems"),
    ],
)
def test_a_stage_that_holds_no_problems_is_an_error_that_names_it(stage, problems, named):
    with pytest.raises(ValueError, match="stage 'hard'") as caught:
        pools_of(stage, problems)
    assert named in str(caught.value)


def test_the_draw_numbers_of_a_run_have_no_gaps_where_stages_end_early():
    stages = (Stage(name="easy", epochs=3, rollouts_per_epoch=2), Stage(name="hard", epochs=2))
    plan = Plan(rows(), stages, seed=1, prompts=4, rollouts=None)
    assert [plan.rollouts_before(epoch, {}) for epoch in range(6)] == [0, 2, 4, 6, 9, 12]  # 15 problems: 3 batches of 4
    assert [plan.rollouts_before(epoch, {"easy": 1}) for epoch in range(4)] == [0, 2, 5, 8]
    assert plan.order(1, {"easy": 1}).first == 8
    assert plan.order(2, {"easy": 1}) is plan.order(1, {"easy": 1})  # one order throughout a stage
    assert plan.order(3, {}).first == 24

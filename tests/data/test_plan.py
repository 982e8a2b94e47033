"""What every epoch draws from, and how many prompt batches."""

import pytest

from cogito_pl.data.curriculum import Curriculum, Stage
from cogito_pl.data.draw_order import Pool
from cogito_pl.data.plan import Plan, pools_of
from tests.conftest import problem


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
    curriculum = Curriculum(stages)
    plan = Plan(rows(), curriculum, seed=1, prompts=4, rollouts=None)
    assert [plan.rollouts_before(epoch) for epoch in range(6)] == [0, 2, 4, 6, 9, 12]  # 15 problems: 3 batches of 4
    assert (plan.context(3).stage, plan.context(3).first, plan.first_draw(4)) == (1, 24, 36)
    curriculum.ended = {"easy": 1}
    assert [plan.rollouts_before(epoch) for epoch in range(4)] == [0, 2, 5, 8]
    assert (plan.context(1).first, plan.context(2).first) == (8, 8)  # one stage throughout


def test_a_run_without_stages_is_one_stage_over_everything():
    plan = Plan(rows(), Curriculum(()), seed=1, prompts=4, rollouts=2)
    assert plan.context(7).pools == [Pool(range(15))]
    assert (plan.context(7).stage, plan.context(7).first, plan.first_draw(7)) == (0, 0, 56)


def test_a_stratum_that_may_be_empty_is_left_out_unless_nothing_remains():
    def plan(**strata):
        return Plan(
            rows(), Curriculum([Stage(name="s", strata=strata)]),
            seed=1, prompts=4, rollouts=None, optional=("easy", "medium", "hard"),
        )  # fmt: skip

    left = plan(easy=2.0, medium=1.0)
    assert left.left_out == {"s": ["medium"]}
    assert [list(pool.indices) for pool in left.pools[0]] == [[0, 1, 2, 3]]
    assert plan(easy=2.0, hard=1.0).left_out == {}
    for strata in ({"medium": 1.0}, {"easy": 1.0, "esay": 1.0}):
        with pytest.raises(ValueError, match="which holds no problems"):
            plan(**strata)

"""Weights and options of reward terms and of ODSW, at values that are not their defaults."""

from dataclasses import replace

import pytest
import torch

from callbacks import DynamicLengthReward, ODSWReweighting, RepetitionPenalty
from cogito_pl.rl.lengths import PRESETS, length_rewards
from tests.callbacks.test_vl_cogito import Bench
from tests.rl.rollouts import graded

LENGTHS = [400, 1200, 300, 350, 375, 1125]


def paid(callback, **rollout):
    """What a callback adds to the rewards of three groups, one of them all wrong; and what it logs."""
    bench, before = Bench(), graded([1, 0, 1, 0, 0, 0], 2, lengths=LENGTHS, **rollout)
    after = callback.on_rewards(bench.trainer, bench.module, before)
    return (after.rewards - before.rewards).tolist(), bench.logged, after


@pytest.mark.parametrize(
    "settings",
    [{}, {"target": "fixed"}, {"max_length": 3000}, {"r_min": -0.9}, {"r_min_all_wrong": -0.7}, {"clamp": False}],
    ids=str,
)
def test_dynamic_length_adds_its_weight_times_its_own_rule(settings):
    term = DynamicLengthReward(weight=2.0, stages=None, **settings)
    added, _, after = paid(term)
    rule = replace(PRESETS["official"], **settings)
    expected = length_rewards(torch.tensor(LENGTHS), after.correct > 0, after.finished, 2, rule)
    assert added == pytest.approx((2 * expected).tolist(), abs=1e-6)
    assert torch.equal(after.reward_terms["length"], expected)  # kept without the weight
    if settings:
        assert added != pytest.approx(paid(DynamicLengthReward(weight=2.0, stages=None))[0], abs=1e-6)


def test_repetition_counts_runs_of_its_own_length_by_its_own_weight():
    texts = ("a b a b a b",) * 6  # two distinct runs of two words among five
    bench, before = Bench(), replace(graded([1, 0, 1, 0, 0, 0], 2), texts=texts)
    penalty = RepetitionPenalty(weight=3.0, words=2, scope="all", stages=None)
    after = penalty.on_rewards(bench.trainer, bench.module, before)
    assert (after.rewards - before.rewards).tolist() == pytest.approx([-3 * 3 / 5] * 6)


def test_prompts_that_count_zero_times_are_no_part_of_the_mean_weight():
    bench, odsw = Bench(), ODSWReweighting(shape="medium", renormalise=True)
    whole = graded([1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1], 4)  # weights sin(pi / 4), 1, 0
    left_out = whole.counted(torch.tensor([1, 0, 1, 1] + [1, 0, 0, 2] + [0] * 4))
    weights = odsw.on_advantages(bench.trainer, bench.module, left_out).weights
    two = odsw.on_advantages(bench.trainer, bench.module, whole.select([0, 1])).weights
    assert weights.tolist() == pytest.approx([*two.tolist(), 0.0])
    assert weights[:2].mean().item() == pytest.approx(1)


@pytest.mark.parametrize("shape", ["hard", "all_wrong_only"])
def test_prompts_without_a_correct_completion_have_the_weight_that_is_set(shape):
    bench = Bench()
    odsw = ODSWReweighting(shape=shape, zero_weight=0.6)
    assert odsw.on_advantages(bench.trainer, bench.module, graded([0, 0], 2)).weights.tolist() == pytest.approx([0.6])

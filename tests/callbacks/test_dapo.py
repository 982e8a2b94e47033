"""DAPO's dynamic sampling, soft overlong penalty and overlong masking, and the efficient-length reward."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from callbacks import DynamicSampling, EfficientLengthReward, OverlongMasking, SoftOverlongPenalty
from cogito_pl.data.curriculum import Stage
from cogito_pl.data.sampling_changes import SamplingChanges
from cogito_pl.policy import SamplingConfig
from tests.callbacks.test_vl_cogito import Bench
from tests.modules.training import grpo
from tests.rl.rollouts import graded


def test_groups_need_correct_and_wrong_completions_whatever_other_rewards_say():
    rollout = graded([1, 1, 1, 0, 0, 0, 0, 1], 2)
    rollout = replace(rollout, advantages=torch.tensor([0.7, -0.7, 0.0, 0.0, 0.0, 0.0, 0.7, -0.7]))
    assert DynamicSampling().admit(None, None, rollout).tolist() == [False, True, False, True]
    assert DynamicSampling(signal="advantage").admit(None, None, rollout).tolist() == [True, False, False, True]


def test_the_number_of_refills_is_a_setting():
    assert (DynamicSampling().refill_limit, DynamicSampling(refills=7).refill_limit) == (3, 7)
    with pytest.raises(ValueError, match=r"DynamicSampling\.refills=-1 is negative; choose 0 or more"):
        DynamicSampling(refills=-1)
    with pytest.raises(ValueError, match=r"DynamicSampling\.signal='reward' is unknown; choose one of correctness"):
        DynamicSampling(signal="reward")


def test_completions_that_were_cut_count_zero_times_and_keep_their_advantages():
    rollout = graded([1, 0, 1, 0], 2, lengths=[8, 3, 2, 8], limit=8).counted(torch.tensor([1, 2, 3, 1]))
    bench = Bench()
    masked = OverlongMasking().on_advantages(bench.trainer, bench.module, rollout)
    assert masked.counts.tolist() == [0, 2, 3, 0]
    assert torch.equal(masked.advantages, rollout.advantages)
    assert bench.logged == {"applied/overlong_masking": 0.5}


def test_the_soft_penalty_is_added_with_its_weight_and_kept_without():
    bench, rollout = Bench(), graded([1, 0, 1, 0], 2, lengths=[5, 6, 8, 10])
    after = SoftOverlongPenalty(limit=10, margin=4, weight=2.0).on_rewards(bench.trainer, bench.module, rollout)
    assert after.reward_terms["overlong"].tolist() == [0, 0, -0.5, -1]
    assert (after.rewards - rollout.rewards).tolist() == [0, 0, -1, -2]
    assert bench.logged == {"applied/overlong": 0.5}


@pytest.mark.parametrize("margin", [0, 11])
def test_a_margin_that_does_not_fit_the_limit_is_refused(margin):
    with pytest.raises(ValueError, match=rf"margin={margin} must be from 1 to SoftOverlongPenalty\.limit=10 tokens"):
        SoftOverlongPenalty(limit=10, margin=margin)


def test_a_penalty_that_no_completion_is_long_enough_for_is_warned_of(tiny_folder, recwarn):
    module = grpo(tiny_folder, sampling=SamplingConfig(max_tokens=6))
    stages = (Stage(name="short", epochs=1), Stage(name="long", epochs=1, sampling=SamplingChanges(max_tokens=7)))
    trainer = SimpleNamespace(datamodule=SimpleNamespace(stages=stages))
    message = "penalises more than limit - margin = 6 tokens, and sampling.max_tokens=6 cuts completions before"
    with pytest.warns(UserWarning, match=message):
        SoftOverlongPenalty(10, 4, stages=("short",)).on_fit_start(trainer, module)
    recwarn.clear()
    SoftOverlongPenalty(10, 4).on_fit_start(trainer, module)
    SoftOverlongPenalty(10, 5, stages=("short",)).on_fit_start(trainer, module)
    assert not [warning for warning in recwarn if "SoftOverlong" in str(warning.message)]


def efficient(**settings):
    """The term of completions of 0, 10 and 20 tokens, and of a wrong one of 0, and what is added to the rewards."""
    bench, rollout = Bench(), graded([1, 1, 1, 0], 2, lengths=[1, 10, 20, 1])
    after = EfficientLengthReward(**settings).on_rewards(bench.trainer, bench.module, rollout)
    return after.reward_terms["efficient_length"].tolist(), (after.rewards - rollout.rewards).tolist()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"budget": 10}, [0.545, 0.5, 0.45, 0.545]),
        ({"budget": 20}, [0.595, 0.55, 0.5, 0.595]),
        ({"budget": 10, "slope": 0.1}, [1.0, 0.5, 0.0, 1.0]),
        ({"budget": 10, "offset": 0.2}, [0.245, 0.2, 0.15, 0.245]),
        ({"budget": 10, "slope": 0.1, "least": 0.1, "most": 0.6}, [0.6, 0.5, 0.1, 0.6]),
        ({"budget": 10, "correct_only": True}, [0.545, 0.5, 0.45, 0.0]),
    ],
    ids=str,
)
def test_every_setting_of_the_efficient_length_reward_acts(settings, expected):
    term, _ = efficient(**settings)
    assert term == pytest.approx(expected, abs=1e-6)
    _, added = efficient(weight=0.3, **settings)
    assert added == pytest.approx([0.3 * value for value in expected], abs=1e-6)
    _, by_default = efficient(**settings)
    assert by_default == pytest.approx([0.05 * value for value in expected], abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget": 0}, r"EfficientLengthReward\.budget=0 must be 1 token or more"),
        ({"budget": 9, "slope": 0.0}, r"EfficientLengthReward\.slope=0\.0 must be above 0"),
        ({"budget": 9, "least": 1.0}, r"EfficientLengthReward\.least=1\.0 must be below most=1\.0"),
    ],
)
def test_settings_of_the_efficient_length_reward_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        EfficientLengthReward(**settings)

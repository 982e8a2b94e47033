"""VL-Cogito's weights and length rewards in a rollout: the values of the released code, and what must never change."""

import re
import warnings
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
import yaml

import callbacks
from callbacks import DynamicLengthReward, ODSWReweighting, RepetitionPenalty
from cogito_pl.data.curriculum import Stage
from cogito_pl.data.sampling_changes import SamplingChanges
from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.metrics import Metrics
from cogito_pl.policy import SamplingConfig
from cogito_pl.rl.advantage import group_advantages
from tests.conftest import ROOT
from tests.modules.training import TokenSumReward, data, grpo, trainer
from tests.rl.rollouts import graded

WITH = ROOT / "configs/with"
OVERLAYS = [WITH / "odsw.yaml", WITH / "dynamic_length.yaml", *sorted((WITH / "vl_cogito").glob("*.yaml"))]
OVERLAYS = [path for path in OVERLAYS if "callbacks+" in path.read_text()]  # the others take callbacks away
CIRCLES = "round and " * 40


class Bench:
    """As much of a run as the two callbacks touch, with what they report."""

    def __init__(self, *stages, sums=None):
        named = tuple(SimpleNamespace(name=name) for name in stages)
        self.trainer = SimpleNamespace(datamodule=SimpleNamespace(stages=named))
        reward = SimpleNamespace(terms=("accuracy", "format"))
        over_ranks = lambda counts: counts if sums is None else sums  # noqa: E731
        self.module = SimpleNamespace(over_ranks=over_ranks, metrics=Metrics(), reward=reward)

    @property
    def logged(self):
        """What was logged since the last look."""
        return self.module.metrics.pop(torch.device("cpu"))

    def set_up(self, callback):
        callback.setup(self.trainer, self.module, "fit")
        return callback

    def trained(self, rollout, *callbacks):
        """The rollout after rewards, advantages and weights, as the module goes through them."""
        for callback in callbacks:
            rollout = callback.on_rewards(self.trainer, self.module, rollout)
        rollout = replace(rollout, advantages=group_advantages(rollout.rewards, rollout.group_size))
        for callback in callbacks:
            rollout = callback.on_advantages(self.trainer, self.module, rollout)
        return rollout


VECTORS = {
    "V1": ("hard", [1, 1, 0, 0], [1, 1, 1, 1], [300, 500, 200, 900], [0, 0, 0, 0],
           [1.5, 1.5, 0.25, 0.0], 1, [0.858955, 0.858955, -0.702781, -1.015128]),
    "V2": ("hard", [1, 1, 1, 0], [1, 1, 1, 0], [300, 500, 400, 100], [0, 0, 0, -0.1],
           [1.5, 1.5, 1.5, -0.526777], 0.707107, [0.353553] * 3 + [-1.060659]),
    "V3": ("hard", [0, 0, 0, 0], [1, 1, 0, 1], [100, 375, 750, 4096], [0, 0, 0, -0.3],
           [0.260807, 0.375, 0, -0.05], 0.25, [0.139858, 0.279518, -0.179113, -0.240263]),
    "V4": ("easy", [1, 0, 0, 0], [1] * 4, [300] * 4, [0] * 4,
           [1.5, 0.5, 0.5, 0.5], 0.707107, [1.060658] + [-0.353553] * 3),
    "V5": ("medium", [1, 0, 0, 0], [1] * 4, [300] * 4, [0] * 4,
           [1.5, 0.5, 0.5, 0.5], 0.707107, [1.060658] + [-0.353553] * 3),
    "V6": ("easy", [1, 1, 1, 1], [1, 1, 1, 0], [300] * 4, [0] * 4,
           [1.5, 1.5, 1.5, 1.0], 1, [0.499998] * 3 + [-1.499994]),
    "V7": ("hard", [1, 1, 1, 1], [1, 1, 1, 0], [300] * 4, [0] * 4, [1.5, 1.5, 1.5, 1.0], 0, [0.0] * 4),
    "V8": ("easy", [0, 0, 0, 0], [1, 1, 1, 0], [300] * 4, [0] * 4, [0.5, 0.5, 0.5, 0.0], 0, [0.0] * 4),
}  # fmt: skip


@pytest.mark.parametrize("name", VECTORS)
def test_rewards_weights_and_advantages_are_those_of_the_released_code(name):
    stage, correct, form, lengths, repetition, rewards, weight, advantages = VECTORS[name]
    bench = Bench("easy", "medium", "hard")
    callbacks = [bench.set_up(DynamicLengthReward()), bench.set_up(ODSWReweighting())]
    rollout = graded(correct, 4, form=form, lengths=lengths, extra=repetition, stage=stage)
    result = bench.trained(rollout, *callbacks)
    assert result.rewards.tolist() == pytest.approx(rewards, abs=1e-5)
    assert result.weights.tolist() == pytest.approx([weight], abs=1e-5)
    assert result.advantages.tolist() == pytest.approx(advantages, abs=1e-5)
    assert ("length" in result.reward_terms) == (stage == "hard")


@pytest.mark.parametrize(("stage", "scope", "paid"), [
    ("hard", "wrong", [0, 59 / 61, 0]), ("hard", "all", [59 / 61, 59 / 61, 0]), ("easy", "all", [0, 0, 0]),
])  # fmt: skip
def test_repetition_costs_wrong_completions_of_the_hard_stage(stage, scope, paid):
    bench = Bench("easy", "hard")
    penalty = bench.set_up(RepetitionPenalty(scope=scope))
    rollout = replace(graded([1, 0, 0], 3, stage=stage), texts=(CIRCLES, CIRCLES, "once"))
    result = penalty.on_rewards(bench.trainer, bench.module, rollout)
    assert (rollout.rewards - result.rewards).tolist() == pytest.approx([0.5 * share for share in paid])
    assert ("repetition" in result.reward_terms) == (stage == "hard")
    assert bench.logged["applied/repetition"] == pytest.approx(sum(share > 0 for share in paid) / 3)


def test_repetition_is_punished_once():
    bench = Bench("hard")
    bench.module.reward.terms = ("accuracy", "format", "repetition")
    with pytest.raises(ValueError, match=r"reward\.repetition adds the term"):
        bench.set_up(RepetitionPenalty())


def test_weighted_advantages_still_sum_to_zero_within_every_group():
    generator = torch.Generator().manual_seed(1)
    correct = torch.randint(0, 2, (64,), generator=generator).tolist()
    lengths = torch.randint(1, 4097, (64,), generator=generator).tolist()
    for variant in ("official", "paper"):
        callbacks = DynamicLengthReward(variant, stages=None), ODSWReweighting(shape="hard", variant=variant)
        result = Bench().trained(graded(correct, 8, lengths=lengths), *callbacks)
        assert result.advantages.view(-1, 8).sum(1).tolist() == pytest.approx([0.0] * 8, abs=1e-5)
        assert (result.advantages != 0).any()


@pytest.mark.parametrize("outcome", [0, 1], ids=["all wrong", "all right"])
@pytest.mark.parametrize("variant", ["official", "paper"])
def test_batches_without_any_contrast_in_accuracy_give_finite_numbers(outcome, variant):
    callbacks = DynamicLengthReward(variant, stages=None), ODSWReweighting(shape="hard", variant=variant)
    result = Bench().trained(graded([outcome] * 8, 4, lengths=[1, 30, 750, 4096] * 2), *callbacks)
    assert torch.isfinite(result.advantages).all()
    assert (result.advantages != 0).any() == (outcome == 0)


def test_groups_of_one_completion_pass_through_both_hooks():
    bench, rollout = Bench(), graded([0, 1], 1, lengths=[30, 40])
    rewarded = DynamicLengthReward(stages=None).on_rewards(bench.trainer, bench.module, rollout)
    weighted = ODSWReweighting(shape="hard").on_advantages(bench.trainer, bench.module, rewarded)
    assert weighted.weights.tolist() == [0.25, 0.0]


def test_other_stages_get_back_the_very_rollout_they_passed_in():
    bench = Bench("warm", "hard")
    for callback in (DynamicLengthReward(), ODSWReweighting(stages=("hard",), shape="easy"), ODSWReweighting()):
        rollout = graded([0, 1], 2, stage="warm")
        assert bench.set_up(callback).on_rewards(bench.trainer, bench.module, rollout) is rollout
        assert callback.on_advantages(bench.trainer, bench.module, rollout) is rollout
    assert set(bench.logged.values()) == {0.0}


def test_the_paper_keeps_prompts_without_right_completions_unless_lengths_are_rewarded():
    bench, wrong = Bench(), graded([0, 0], 2)
    with_length = DynamicLengthReward(stages=None).on_rewards(bench.trainer, bench.module, wrong)
    for variant, shape, expected in (
        ("paper", "hard", (1.0, 0.25)),
        ("official", "hard", (0.25, 0.25)),
        ("paper", "binary_low", (1.0, 0.25)),
        ("official", "binary_low", (0.0, 0.0)),
        ("paper", "all_wrong_only", (0.25, 0.25)),
        ("paper", "medium", (0.0, 0.0)),
    ):
        odsw = ODSWReweighting(shape=shape, variant=variant)
        weights = [odsw.on_advantages(bench.trainer, bench.module, r).weights.item() for r in (wrong, with_length)]
        assert tuple(weights) == expected, (variant, shape)


def test_renormalised_weights_have_mean_one_and_a_batch_without_weight_is_counted():
    bench, odsw = Bench(), ODSWReweighting(shape="medium", renormalise=True)
    result = odsw.on_advantages(bench.trainer, bench.module, graded([1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0], 4))
    assert result.weights.mean().item() == pytest.approx(1)
    assert result.weights[0].item() / result.weights[2].item() == pytest.approx(0.707107, abs=1e-5)
    assert bench.logged["odsw/no_weight"] == 0.0
    empty = odsw.on_advantages(bench.trainer, bench.module, graded([1, 1, 0, 0], 2))
    assert empty.weights.tolist() == [0.0, 0.0]
    assert bench.logged["odsw/no_weight"] == 1.0


def test_renormalising_divides_by_the_mean_over_all_ranks():
    bench = Bench(sums=torch.tensor([3.0, 12.0]))  # total weight and prompts of every rank
    result = ODSWReweighting(shape="medium", renormalise=True).on_advantages(
        bench.trainer, bench.module, graded([1, 0, 1, 1], 2)
    )
    assert result.weights.tolist() == [4.0, 0.0]


def test_both_report_how_much_they_acted():
    bench = Bench()
    rollout = graded([1, 0, 1, 1, 0, 0], 2, lengths=[400, 200, 300, 300, 375, 1125])
    bench.trained(rollout, DynamicLengthReward(stages=None), ODSWReweighting(shape="hard"))
    logged = bench.logged
    assert logged["applied/length"] == pytest.approx(2 / 6)  # the last is past max_length: no term
    assert logged["dynamic_length/wrong_tokens"] == pytest.approx((200 + 375 + 1125) / 3)
    assert logged["dynamic_length/target_tokens"] == pytest.approx((400 + 750 + 750) / 3)
    assert logged["applied/odsw"] == pytest.approx(2 / 3)
    assert logged["odsw/weight"] == pytest.approx(1.25 / 3)


@pytest.mark.parametrize(
    ("callback", "stages", "message"),
    [
        (ODSWReweighting(), (), "no stages; set `shape`"),
        (ODSWReweighting(), ("first", "second"), "first, second"),
        (ODSWReweighting(shapes={"esay": "easy"}), ("easy", "hard"), "names esay"),
        (ODSWReweighting(shape="hard", stages=("hrad",)), ("easy", "hard"), "names hrad"),
        (DynamicLengthReward(), (), "no stages; set `stages` to null"),
        (DynamicLengthReward(), ("easy", "medium"), "names hard"),
        (DynamicLengthReward(stages=()), ("easy", "hard"), r"DynamicLengthReward\.stages is empty.* act nowhere"),
        (ODSWReweighting(shape="hard", stages=()), ("easy", "hard"), r"ODSWReweighting\.stages is empty"),
        (ODSWReweighting(shapes={}), ("easy", "hard"), r"ODSWReweighting\.shapes is empty.* set `shape`"),
    ],
)
def test_a_callback_that_would_wait_in_vain_for_its_stage_says_so_before_training(callback, stages, message):
    with pytest.raises(ValueError, match=message):
        Bench(*stages).set_up(callback)


def test_settings_without_meaning_are_refused():
    with pytest.raises(ValueError, match="'steep' is unknown"):
        ODSWReweighting(shape="steep")
    with pytest.raises(ValueError, match="'flat' is unknown"):
        ODSWReweighting(shapes={"easy": "flat"})
    with pytest.raises(ValueError, match="zero_weight=-1"):
        ODSWReweighting(zero_weight=-1)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"weight": float("nan")}, r"DynamicLengthReward\.weight=nan"),
        ({"weight": -0.5}, r"DynamicLengthReward\.weight=-0\.5"),
        ({"weight": 0.0}, r"DynamicLengthReward\.weight=0\.0"),
        ({"r_min": float("-inf")}, "r_min=-inf"),
        ({"r_min_all_wrong": float("nan")}, "r_min_all_wrong=nan"),
        ({"r_max": float("inf")}, "r_max=inf"),
    ],
)
def test_a_length_reward_that_is_no_finite_number_is_refused(settings, named):
    with pytest.raises(ValueError, match=named):
        DynamicLengthReward(**settings)


@pytest.mark.parametrize("path", OVERLAYS, ids=lambda path: path.stem)
def test_every_shipped_overlay_acts(path):
    listed = yaml.safe_load(path.read_text())["trainer"]["callbacks+"]
    made = [getattr(callbacks, c["class_path"].split(".")[1])(**c.get("init_args", {})) for c in listed]
    bench = Bench("easy", "medium", "hard")
    for callback in made:
        bench.set_up(callback)
    for stage in ("easy", "medium", "hard"):
        correct = [0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0]
        rollout = graded(correct, 4, lengths=[200, 300, 250, 100] * 3, stage=stage)
        bench.trained(replace(rollout, texts=(CIRCLES,) * 12), *made)
    applied = {name for name, value in bench.logged.items() if "applied" in name and value > 0}
    assert len(applied) == len(made)


class Kept(RolloutCallback):
    """Keeps what was trained on."""

    def on_rollout_end(self, trainer, module, rollout):
        self.rollout = rollout


def test_a_real_run_trains_on_the_new_rewards_and_weights_and_logs_the_term(tiny_folder, playground_folder, tmp_path):
    kept = {}
    for name, extra in {"plain": [], "both": [DynamicLengthReward(stages=None), ODSWReweighting(shape="hard")]}.items():
        kept[name] = Kept()
        fit = trainer(tmp_path / name, TokenSumReward(), *extra, kept[name])
        fit.fit(grpo(tiny_folder), data(playground_folder, rollouts_per_epoch=1))
        assert ("reward/length" in fit.callback_metrics) == (name == "both")
    plain, both = kept["plain"].rollout, kept["both"].rollout
    assert torch.equal(plain.completions, both.completions)
    assert torch.equal(both.rewards, plain.rewards + both.reward_terms["length"])
    assert both.weights.tolist() == [0.25, 0.25]  # the untrained model gets nothing right
    assert both.reward_terms["length"].abs().max() > 0


@pytest.mark.parametrize(
    ("callback", "stages", "warned"),
    [
        (DynamicLengthReward(stages=None, max_length=49), (), "max_length=49 is above the max_tokens=48"),
        (DynamicLengthReward(stages=None, max_length=48), (), None),
        (DynamicLengthReward(max_length=40), (("easy", 20), ("hard", 30)), r"max_tokens=30 .* the stage 'hard'"),
        (DynamicLengthReward(max_length=40), (("easy", 20), ("hard", None)), None),
    ],
)
def test_a_length_that_no_completion_can_reach_is_a_warning(tiny_folder, callback, stages, warned):
    named = tuple(Stage(name=name, sampling=SamplingChanges(max_tokens=most)) for name, most in stages)
    trainer = SimpleNamespace(datamodule=SimpleNamespace(stages=named))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        callback.on_fit_start(trainer, grpo(tiny_folder, sampling=SamplingConfig(max_tokens=48)))
    assert len(caught) == (warned is not None)
    assert all(re.search(warned, str(warning.message)) for warning in caught)

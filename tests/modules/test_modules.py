"""What a training step does besides its loss: rollouts, hooks, metrics, settings that contradict each other."""

from dataclasses import replace

import pytest
import torch

from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.learning_rate import RateFactor, ScheduleConfig
from cogito_pl.policy import PolicyConfig
from cogito_pl.rl.losses import LossConfig
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import Recorder, TokenSumReward, data, grpo, sft, trainer, weights


class Silence(RolloutCallback):
    """Gives no prompt any weight."""

    def on_advantages(self, trainer, module, rollout):
        return rollout.reweighted(torch.zeros(len(rollout.problems)))


class Forgetful(RolloutCallback):
    def on_rewards(self, trainer, module, rollout):
        return None


def test_a_rollout_is_sampled_once_and_serves_all_its_updates(tiny_folder, playground_folder, tmp_path):
    recorder = Recorder()
    schedule = RolloutSchedule(prompts=2, group_size=4, updates=2, epochs_per_rollout=2, micro_batch=2)
    fit = trainer(tmp_path, TokenSumReward(), recorder)
    fit.fit(grpo(tiny_folder, schedule=schedule), data(playground_folder, rollouts_per_epoch=2))
    assert len(recorder.rollouts) == 2
    assert fit.global_step == 2 * 4
    assert len(recorder.losses) == 2 * 4 * 2


def test_the_first_update_is_on_policy_and_later_ones_are_measured_against_the_policy_that_sampled(
    tiny_folder, playground_folder, tmp_path
):
    module = grpo(
        tiny_folder, lr=0.5, schedule=RolloutSchedule(prompts=2, group_size=4, epochs_per_rollout=3, micro_batch=8)
    )
    clipped = []

    class Watch(RolloutCallback):
        def on_train_batch_end(self, trainer, module, *args):
            clipped.append(
                float(trainer.callback_metrics["policy/clip_high"] + trainer.callback_metrics["policy/clip_low"])
            )

    trainer(tmp_path, TokenSumReward(), Watch()).fit(module, data(playground_folder))
    assert clipped[0] == 0
    assert max(clipped[1:]) > 0


def test_prompts_without_weight_leave_the_policy_as_it_was(tiny_folder, playground_folder, tmp_path):
    module = grpo(tiny_folder, lr=1.0)
    module.configure_model()
    before = weights(module)
    trainer(tmp_path, TokenSumReward(), Silence()).fit(module, data(playground_folder))
    assert all(torch.equal(value, before[name]) for name, value in weights(module).items())


def test_removing_a_callback_changes_nothing_before_its_hook(tiny_folder, playground_folder, tmp_path):
    texts = []
    for callbacks in ([TokenSumReward(), Silence()], [TokenSumReward()], []):
        recorder = Recorder()
        trainer(tmp_path, *callbacks, recorder).fit(grpo(tiny_folder), data(playground_folder))
        texts.append(recorder.rollouts[0])
    assert texts[0] == texts[1] == texts[2]


def test_a_hook_that_returns_no_rollout_is_named(tiny_folder, playground_folder, tmp_path):
    with pytest.raises(TypeError, match=r"Forgetful\.on_rewards returned NoneType"):
        trainer(tmp_path, Forgetful()).fit(grpo(tiny_folder), data(playground_folder))


def test_the_reference_keeps_the_starting_weights_while_the_policy_moves(tiny_folder, playground_folder, tmp_path):
    module = grpo(tiny_folder, lr=0.5, loss=LossConfig(kl_coef=0.01))
    divergences = []

    class Watch(RolloutCallback):
        def on_train_batch_end(self, trainer, module, *args):
            if "policy/kl" in trainer.callback_metrics:
                divergences.append(float(trainer.callback_metrics["policy/kl"]))

    trainer(tmp_path, TokenSumReward(), Watch()).fit(module, data(playground_folder, rollouts_per_epoch=3))
    assert divergences[0] == pytest.approx(0, abs=1e-6)
    assert divergences[-1] > 1e-6


def test_frozen_parts_do_not_move(tiny_folder, playground_folder, tmp_path):
    module = grpo(tiny_folder, policy=PolicyConfig(name=str(tiny_folder), freeze=("vision", "projector")))
    module.configure_model()
    before = weights(module)
    trainer(tmp_path, TokenSumReward()).fit(module, data(playground_folder))
    moved = {name for name, value in weights(module).items() if not torch.equal(value, before[name])}
    assert moved
    assert not any(".visual." in name for name in moved)


def test_validation_reports_every_source_and_all_together(tiny_folder, playground_folder, tmp_path):
    fit = trainer(tmp_path)
    datamodule = data(playground_folder, validation=True, validation_batch=4)
    datamodule.validation_sources = [datamodule.validation_sources[0], datamodule.train_sources[0]]
    (metrics, *_) = fit.validate(grpo(tiny_folder), datamodule)
    names = {"accuracy", "format", "length_tokens", "unparsed", "truncated"}
    scopes = {"val"} | {f"val/{name}" for name in datamodule.validation_names}
    logged = {name for name in fit.callback_metrics}
    assert {f"{scope}/{name}" for scope in scopes for name in names} <= logged
    assert metrics["val/accuracy"] == fit.callback_metrics["val/accuracy"]
    assert all(value == value for value in metrics.values())


def test_sft_needs_solutions_and_says_how_many_rows_have_none(tiny_folder, playground_folder, tmp_path):
    datamodule = data(playground_folder, "sft")
    source = datamodule.train_sources[0]
    datamodule.train_sources = [replace(source, columns=replace(source.columns, solution=None))]
    with pytest.raises(ValueError, match="no solution"):
        trainer(tmp_path).fit(sft(tiny_folder), datamodule)


def test_accumulation_is_derived_and_a_contradicting_setting_is_refused(tiny_folder, playground_folder, tmp_path):
    with pytest.raises(ValueError, match="accumulate_grad_batches=3 contradicts"):
        trainer(tmp_path, accumulate_grad_batches=3).fit(grpo(tiny_folder), data(playground_folder))


def test_a_trainer_that_would_repeat_the_first_epoch_is_refused(tiny_folder, playground_folder, tmp_path):
    with pytest.raises(ValueError, match="reload_dataloaders_every_n_epochs=0"):
        trainer(tmp_path, reload_dataloaders_every_n_epochs=0).fit(grpo(tiny_folder), data(playground_folder))


@pytest.mark.parametrize("decay", ["linear", "cosine", "constant"])
def test_the_learning_rate_rises_falls_and_is_never_zero_in_a_used_step(decay):
    factor = RateFactor(ScheduleConfig(warmup=4, decay=decay), total=20)
    values = [factor(step) for step in range(20)]
    assert values[:4] == [0.25, 0.5, 0.75, 1.0]
    assert values[4:] == sorted(values[4:], reverse=True)
    assert min(values) > 0


def test_data_loaders_in_place_of_a_data_module_are_refused_with_what_to_pass(tiny_folder, tmp_path):
    with pytest.raises(ValueError, match=r"GRPOModule has no data module.*ReasoningDataModule\(\.\.\.\)"):
        trainer(tmp_path).fit(grpo(tiny_folder), [0, 1])

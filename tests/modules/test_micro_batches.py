"""How a step is cut into micro-batches changes its memory, never its gradient."""

import pytest
import torch

from cogito_pl.modules import RolloutCallback
from cogito_pl.rl.losses import LossConfig
from cogito_pl.rl.rollout import Rollout
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import Recorder, TokenSumReward, data, grpo, sft, trainer, weights


def changes(make, folder, sizes):
    result = []
    for micro_batch in sizes:
        module, datamodule = make(micro_batch)
        recorder = Recorder()
        fit = trainer(folder, TokenSumReward(), recorder)
        fit.fit(module, datamodule)
        result.append((weights(module), recorder.rollouts))
    return result


@pytest.mark.parametrize("kind", ["dapo", "grpo", "dr_grpo"])
def test_a_grpo_step_is_the_same_in_1_by_8_2_by_4_and_8_by_1(tiny_folder, playground_folder, tmp_path, kind):
    def make(micro_batch):
        schedule = RolloutSchedule(prompts=2, group_size=4, micro_batch=micro_batch)
        loss = LossConfig(aggregation=kind, kl_coef=0.1)
        return grpo(tiny_folder, lr=1.0, schedule=schedule, loss=loss), data(playground_folder)

    (whole, rollouts), *others = changes(make, tmp_path, [8, 4, 2, 1])
    lengths = {len(text) for text in rollouts[0][3]}
    assert len(lengths) > 1  # of unequal lengths, or nothing is tested
    start = weights(_fresh(tiny_folder))
    assert max(float((whole[name] - start[name]).abs().max()) for name in start) > 1e-3
    for other, same in others:
        assert same == rollouts
        for name, value in whole.items():
            torch.testing.assert_close(
                other[name], value, atol=1e-6, rtol=0, msg=lambda text, name=name: f"{name} {text}"
            )


def test_an_sft_step_is_the_same_in_any_micro_batches(tiny_folder, playground_folder, tmp_path):
    def make(micro_batch):
        schedule = RolloutSchedule(prompts=8, group_size=1, micro_batch=micro_batch)
        return sft(tiny_folder, lr=0.1, schedule=schedule), data(playground_folder, "sft")

    (whole, _), *others = changes(make, tmp_path, [8, 4, 1])
    for other, _ in others:
        for name, value in whole.items():
            torch.testing.assert_close(other[name], value, atol=1e-6, rtol=0)


def _fresh(tiny_folder):
    module = grpo(tiny_folder)
    module.configure_model()
    return module


class HalfSilent(RolloutCallback):
    """Takes the weight of every second prompt."""

    def on_advantages(self, trainer, module, rollout):
        return rollout.reweighted((torch.arange(len(rollout.problems)) % 2).float())


@pytest.mark.parametrize(("kl_coef", "drop", "rows"), [(0.0, False, 8.0), (0.1, False, 16.0), (0.1, True, 8.0)])
def test_rows_that_no_loss_term_reaches_are_left_out_of_the_forward(
    tiny_folder, playground_folder, tmp_path, kl_coef, drop, rows
):
    schedule = RolloutSchedule(prompts=4, group_size=4, micro_batch=16)
    module = grpo(tiny_folder, schedule=schedule, loss=LossConfig(kl_coef=kl_coef), drop_zero_weight=drop)
    fit = trainer(tmp_path, TokenSumReward(), HalfSilent())
    fit.fit(module, data(playground_folder))
    assert fit.callback_metrics["policy/trained_rows"] == rows


def test_leaving_them_out_does_not_change_the_gradient(tiny_folder, playground_folder, tmp_path, monkeypatch):
    def run(every_row):
        if every_row:
            monkeypatch.setattr(Rollout, "has_loss", lambda self, **_: torch.ones(len(self), dtype=torch.bool))
        schedule = RolloutSchedule(prompts=4, group_size=4, micro_batch=4)  # two of the four slots have no row left
        module = grpo(tiny_folder, lr=1.0, schedule=schedule)
        trainer(tmp_path, TokenSumReward(), HalfSilent()).fit(module, data(playground_folder))
        return weights(module)

    less, all_rows = run(every_row=False), run(every_row=True)
    for name, value in all_rows.items():
        torch.testing.assert_close(less[name], value, atol=1e-6, rtol=0)

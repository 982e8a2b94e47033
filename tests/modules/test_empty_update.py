"""An update in which no row counts leaves the policy and the state of the optimiser as they are."""

import pytest
import torch

from cogito_pl.modules import RolloutCallback
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import TokenSumReward, data, grpo, trainer, weights


class CountNone(RolloutCallback):
    """Counts no row of the second half of the rollouts from the second one on, and keeps every step's weights."""

    def __init__(self):
        self.after, self.moments, self.skipped = [], [], []

    def on_admitted(self, trainer, module, rollout):
        kept = torch.arange(len(rollout)) < (8 if trainer.global_step < 2 else 4)
        return rollout.counted(kept)

    def on_before_zero_grad(self, trainer, module, optimizer):
        self.after.append(weights(module))
        self.moments.append([float(state["exp_avg"].sum()) for state in optimizer.state.values()])

    def on_train_batch_end(self, trainer, module, *_):
        self.skipped.append(float(trainer.callback_metrics["policy/skipped_updates"]))


@pytest.fixture(scope="module")
def run(tiny_folder, playground_folder, tmp_path_factory):
    """Two rollouts of two updates by AdamW with weight decay; the last update has no rows."""
    callback = CountNone()
    schedule = RolloutSchedule(prompts=2, group_size=4, updates=2, micro_batch=4)
    module = grpo(tiny_folder, schedule=schedule, optimizer=lambda p, lr: torch.optim.AdamW(p, lr=lr, weight_decay=0.5))
    fit = trainer(tmp_path_factory.mktemp("empty"), TokenSumReward(), callback, gradient_clip_val=1.0)
    fit.fit(module, data(playground_folder, rollouts_per_epoch=2))
    return callback, module, fit


def test_neither_weights_nor_moments_move_in_an_update_without_rows(run):
    callback, module, _ = run
    steps = callback.after[1:]  # before the first step, and after every step but the last
    assert len(steps) == 3
    assert any(not torch.equal(value, steps[2][name]) for name, value in steps[1].items())
    assert all(torch.equal(value, weights(module)[name]) for name, value in steps[2].items())
    final = [float(state["exp_avg"].sum()) for state in module.trainer.optimizers[0].state.values()]
    assert final == callback.moments[3]
    assert any(final)


def test_the_step_is_counted_and_logged_as_skipped(run):
    callback, _, fit = run
    assert fit.global_step == 4
    assert callback.skipped == [0.0, 0.0, 0.0, 1.0]

"""Admission of a user's own: groups whose rewards are all equal are replaced by fresh prompts (DAPO)."""

import pytest
import torch

from cogito_pl.modules import RolloutCallback
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import data, grpo, trainer


class DynamicSampling(RolloutCallback):
    def __init__(self, attempts: int):
        self.refill_limit = attempts

    def on_rewards(self, trainer, module, rollout):  # half of all problems give every completion the same reward
        uniform = torch.tensor([int(problem.id[-1], 16) % 2 for problem in rollout.problems]).repeat_interleave(4)
        return rollout.with_rewards(torch.arange(len(rollout)).float() * (1 - uniform))

    def admit(self, trainer, module, rollout):
        return (rollout.advantages.view(-1, rollout.group_size) != 0).any(1)

    def on_rollout_end(self, trainer, module, rollout):
        self.rollout = rollout


@pytest.mark.parametrize("attempts", [0, 1, 8])
def test_groups_without_signal_are_replaced_up_to_the_limit_and_else_left_out(
    tiny_folder, playground_folder, tmp_path, attempts
):
    gate, schedule = DynamicSampling(attempts), RolloutSchedule(prompts=8, group_size=4, micro_batch=8)
    run = trainer(tmp_path, gate)
    run.fit(grpo(tiny_folder, schedule=schedule), data(playground_folder))
    has_signal = (gate.rollout.advantages.view(8, 4) != 0).any(1)
    assert torch.equal(gate.rollout.counts, has_signal.long().repeat_interleave(4))
    assert run.callback_metrics["rollout/admitted"] == has_signal.double().mean()
    assert (has_signal.all() and run.callback_metrics["rollout/sampled"] > 32) if attempts == 8 else True
    assert attempts > 0 or not has_signal.all()

"""A callback of a user's own: prompts that are mostly solved do not count, and how many is logged over all ranks."""

import pytest
import torch

from cogito_pl.modules import RolloutCallback
from tests.modules.training import TokenSumReward, data, grpo, trainer


class HardOnly(RolloutCallback):
    """Counts a prompt only while at most `limit` of its completions have a reward above 3."""

    def __init__(self, limit: float = 0.5):
        self.limit = limit

    def on_advantages(self, trainer, module, rollout):
        solved = (rollout.rewards > 3).float().view(-1, rollout.group_size).mean(1)
        module.metrics.add("hard_only/kept", solved <= self.limit)
        return rollout.reweighted((solved <= self.limit).float())


class Kept(RolloutCallback):
    def on_rollout_end(self, trainer, module, rollout):
        self.rollout = rollout


@pytest.mark.parametrize("limit", [0.25, 0.5, 1.0])
def test_prompts_above_the_limit_have_no_advantage_and_the_share_of_the_others_is_logged(
    tiny_folder, playground_folder, tmp_path, limit
):
    kept, run = Kept(), None
    run = trainer(tmp_path, TokenSumReward(), HardOnly(limit), kept)
    run.fit(grpo(tiny_folder), data(playground_folder))
    solved = (kept.rollout.rewards > 3).float().view(-1, 4).mean(1)
    assert torch.equal(kept.rollout.weights, (solved <= limit).float())
    assert (kept.rollout.advantages.view(-1, 4)[solved > limit] == 0).all()
    assert run.callback_metrics["hard_only/kept"] == (solved <= limit).float().mean()

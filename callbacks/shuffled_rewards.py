"""A control: rewards that say nothing about the completion that receives them."""

import lightning.pytorch as L
import torch
from torch import Tensor

from cogito_pl.modules import RolloutCallback
from cogito_pl.rl.rollout import Rollout
from cogito_pl.seeds import digest


class ShuffledRewards(RolloutCallback):
    """Deals the rewards of a rollout out again, at random, over all of its completions: `r'_b = r_perm(b)`.

    Mean and spread of the rewards stay; what they say of a completion and of a problem is gone. What a model still
    gains under this control, it does not owe to the rewards. The permutation depends on the module's seed, the policy
    step and the draws alone, so a resumed run shuffles alike; every rank shuffles its own completions. What callbacks
    before it in the YAML made of the rewards is dealt out too. The terms of the reward keep their places, so that logs
    still show what was achieved. Logs `applied/shuffled_rewards`, the share of completions whose reward changed.
    """

    def on_rewards(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """Permutes the rewards."""
        order = permutation(len(rollout), module.seed, rollout.policy_step, *rollout.draws)
        rewards = rollout.rewards[order.to(rollout.rewards.device)]
        changed = (rewards != rollout.rewards).float().mean()
        self.report(trainer, {"applied/shuffled_rewards": float(changed)})
        return rollout.with_rewards(rewards)


def permutation(count: int, *key: int) -> Tensor:
    """An order of `count` things, `[count]`, that depends on `key` alone."""
    text = ",".join(str(int(part)) for part in key)
    return torch.randperm(count, generator=torch.Generator().manual_seed(int(digest(text), 16) >> 1))

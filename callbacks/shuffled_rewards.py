"""Permutes rewards across completions (negative control)."""

import lightning.pytorch as L
import torch
from torch import Tensor

from cogito_pl.modules import RolloutCallback
from cogito_pl.rl.rollout import Rollout
from cogito_pl.seeds import digest


class ShuffledRewards(RolloutCallback):
    """Permutes the rewards of a rollout at random over all of its completions: `r'_b = r_perm(b)`.

    Mean and spread of the rewards stay; what they say about a completion and a problem is gone. What a model still
    gains under this control is not owed to the rewards. The permutation depends on the module's seed, the policy step
    and the draws alone, so a resumed run permutes alike; every rank permutes its own completions. Rewards are permuted
    as the callbacks before this one in the YAML left them. The terms of the reward keep their places, so that logs
    still show what was achieved. Logs `applied/shuffled_rewards`, the share of completions whose reward changed.
    """

    def on_rewards(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """Permutes the rewards."""
        order = permutation(len(rollout), module.seed, rollout.policy_step, *rollout.draws)
        rewards = rollout.rewards[order.to(rollout.rewards.device)]
        module.metrics.add("applied/shuffled_rewards", rewards != rollout.rewards)
        return rollout.with_rewards(rewards)


def permutation(count: int, *key: int) -> Tensor:
    """A permutation of `count` places, `[count]`, that depends on `key` alone."""
    text = ",".join(str(int(part)) for part in key)
    return torch.randperm(count, generator=torch.Generator().manual_seed(int(digest(text), 16) >> 1))

"""The control with shuffled rewards: the same rewards, for other completions, again and again alike."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import torch

from callbacks import ShuffledRewards
from callbacks.shuffled_rewards import permutation
from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.metrics import Metrics
from tests.modules.training import TokenSumReward, data, grpo, trainer


@dataclass(frozen=True)
class Drawn:
    """As much of a rollout as the callback sees."""

    rewards: torch.Tensor
    policy_step: int = 3
    draws: tuple[int, ...] = (4, 5)

    def __len__(self):
        return len(self.rewards)

    def with_rewards(self, rewards):
        return replace(self, rewards=rewards)


def shuffled(seed=1, **changes):
    module, drawn = SimpleNamespace(seed=seed, metrics=Metrics()), Drawn(torch.arange(16.0), **changes)
    rewards = ShuffledRewards().on_rewards(None, module, drawn).rewards
    return rewards, module.metrics.pop(torch.device("cpu"))


def test_the_rewards_are_the_same_and_mostly_elsewhere():
    rewards, logged = shuffled()
    assert sorted(rewards.tolist()) == list(range(16))
    changed = (rewards != torch.arange(16.0)).float().mean().item()
    assert changed > 0.5
    assert logged == {"applied/shuffled_rewards": changed}


def test_rewards_move_between_problems():
    rewards, _ = shuffled()
    assert any(reward >= 8 for reward in rewards[:8])


def test_seed_step_and_draws_decide_the_order_and_nothing_else_does():
    first, _ = shuffled()
    torch.manual_seed(99)
    assert torch.equal(first, shuffled()[0])
    for other in ({"seed": 2}, {"policy_step": 4}, {"draws": (4, 6)}):
        assert not torch.equal(first, shuffled(**other)[0])


def test_every_order_is_a_permutation():
    assert all(sorted(permutation(n, 7).tolist()) == list(range(n)) for n in (0, 1, 2, 31))


def test_a_real_run_trains_on_the_shuffled_rewards(tiny_folder, playground_folder, tmp_path):
    class Watch(RolloutCallback):
        seen = ()

        def on_rewards(self, trainer, module, rollout):
            self.seen = (*self.seen, rollout.rewards.clone())
            return rollout

        def on_rollout_end(self, trainer, module, rollout):
            self.seen = (*self.seen, rollout.rewards.clone())

    watch = Watch()
    fit = trainer(tmp_path, TokenSumReward(), watch, ShuffledRewards())
    fit.fit(grpo(tiny_folder), data(playground_folder, rollouts_per_epoch=1))
    before, after = watch.seen
    assert sorted(after.tolist()) == sorted(before.tolist())
    assert not torch.equal(after, before)

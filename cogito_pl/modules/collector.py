"""From a prompt batch to a rollout that is ready to train on.

encode -> sample -> verify -> [on_rewards] -> advantages -> [on_advantages] -> [admit, refill] -> [on_admitted]
-> frozen log-probs
"""

from dataclasses import replace
from typing import Literal

import lightning.pytorch as L
import torch
from torch import Tensor

from cogito_pl.data.loading import Batch
from cogito_pl.modules.admission import admits_some, admitted
from cogito_pl.modules.collected import Collected, Settings
from cogito_pl.modules.hooks import RolloutCallback
from cogito_pl.modules.metrics import Metrics
from cogito_pl.modules.sampling import rollout_callbacks
from cogito_pl.policy import Policy
from cogito_pl.policy.reference import Reference
from cogito_pl.rl.advantage import group_advantages
from cogito_pl.rl.losses import UpdateSize, update_size
from cogito_pl.rl.rollout import Rollout
from cogito_pl.rl.schedule import RolloutSchedule
from cogito_pl.rl.statistics import draw_outcomes


class Collector:
    """Collects the rollouts of a `GRPOModule`, whose policy, engine, reward, schedule and trainer it uses."""

    def __init__(self, module: L.LightningModule) -> None:
        self.module = module

    @property
    def callbacks(self) -> list[RolloutCallback]:
        """Those that take part in rollouts."""
        return rollout_callbacks(self.module.trainer)

    def collect(self, batch: Batch, settings: Settings) -> Collected:
        """Samples, rewards and compares; tells callbacks and the draw order of the outcome."""
        module, trainer, loss = self.module, self.module.trainer, settings.loss
        for callback in self.callbacks:
            callback.on_rollout_start(trainer, module)
        module.refresh_engine()
        sampled = [self.compared(batch, settings)]
        rollout = admitted(self, sampled, settings) if any(map(admits_some, self.callbacks)) else sampled[0]
        rollout = self.through("on_admitted", rollout)
        for part in sampled:
            record(module.metrics, part)
        if trainer.datamodule.observes:
            trainer.datamodule.observe(draw_outcomes(sampled, trainer.datamodule.index_of))
        reached = rollout.has_loss(every_term=loss.reaches_every_row, drop_zero_weight=module.drop_zero_weight)
        reference, temperature = module.reference if loss.needs_reference else None, settings.sampling.temperature
        rollout = with_frozen_log_probs(
            rollout, module.policy, reference, reached=reached, schedule=module.schedule, temperature=temperature
        )
        for callback in self.callbacks:
            callback.on_rollout_end(trainer, module, rollout)
        return Collected(rollout, settings, reached.tolist(), self.update_sizes(rollout, settings.sampling.max_tokens))

    def compared(self, batch: Batch, settings: Settings, attempt: int = 0, count: int = 1) -> Rollout:
        """A graded rollout with rewards and advantages as the callbacks made them; `attempt` numbers refills."""
        module, purpose = self.module, ("refill", attempt) if attempt else ("training",)
        rollout = module.graded(batch, settings.sampling, module.schedule.group_size, *purpose)
        rollout = self.through("on_rewards", rollout.counted(count * rollout.counts))
        advantages = group_advantages(rollout.rewards, rollout.group_size, scale_by_std=module.scale_by_std)
        return self.through("on_advantages", replace(rollout, advantages=advantages))

    def through(self, hook: Literal["on_rewards", "on_advantages", "on_admitted"], rollout: Rollout) -> Rollout:
        """Passes the rollout through every callback's `hook`. Raises for what is no rollout, or has its rows moved."""
        for callback in self.callbacks:
            changed = getattr(callback, hook)(self.module.trainer, self.module, rollout)
            name = f"{type(callback).__name__}.{hook}"
            if not isinstance(changed, Rollout):
                raise TypeError(f"{name} returned {type(changed).__name__}; it must return a Rollout")
            for field in ("problems", "prompts", "draws", "completions", "mask"):
                if getattr(changed, field) is not getattr(rollout, field):
                    raise ValueError(
                        f"{name} returned other {field} than it was given: completions would be trained behind the "
                        "wrong prompts. Return `rollout.counted(counts)`, or leave groups out by `admit`"
                    )
            rollout = changed
        return rollout

    def update_sizes(self, rollout: Rollout, max_tokens: int) -> list[UpdateSize]:
        """Sequences and trained tokens of every update of an epoch over the rollout, over all ranks."""
        updates = self.module.schedule.updates
        counts, tokens = rollout.counts.view(updates, -1), rollout.trained.sum(1).view(updates, -1)
        local = [update_size(*part, max_tokens) for part in zip(counts, tokens, strict=True)]
        totals = self.module.over_ranks(torch.stack([torch.stack([size.sequences, size.tokens]) for size in local]))
        return [UpdateSize(sequences, tokens, max_tokens) for sequences, tokens in totals]


@torch.no_grad()
def with_frozen_log_probs(
    rollout: Rollout,
    policy: Policy,
    reference: Reference | None,
    *,
    reached: Tensor,
    schedule: RolloutSchedule,
    temperature: float,
) -> Rollout:
    """Adds the log-probabilities that stay fixed while the rollout is trained on, of rows that are `reached` (`[B]`).

    Those of the policy are left out where a single update makes them the current ones, or where the rollout has them
    already; those of the reference where there is none. Ranks make equally many forwards.
    """
    needs_old = schedule.updates_per_rollout > 1 and rollout.old_log_probs is None
    zeros = torch.zeros_like(rollout.mask, dtype=torch.float32)
    old = zeros.clone() if needs_old else rollout.old_log_probs
    ref = zeros.clone() if reference is not None else None
    parts = reached.nonzero()[:, 0].split(schedule.micro_batch)
    parts = [part for part in parts if len(part) and (needs_old or reference)]
    missing = policy.ranks.most(len(parts)) - len(parts)  # asked before any rank forwards
    for part in parts:
        micro = rollout.micro_batch(part.tolist())
        inputs, columns = (micro.prompts, micro.completions, micro.mask), slice(micro.mask.shape[1])
        if needs_old:
            old[part, columns] = policy.log_probs(*inputs, temperature=temperature).values
        if ref is not None:
            ref[part, columns] = reference.log_probs(*inputs, temperature=temperature)
    for _ in range(missing * (needs_old + (reference is not None and reference.live))):
        policy.zero()
    if reference is not None:
        reference.offload()
    return replace(rollout, old_log_probs=old, ref_log_probs=ref)


def record(metrics: Metrics, rollout: Rollout) -> None:
    """Logs what was sampled, whether or not it is trained on."""
    metrics.add("reward/total", rollout.rewards)
    metrics.add("reward/unparsed", [float(not grade.parsed) for grade in rollout.grades])
    for name, values in rollout.reward_terms.items():
        metrics.add(f"reward/{name}", values)
    metrics.add("rollout/length_tokens", rollout.lengths)
    metrics.add("rollout/truncated", ~rollout.finished)
    metrics.add("rollout/groups_without_signal", (rollout.advantages.view(-1, rollout.group_size) == 0).all(1))

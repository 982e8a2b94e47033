"""Group-relative policy optimisation (GRPO, arXiv 2402.03300) under Lightning's automatic optimisation.

The sampler yields each prompt batch once per micro-batch slot. At slot 0 the module collects a rollout, and every slot
trains on its rows. It is not in a checkpoint: a run resumed inside a rollout samples the remaining slots afresh.
"""

from collections.abc import Sequence

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor
from torch.optim import Optimizer

from cogito_pl.data.curriculum import Stage
from cogito_pl.data.loading import Batch
from cogito_pl.modules.base import PolicyModule
from cogito_pl.modules.collected import Collected, Settings
from cogito_pl.modules.collector import Collector
from cogito_pl.modules.learning_rate import ScheduleConfig
from cogito_pl.modules.stages import stages_of
from cogito_pl.policy import EngineFactory, LiveEngine, PolicyConfig, SamplingConfig
from cogito_pl.policy.reference import Reference
from cogito_pl.rewards import RewardConfig
from cogito_pl.rl.losses import LossConfig, UpdateSize, policy_loss
from cogito_pl.rl.schedule import RolloutSchedule


class GRPOModule(PolicyModule):
    """Samples groups of completions, rewards them, and raises the probability of the better ones.

    Args:
        policy: Which model, how it is prompted, which parts are trained.
        schedule: Sizes of a rollout and of the optimiser steps on it.
        sampling: How the completions to train on are sampled.
        loss: What an update minimises.
        scale_by_std: Divide a group's advantages by the standard deviation of its rewards.
        drop_zero_weight: Leave prompts of weight zero out of KL and entropy too, against what is published.
        validate_start: Validate before the first step too, where there is validation; a hand-off does so anyway.
        optimizer: Makes the optimiser from the parameters that are trained.
        learning_rate: How the learning rate changes over the run.
        reward: What a completion is worth.
        evaluation: How validation completions are sampled; greedy by default.
        engine: Who samples, by class path; the policy itself by default.
        rollout_batch_size: Completions that are decoded side by side; changes memory and speed, not the completions.
        seed: Of sampling; the command line sets it to `seed_everything`.
    """

    progress_bar = ("reward/accuracy", "rollout/length_tokens")

    def __init__(
        self,
        policy: PolicyConfig,
        schedule: RolloutSchedule = RolloutSchedule(),  # noqa: B008  frozen
        sampling: SamplingConfig = SamplingConfig(),  # noqa: B008
        loss: LossConfig = LossConfig(),  # noqa: B008
        scale_by_std: bool = True,
        drop_zero_weight: bool = False,
        validate_start: bool = True,
        optimizer: OptimizerCallable = torch.optim.AdamW,
        learning_rate: ScheduleConfig = ScheduleConfig(),  # noqa: B008
        reward: RewardConfig = RewardConfig(),  # noqa: B008
        evaluation: SamplingConfig = SamplingConfig(temperature=0.0),  # noqa: B008
        engine: EngineFactory = LiveEngine,
        rollout_batch_size: int = 256,
        seed: int = 17,
    ) -> None:
        super().__init__(
            policy, schedule, optimizer, learning_rate, reward, evaluation, engine, rollout_batch_size, seed
        )
        if schedule.group_size < 2:
            raise ValueError(f"schedule.group_size={schedule.group_size} leaves nothing to compare with; use 2 or more")
        self.sampling, self.loss = sampling, loss
        self.scale_by_std, self.drop_zero_weight, self.validate_start = scale_by_std, drop_zero_weight, validate_start
        self.check_variety(sampling)
        self.reference: Reference | None = None
        self.collector = Collector(self)
        self.collected: Collected | None = None
        self.nothing_counts = False  # in the update under way, on any rank

    def settings(self, stage: Stage | None) -> Settings:
        """Sampling and loss in a stage; None is a run without stages. Raises ValueError for values that cannot be."""
        settings = Settings(self.sampling, self.loss)
        return settings if stage is None else settings.within(stage)

    def check_variety(self, sampling: SamplingConfig) -> None:
        """Raises ValueError for sampling that gives the same completion every time."""
        if sampling.temperature == 0:
            raise ValueError("sampling.temperature=0 samples the same completion every time; GRPO needs variety")

    def check_stage(self, stage: Stage) -> None:
        """Raises ValueError for settings that make no loss and no sampling."""
        self.check_variety(self.settings(stage).sampling)

    def before_sharding(self) -> None:
        """Builds the reference, where a stage or the whole run needs one, with the policy's starting weights."""
        if any(self.settings(stage).loss.needs_reference for stage in stages_of(self) or [None]):
            self.reference = Reference(self.policy, restarts=self.restarts)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one micro-batch of the rollout, as its share of the whole optimiser step."""
        world = self.trainer.world_size
        slots = self.schedule.micro_batches_per_rollout(world)
        slot = batch_idx % slots
        if slot == 0 or self.collected is None:  # None after resuming inside a rollout
            self.collected = self.collector.collect(batch, self.settings(self.stage))
        update, rows = self.schedule.rows(slot, world)
        size = self.collected.sizes[update]
        loss = self.micro_batch_loss(self.collected, rows, size)
        if (slot + 1) % self.schedule.micro_batches_per_update(world) == 0:
            self.nothing_counts = not size.sequences
            self.metrics.add("policy/skipped_updates", float(self.nothing_counts))
            self.log_metrics(self.trainer.global_step)
        if slot == slots - 1:
            self.collected = None
        return self.scaled(loss)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Takes the gradients off an update in which no row counts: momentum and weight decay would move the policy."""
        if self.nothing_counts:
            optimizer.zero_grad(set_to_none=True)

    def micro_batch_loss(self, collected: Collected, rows: Sequence[int], size: UpdateSize) -> Tensor:
        """Loss of the given rows of the rollout; those that no loss term reaches are left out of the forward.

        Their tokens stay in the denominators. Without any row, the result is a zero that is connected to the graph.
        """
        rows = [row for row in rows if collected.reached[row]]
        self.metrics.add("policy/trained_rows", float(len(rows)))
        if not rows:
            return self.policy.zero()
        micro, settings = collected.rollout.micro_batch(rows), collected.settings
        config = settings.loss.at(self.trainer.global_step - (self.stage_start if settings.counts_stage_steps else 0))
        inputs, temperature = (micro.prompts, micro.completions, micro.mask), settings.sampling.temperature
        log_probs, entropy = self.policy.log_probs(
            *inputs, temperature=temperature, entropy=True, entropy_gradient=config.entropy_gradient
        )
        old = log_probs.detach() if micro.old_log_probs is None else micro.old_log_probs
        given = {"counts": micro.counts, "ref_log_probs": micro.ref_log_probs, "entropy": entropy}
        terms = policy_loss(log_probs, old, micro.advantages, micro.trained, config=config, size=size, **given)
        tokens = terms.sums.pop("tokens")
        self.tokens["train"] += int(micro.mask.sum()) + sum(map(len, micro.prompts))
        for name, total in terms.sums.items():
            self.metrics.add(f"policy/{name}", total / tokens.clamp(min=1), tokens)  # untrained rows have none
        return terms.total

"""Group-relative policy optimisation (GRPO, arXiv 2402.03300) under Lightning's automatic optimisation.

The sampler yields each prompt batch once per micro-batch slot. At slot 0 the module samples a rollout and keeps it;
every slot trains on its rows. A rollout is not in a checkpoint: a run resumed inside one samples the remaining slots
afresh.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from cogito_pl.data.curriculum import Stage
from cogito_pl.data.loading import Batch
from cogito_pl.modules.base import PolicyModule
from cogito_pl.modules.frozen import with_frozen_log_probs
from cogito_pl.modules.hooks import rollout_callbacks, through_callbacks
from cogito_pl.modules.learning_rate import ScheduleConfig
from cogito_pl.modules.metrics import Means
from cogito_pl.modules.stages import check_variety, stages_of, with_kl, with_sampling
from cogito_pl.policy import PolicyConfig, SamplingConfig
from cogito_pl.policy.reference import Reference
from cogito_pl.rewards import RewardConfig
from cogito_pl.rl.advantage import group_advantages
from cogito_pl.rl.losses import LossConfig, UpdateSize, policy_loss
from cogito_pl.rl.rollout import Rollout
from cogito_pl.rl.schedule import RolloutSchedule

ROLLOUT_MEANS = (
    "reward/total", "reward/unparsed",
    "rollout/length_tokens", "rollout/truncated", "rollout/groups_without_signal",
)  # fmt: skip
POLICY_MEANS = (
    "policy/surrogate",
    "policy/kl",
    "policy/entropy",
    "policy/clip_low",
    "policy/clip_high",
    "policy/trained_rows",
)


class GRPOModule(PolicyModule):
    """Samples groups of completions, rewards them, and raises the probability of the better ones.

    Args:
        policy: Which model, how it is prompted, which parts learn.
        schedule: Sizes of a rollout and of the optimiser steps on it.
        sampling: How the completions to learn from are drawn.
        loss: What an update minimises.
        scale_by_std: Divide a group's advantages by the standard deviation of its rewards.
        drop_zero_weight: Leave prompts of weight zero out of KL and entropy too, which saves their forward; as
            published they are pulled to the reference.
        optimizer: Makes the optimiser from the parameters that learn.
        learning_rate: How the learning rate changes over the run.
        reward: What a completion is worth.
        evaluation: How validation completions are drawn; greedy by default.
        rollout_batch_size: Completions that are decoded side by side; changes memory and speed, not the completions.
        seed: Of sampling; the command line sets it to `seed_everything`.
    """

    def __init__(
        self,
        policy: PolicyConfig,
        schedule: RolloutSchedule = RolloutSchedule(),  # noqa: B008  frozen
        sampling: SamplingConfig = SamplingConfig(),  # noqa: B008
        loss: LossConfig = LossConfig(),  # noqa: B008
        scale_by_std: bool = True,
        drop_zero_weight: bool = False,
        optimizer: OptimizerCallable = torch.optim.AdamW,
        learning_rate: ScheduleConfig = ScheduleConfig(),  # noqa: B008
        reward: RewardConfig = RewardConfig(),  # noqa: B008
        evaluation: SamplingConfig = SamplingConfig(temperature=0.0),  # noqa: B008
        rollout_batch_size: int = 256,
        seed: int = 17,
    ) -> None:
        super().__init__(policy, schedule, optimizer, learning_rate, reward, evaluation, rollout_batch_size, seed)
        if schedule.group_size < 2:
            raise ValueError(f"schedule.group_size={schedule.group_size} leaves nothing to compare with; use 2 or more")
        check_variety(sampling)
        self._sampling, self._loss = sampling, loss
        self.scale_by_std, self.drop_zero_weight = scale_by_std, drop_zero_weight
        self.reference: Reference | None = None
        self.means = Means((*ROLLOUT_MEANS, *(f"reward/{name}" for name in self.reward.terms), *POLICY_MEANS))
        self._rollout: Rollout | None = None
        self._sizes: list[UpdateSize] = []

    @property
    def sampling(self) -> SamplingConfig:
        """How the completions to learn from are drawn in the current stage."""
        return with_sampling(self._sampling, self.stage)

    @property
    def loss(self) -> LossConfig:
        """What an update minimises in the current stage."""
        return with_kl(self._loss, self.stage)

    def check_stage(self, stage: Stage) -> None:
        """Raises ValueError for settings that make no loss and no sampling."""
        with_kl(self._loss, stage)
        check_variety(with_sampling(self._sampling, stage))

    def before_sharding(self) -> None:
        """Builds the reference, where a stage or the whole run needs one, with the policy's starting weights."""
        if any(with_kl(self._loss, stage).kl_coef for stage in stages_of(self) or [None]):
            self.reference = Reference(self.policy, restarts=self.restarts)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one micro-batch of the rollout, as its share of the whole optimiser step."""
        world = self.trainer.world_size
        slots = self.schedule.micro_batches_per_rollout(world)
        slot = batch_idx % slots
        if slot == 0 or self._rollout is None:  # None after resuming inside a rollout
            self._rollout = self.collect(batch)
            self._sizes = self.update_sizes(self._rollout)
        update, rows = self.schedule.rows(slot, world)
        loss = self.micro_batch_loss(self._rollout, rows, self._sizes[update])
        if (slot + 1) % self.schedule.micro_batches_per_update(world) == 0:
            for name, value in self.means.pop().items():
                self.log(name, value, prog_bar=name in ("reward/accuracy", "rollout/length_tokens"), batch_size=1)
        if slot == slots - 1:
            self._rollout = None
        return self.scaled(loss)

    def collect(self, batch: Batch) -> Rollout:
        """Samples, rewards and compares; the callbacks see every stage."""
        callbacks = rollout_callbacks(self.trainer)
        for callback in callbacks:
            callback.on_rollout_start(self.trainer, self)
        rollout = self.roll_out(batch, self.sampling, self.schedule.group_size, purpose="training")
        rollout = through_callbacks(self.trainer, self, "on_rewards", rollout)
        advantages = group_advantages(rollout.rewards, rollout.group_size, scale_by_std=self.scale_by_std)
        rollout = through_callbacks(self.trainer, self, "on_advantages", replace(rollout, advantages=advantages))
        rollout = with_frozen_log_probs(
            rollout,
            self.policy,
            self.reference if self.loss.kl_coef else None,
            reached=self.reached(rollout),
            schedule=self.schedule,
            temperature=self.sampling.temperature,
        )
        self.record(rollout)
        for callback in callbacks:
            callback.on_rollout_end(self.trainer, self, rollout)
        return rollout

    def update_sizes(self, rollout: Rollout) -> list[UpdateSize]:
        """Sequences and tokens of every update of a pass, over all ranks."""
        tokens = self.over_ranks(rollout.lengths.view(self.schedule.updates, -1).sum(1))
        sequences = self.schedule.prompts * self.schedule.group_size // self.schedule.updates
        return [UpdateSize(sequences, count, self.sampling.max_tokens) for count in tokens]

    def reached(self, rollout: Rollout) -> Tensor:
        """Rows that some loss term reaches, `[B]`; the others need no forward at all."""
        every_term = self.loss.kl_coef > 0 or self.loss.entropy_coef > 0
        return rollout.has_loss(every_term=every_term, drop_zero_weight=self.drop_zero_weight)

    def micro_batch_loss(self, rollout: Rollout, rows: Sequence[int], size: UpdateSize) -> Tensor:
        """Loss of the given rows of the rollout; those that no loss term reaches are left out of the forward.

        Their tokens stay in the denominators. Without any row, the result is a zero that is connected to the graph.
        """
        reached = self.reached(rollout).tolist()
        rows = [row for row in rows if reached[row]]
        self.means.add("policy/trained_rows", [float(len(rows))], 1.0)
        if not rows:
            return self.policy.zero()
        micro = rollout.micro_batch(rows)
        log_probs, entropy = self.policy.log_probs(
            micro.prompts,
            micro.completions,
            micro.mask,
            temperature=self.sampling.temperature,
            entropy=True,
            entropy_gradient=self.loss.entropy_coef > 0,
        )
        old = log_probs.detach() if micro.old_log_probs is None else micro.old_log_probs
        terms = policy_loss(
            log_probs, old, micro.advantages, micro.mask,
            config=self.loss, size=size, ref_log_probs=micro.ref_log_probs, entropy=entropy,
        )  # fmt: skip
        tokens = terms.sums.pop("tokens")
        self.tokens["train"] += int(tokens) + sum(map(len, micro.prompts))
        for name, total in terms.sums.items():
            self.means.add(f"policy/{name}", total / tokens, tokens)
        return terms.total

    def record(self, rollout: Rollout) -> None:
        """Adds the rollout to the running means."""
        self.means.add("reward/total", rollout.rewards)
        self.means.add("reward/unparsed", [float(not grade.parsed) for grade in rollout.grades])
        for name, values in rollout.reward_terms.items():
            self.means.add(f"reward/{name}", values)
        self.means.add("rollout/length_tokens", rollout.lengths)
        self.means.add("rollout/truncated", (~rollout.finished).float())
        silent = (rollout.advantages.view(-1, rollout.group_size) == 0).all(1)
        self.means.add("rollout/groups_without_signal", silent.float())

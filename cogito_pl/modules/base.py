"""What SFT and GRPO share: the policy, the optimiser, the schedule of a rollout, and validation by sampling."""

from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from cogito_pl.data.loading import Batch
from cogito_pl.modules.collector import collect_rollout
from cogito_pl.modules.hooks import rollout_callbacks
from cogito_pl.modules.learning_rate import RateFactor, ScheduleConfig
from cogito_pl.modules.metrics import Means
from cogito_pl.modules.staged import StagedModule
from cogito_pl.modules.stages import check_stages, frozen_throughout, stages_of
from cogito_pl.policy import Policy, PolicyConfig, PromptEncoder, SamplingConfig
from cogito_pl.policy.loading import CHECKPOINT_PREFIX, mismatch
from cogito_pl.policy.parallel import shard
from cogito_pl.problem import Problem
from cogito_pl.rewards import Reward, RewardConfig
from cogito_pl.rl.rollout import Rollout
from cogito_pl.rl.schedule import RolloutSchedule

VALIDATION_TERMS = ("length_tokens", "unparsed", "truncated")


class PolicyModule(StagedModule):
    """A policy with an optimiser, graded on validation problems. Subclasses say what a training step is.

    Args:
        policy: Which model, how it is prompted, which parts learn.
        schedule: Sizes of a rollout and of the optimiser steps on it.
        optimizer: Makes the optimiser from the parameters that learn.
        learning_rate: How the learning rate changes over the run.
        reward: What a completion is worth; its accuracy is the validation metric.
        evaluation: How validation completions are drawn; greedy by default.
        rollout_batch_size: Completions that are decoded side by side; changes memory and speed, not the completions.
        seed: Of sampling; the command line sets it to `seed_everything`.
    """

    def __init__(
        self,
        policy: PolicyConfig,
        schedule: RolloutSchedule,
        optimizer: OptimizerCallable,
        learning_rate: ScheduleConfig,
        reward: RewardConfig,
        evaluation: SamplingConfig,
        rollout_batch_size: int,
        seed: int,
    ) -> None:
        super().__init__()
        if rollout_batch_size < 1:
            raise ValueError(f"rollout_batch_size={rollout_batch_size} must be at least 1")
        self.policy_config, self.schedule, self.evaluation = policy, schedule, evaluation
        self.make_optimizer, self.learning_rate = optimizer, learning_rate
        self.rollout_batch_size, self.seed = rollout_batch_size, seed
        self.reward = Reward(reward)
        self.policy: Policy | None = None
        self.tokens = {"rollout": 0, "train": 0}  # real tokens since the run started on this rank, for throughput

    @cached_property
    def encoder(self) -> PromptEncoder:
        """Tokenizer and image processor; there before the weights are, since the data are checked against them."""
        return PromptEncoder(self.policy_config)

    def rejection(self, problem: Problem, *, training: bool) -> str | None:
        """Why this module cannot use the problem, or None; `training` tells problems to learn from."""
        return self.reward.rejection(problem) or self.encoder.rejection(problem)

    def setup(self, stage: str) -> None:
        """Checks reward and schedule against data and ranks, and derives gradient accumulation."""
        data = self.trainer.datamodule
        sources = (*data.train_sources, *data.validation_sources, *data.predict_sources)
        self.reward.check_sources([source.label for source in sources])
        if stage != "fit":
            return
        world = self.trainer.world_size
        self.schedule.check(world)
        derived = self.schedule.micro_batches_per_update(world)
        if self.trainer.accumulate_grad_batches not in (1, derived):
            raise ValueError(
                f"trainer.accumulate_grad_batches={self.trainer.accumulate_grad_batches} contradicts the schedule, "
                f"which makes it {derived}; leave it out"
            )
        self.trainer.accumulate_grad_batches = derived
        check_stages(self)

    def configure_model(self) -> None:
        """Builds the policy, once, and shards it where the strategy has a mesh to shard over."""
        if self.policy is None:
            frozen = frozen_throughout(stages_of(self), self.policy_config)
            self.policy = Policy(replace(self.policy_config, freeze=frozen), self.encoder)
            self.before_sharding()
            if self.device_mesh is not None:
                shard(self.policy, self.device_mesh["data_parallel"])

    def before_sharding(self) -> None:
        """For what must see the starting weights whole."""

    def configure_optimizers(self) -> dict[str, Any]:
        """One optimiser over the parameters that learn, stepped along `learning_rate`."""
        optimizer = self.make_optimizer([p for p in self.policy.parameters() if p.requires_grad])
        factor = RateFactor(self.learning_rate, self.optimizer_steps())
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuses the checkpoint of another model before anything is overwritten."""
        if "state_dict" not in checkpoint:  # a sharded strategy has read and checked it by itself
            return
        found = {key: value for key, value in checkpoint["state_dict"].items() if key.startswith(CHECKPOINT_PREFIX)}
        if problem := mismatch({CHECKPOINT_PREFIX + k: v for k, v in self.policy.model.state_dict().items()}, found):
            raise ValueError(f"--ckpt_path holds another model than policy.name={self.policy_config.name}: {problem}")

    def teardown(self, stage: str) -> None:
        """Ends the grading processes."""
        self.reward.close()

    def on_validation_start(self) -> None:
        """Starts the validation metrics, one set per source and one over all."""
        names = self.trainer.datamodule.validation_names
        scopes = ["val"] + ([f"val/{name}" for name in names] if len(names) > 1 else [])
        terms = (*self.reward.terms, *VALIDATION_TERMS)
        means = Means(f"{scope}/{term}" for scope in scopes for term in terms)
        self.validation_means = means.to(self.device)

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Samples one completion per problem, grades it, and shows it to the callbacks."""
        source = self.trainer.datamodule.validation_problems[dataloader_idx]
        if not batch.problems:  # this rank's share is used up; ranks in step sample along
            if self.policy.ranks.in_step:
                self.roll_out(Batch((0,), (source[0],)), self.evaluation, group_size=1, purpose="validation")
            return
        names = self.trainer.datamodule.validation_names
        rollout = self.roll_out(batch, self.evaluation, group_size=1, purpose="validation")
        terms = {
            **rollout.reward_terms,
            "accuracy": rollout.correct,
            "length_tokens": rollout.lengths,
            "unparsed": [float(not grade.parsed) for grade in rollout.grades],
            "truncated": (~rollout.finished).float(),
        }
        for scope in ["val"] + ([f"val/{names[dataloader_idx]}"] if len(names) > 1 else []):
            for term, values in terms.items():
                self.validation_means.add(f"{scope}/{term}", values)
        for callback in rollout_callbacks(self.trainer):
            callback.on_validation_rollout(self.trainer, self, rollout, names[dataloader_idx])

    def on_validation_epoch_end(self) -> None:
        """Logs the validation metrics over all ranks."""
        for name, value in self.validation_means.pop().items():
            self.log(name, value, prog_bar=name == "val/accuracy", batch_size=1)

    def roll_out(self, batch: Batch, sampling: SamplingConfig, group_size: int, purpose: str) -> Rollout:
        """Samples and grades `group_size` completions of each problem; see `collect_rollout`."""
        rollout = collect_rollout(
            self.policy,
            self.reward,
            batch,
            sampling,
            group_size=group_size,
            seed_key=(self.seed, purpose),
            policy_step=self.trainer.global_step,
            rollout_batch_size=self.rollout_batch_size,
        )
        self.tokens["rollout"] += int(rollout.mask.sum())
        return replace(rollout, stage=self.stage.name) if self.stage else rollout

    def scaled(self, loss: Tensor) -> Tensor:
        """Undoes what Lightning divides by: our denominators already span the whole optimiser step on all ranks."""
        return loss * (self.trainer.accumulate_grad_batches * self.trainer.world_size)

    def over_ranks(self, counts: Tensor) -> Tensor:
        """Sum of `counts` over all ranks."""
        return self.trainer.strategy.reduce(counts.to(self.device), reduce_op="sum")

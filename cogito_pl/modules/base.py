"""What SFT, GRPO and scoring share: policy, engine, reward and optimiser, made and checked, and validation."""

from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable

from cogito_pl.data.loading import Batch
from cogito_pl.modules.learning_rate import RateFactor, ScheduleConfig
from cogito_pl.modules.lightning_internals import attached_trainer
from cogito_pl.modules.resuming import log_folder
from cogito_pl.modules.sampling import SamplingModule, rollout_callbacks
from cogito_pl.modules.stages import StagedModule, frozen_throughout, stages_of
from cogito_pl.policy import Engine, EngineFactory, Policy, PolicyConfig, PromptEncoder, SamplingConfig
from cogito_pl.policy.loading import CHECKPOINT_PREFIX, mismatch
from cogito_pl.policy.parallel import shard
from cogito_pl.problem import Problem
from cogito_pl.rewards import Reward, RewardConfig
from cogito_pl.rl.schedule import RolloutSchedule


class PolicyModule(SamplingModule, StagedModule):
    """A policy with an optimiser, graded on validation problems. Subclasses say what a training step is.

    Args:
        policy: Which model, how it is prompted, which parts are trained.
        schedule: Sizes of a rollout and of the optimiser steps on it.
        optimizer: Makes the optimiser from the parameters that are trained.
        learning_rate: How the learning rate changes over the run.
        reward: What a completion is worth; its accuracy is the validation metric.
        evaluation: How validation completions are sampled; greedy by default.
        engine: Who samples, by class path.
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
        engine: EngineFactory,
        rollout_batch_size: int,
        seed: int,
    ) -> None:
        super().__init__()
        if rollout_batch_size < 1:
            raise ValueError(f"rollout_batch_size={rollout_batch_size} must be at least 1")
        self.policy_config, self.schedule, self.evaluation = policy, schedule, evaluation
        self.make_optimizer, self.learning_rate = optimizer, learning_rate
        self.make_engine, self.rollout_batch_size, self.seed = engine, rollout_batch_size, seed
        self.reward = Reward(reward)
        self.policy: Policy | None = None
        self.engine: Engine | None = None
        self.validation: dict[str, Any] = {"step": -1, "values": {}}  # what the last one logged
        self.restored_validation: dict[str, Any] | None = None  # of a resumed run, until it is logged again

    @cached_property
    def encoder(self) -> PromptEncoder:
        """Tokenizer and image processor; there before the weights are, since the data are checked against them."""
        return PromptEncoder(self.policy_config)

    def rejection(self, problem: Problem, *, training: bool) -> str | None:
        """Why this module cannot use the problem, or None; `training` tells problems to train on."""
        return self.reward.rejection(problem) or self.encoder.rejection(problem)

    def setup(self, stage: str) -> None:
        """Checks reward and schedule against data and ranks, and derives gradient accumulation."""
        data = self.trainer.datamodule
        if data is None:
            raise ValueError(
                f"{type(self).__name__} has no data module: problems, stages and draws come from one, not from data "
                "loaders; call trainer.fit(module, ReasoningDataModule(...))"
            )
        sources = (*data.train_sources, *data.validation_sources, *data.predict_sources)
        self.reward.check_sources([source.label for source in sources])
        for source in sources:
            self.reward.check_kind(source.label, source.kind)
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
        self.check_stages()

    def configure_model(self) -> None:
        """Builds the policy and its engine, once, and shards it where the strategy has a mesh to shard over."""
        if self.policy is None:
            frozen = frozen_throughout(stages_of(self), self.policy_config)
            self.policy = Policy(replace(self.policy_config, freeze=frozen), self.encoder)
            self.before_sharding()
            if (trainer := attached_trainer(self)) is not None:
                trainer.datamodule.check_scores(self.policy, self.reward)
            if self.device_mesh is not None:
                shard(self.policy, self.device_mesh["data_parallel"])
            self.engine = self.make_engine(self.policy, self.rollout_batch_size)

    def before_sharding(self) -> None:
        """For what must see the starting weights whole."""

    def configure_optimizers(self) -> dict[str, Any]:
        """One optimiser over the parameters that are trained, stepped along `learning_rate`."""
        try:
            optimizer = self.make_optimizer([p for p in self.policy.parameters() if p.requires_grad])
        except ValueError as error:
            raise ValueError(f"model.init_args.optimizer: {error}; correct its init_args") from error
        factor = RateFactor(self.learning_rate, self.optimizer_steps())
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds which module wrote it, the log folder and what the loggers have of the last validation."""
        checkpoint |= {"module": type(self).__name__, "log_dir": log_folder(self.trainer)}
        checkpoint["validation"] = self.validation

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuses the checkpoint of another module or model before anything is overwritten."""
        if checkpoint.get("module") != type(self).__name__ and self.trainer.state.fn == "fit":
            raise ValueError(
                f"--ckpt_path={self.trainer.ckpt_path} is a checkpoint of {checkpoint.get('module')}, and this run is "
                f"of {type(self).__name__}: its optimiser cannot be resumed; start from its weights by policy.init_from"
            )
        self.validation = self.restored_validation = checkpoint["validation"]
        if "state_dict" not in checkpoint:  # a sharded strategy has read and checked it by itself
            return
        found = {key: value for key, value in checkpoint["state_dict"].items() if key.startswith(CHECKPOINT_PREFIX)}
        if problem := mismatch({CHECKPOINT_PREFIX + k: v for k, v in self.policy.model.state_dict().items()}, found):
            raise ValueError(
                f"--ckpt_path holds another model than policy.name={self.policy_config.name}: {problem}; resume a run "
                "of this model, or correct policy.name"
            )

    def teardown(self, stage: str) -> None:
        """Ends the grading processes and frees the engine."""
        self.reward.close()
        if self.engine is not None:
            self.engine.close()

    def on_validation_start(self) -> None:
        """Validates with the newest weights."""
        self.refresh_engine()

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Samples completions as their source says, grades them, and shows them to the callbacks."""
        data = self.trainer.datamodule
        source = data.validation_sources[dataloader_idx]
        sampling = replace(self.evaluation, **source.sampling.changes())
        if not batch.problems:  # this rank's share is used up; ranks in step sample along
            if self.policy.ranks.in_step:
                first = Batch((0,), (data.validation_problems[dataloader_idx][0],))
                self.graded(first, sampling, source.samples, "validation")
            return
        rollout = self.graded(batch, sampling, source.samples, "validation")
        terms = {
            **rollout.reward_terms,
            "accuracy": rollout.correct,
            "length_tokens": rollout.lengths,
            "unparsed": [float(not grade.parsed) for grade in rollout.grades],
            "truncated": ~rollout.finished,
        }
        for scope in ["val"] + ([f"val/{source.label}"] if len(data.validation_names) > 1 else []):
            for term, values in terms.items():
                self.metrics.add(f"{scope}/{term}", values)
        for callback in rollout_callbacks(self.trainer):
            callback.on_validation_rollout(self.trainer, self, rollout, source.label)

    def on_validation_epoch_end(self) -> None:
        """Logs the validation metrics over all ranks."""
        step = self.trainer.global_step
        self.validation = {"step": step, "values": self.log_metrics(step)}

"""Supervised fine-tuning on written solutions: cross-entropy of the completion tokens, prompts masked."""

from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from cogito_pl.data.curriculum import Stage
from cogito_pl.data.loading import Batch
from cogito_pl.modules.base import PolicyModule
from cogito_pl.modules.learning_rate import ScheduleConfig
from cogito_pl.policy import EngineFactory, LiveEngine, PolicyConfig, Prompt, SamplingConfig
from cogito_pl.policy.engines.live import stack_rows
from cogito_pl.policy.new_tokens import check_new_tokens
from cogito_pl.policy.prompt_encoder import Turns, asked
from cogito_pl.problem import Problem
from cogito_pl.rewards import RewardConfig
from cogito_pl.rl.schedule import RolloutSchedule


@dataclass(frozen=True)
class Lesson:
    """The encoded solutions of one optimiser step on this rank.

    Args:
        prompts: What precedes each completion.
        completions: Token ids, `[B, T]`.
        mask: True where there is a token, `[B, T]`.
        trained: True on the tokens that are trained on, the assistant's, `[B, T]`.
        tokens: How many of these all ranks have.
    """

    prompts: tuple[Prompt, ...]
    completions: Tensor
    mask: Tensor
    trained: Tensor
    tokens: Tensor


class SFTModule(PolicyModule):
    """Learns the solutions that the data hold. The loss is a mean over all their tokens in an optimiser step.

    Args:
        policy: Which model, how it is prompted, which parts are trained.
        schedule: `prompts` is the batch of an optimiser step over all ranks, `micro_batch` what a forward takes.
        optimizer: Makes the optimiser from the parameters that are trained.
        learning_rate: How the learning rate changes over the run.
        turns: Which responses of a conversation are trained on: the `last` one, or `all`, in one sequence.
        max_sequence_tokens: A row whose prompt and response are longer is rejected when the data are read, as other
            rows that cannot be used are: counted and listed, never cut. No limit when null.
        reward: Grades the completions of validation.
        evaluation: How validation completions are sampled; greedy by default.
        engine: Who samples in validation, by class path; the policy itself by default.
        rollout_batch_size: Completions that are decoded side by side in validation.
        seed: The command line sets it to `seed_everything`.
    """

    progress_bar = ("sft/loss",)

    def __init__(
        self,
        policy: PolicyConfig,
        schedule: RolloutSchedule = RolloutSchedule(prompts=32, group_size=1, micro_batch=8),  # noqa: B008  frozen
        optimizer: OptimizerCallable = torch.optim.AdamW,
        learning_rate: ScheduleConfig = ScheduleConfig(),  # noqa: B008
        turns: Turns = "last",
        max_sequence_tokens: int | None = None,
        reward: RewardConfig = RewardConfig(),  # noqa: B008
        evaluation: SamplingConfig = SamplingConfig(temperature=0.0),  # noqa: B008
        engine: EngineFactory = LiveEngine,
        rollout_batch_size: int = 256,
        seed: int = 17,
    ) -> None:
        super().__init__(
            policy, schedule, optimizer, learning_rate, reward, evaluation, engine, rollout_batch_size, seed
        )
        if (schedule.group_size, schedule.updates_per_rollout) != (1, 1):
            raise ValueError(
                "SFT has one solution per prompt and one step per batch: set to 1 schedule.group_size="
                f"{schedule.group_size}, schedule.updates={schedule.updates} and "
                f"schedule.epochs_per_rollout={schedule.epochs_per_rollout}"
            )
        if max_sequence_tokens is not None and max_sequence_tokens < 2:
            raise ValueError(
                f"model.init_args.max_sequence_tokens={max_sequence_tokens} leaves no room for a response; raise it, "
                "or set it to null for no limit"
            )
        self.turns, self.max_sequence_tokens = turns, max_sequence_tokens
        self._lesson: Lesson | None = None

    def on_train_start(self) -> None:
        """Refuses a draw order that waits for outcomes, which a run without rollouts has none of."""
        if self.trainer.datamodule.observes:
            raise ValueError("data.draw_order observes the outcomes of rollouts, and SFT has none; use it with GRPO")
        super().on_train_start()

    def rejection(self, problem: Problem, *, training: bool) -> str | None:
        """Why this module cannot use the problem, or None; to train on, it needs a solution that is not too long."""
        if not training:
            return super().rejection(problem, training=training)
        if not (problem.solution and problem.solution.strip()):
            return "there is no solution to train on"
        limits = {"turns": self.turns, "max_sequence_tokens": self.max_sequence_tokens}
        return self.reward.rejection(problem) or self.encoder.rejection(problem, **limits)

    def check_stage(self, stage: Stage) -> None:
        """Raises ValueError for settings that mean nothing here."""
        if named := [*stage.loss_changes, *(["sampling"] if stage.sampling.changes() else [])]:
            raise ValueError(
                f"data.stages: stage {stage.name!r} sets {', '.join(named)}, and SFT has neither a KL term nor an "
                "entropy bonus nor samples to train on; leave it out"
            )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds the new tokens, which the weights have rows of."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["new_tokens"] = list(self.policy_config.new_tokens)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuses the checkpoint of a run with other new tokens."""
        check_new_tokens("--ckpt_path", checkpoint.get("new_tokens"), self.policy_config.new_tokens)
        super().on_load_checkpoint(checkpoint)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Cross-entropy of one micro-batch, as its share of the whole optimiser step."""
        slots = self.schedule.micro_batches_per_update(self.trainer.world_size)
        slot = batch_idx % slots
        if slot == 0 or self._lesson is None:
            self._lesson = self.prepare(batch)
        lesson = self._lesson
        span = self.schedule.rows(slot, self.trainer.world_size)[1]
        rows = slice(span.start, span.stop)
        width = int(lesson.mask[rows].sum(1).max())
        mask, trained = lesson.mask[rows, :width], lesson.trained[rows, :width]
        log_probs = self.policy.log_probs(lesson.prompts[rows], lesson.completions[rows, :width], mask).values
        total = -(log_probs * trained).sum()
        self.tokens["train"] += int(mask.sum()) + sum(map(len, lesson.prompts[rows]))
        self.metrics.add("sft/loss", total.detach() / trained.sum(), trained.sum())
        self.metrics.add("sft/length_tokens", trained.sum(1))
        if slot == slots - 1:
            self._lesson = None
            self.log_metrics(self.trainer.global_step)
        return self.scaled(total / lesson.tokens)

    def prepare(self, batch: Batch) -> Lesson:
        """Encodes the batch of an optimiser step and counts the tokens that all ranks train on."""
        responses = [self.encoder.encode_response(problem, self.turns) for problem in batch.problems]
        prompts = tuple(self.policy.encode(asked(problem, self.turns)) for problem in batch.problems)
        ids = stack_rows([ids[None] for ids, _ in responses], self.encoder.pad_id).to(self.device)
        trained = stack_rows([spoken[None] for _, spoken in responses], False).to(self.device)
        mask = stack_rows([torch.ones_like(spoken)[None] for _, spoken in responses], False).to(self.device)
        return Lesson(prompts, ids, mask, trained, self.over_ranks(trained.sum()))

"""What rollouts and validation share: completions are sampled and graded, metrics logged over all ranks."""

from typing import Any

import lightning.pytorch as L
import torch
from torch import Tensor

from cogito_pl.data.curriculum import Stage
from cogito_pl.data.loading import Batch
from cogito_pl.modules.hooks import RolloutCallback
from cogito_pl.modules.metrics import Metrics
from cogito_pl.policy import Engine, Policy, Request, SamplingConfig
from cogito_pl.policy.parallel import whole_weights
from cogito_pl.rewards import Reward
from cogito_pl.rl.rollout import Rollout
from cogito_pl.seeds import stable_seed


class SamplingModule(L.LightningModule):
    """Samples and grades completions, and logs. Subclasses make the policy, the engine and the reward."""

    policy: Policy
    engine: Engine
    reward: Reward
    seed: int

    progress_bar: tuple[str, ...] = ()
    """Names of the training metrics that the progress bar shows."""

    def __init__(self) -> None:
        super().__init__()
        self.metrics = Metrics()
        self.tokens = {"rollout": 0, "train": 0}  # real tokens since the run started on this rank, for throughput

    @property
    def stage(self) -> Stage | None:
        """The curriculum's stage; None without stages."""
        return getattr(self.trainer.datamodule, "stage", None)

    def graded(self, batch: Batch, sampling: SamplingConfig, group_size: int, *purpose: object) -> Rollout:
        """Samples and grades `group_size` completions of each problem; advantages are still zero.

        A completion's seed is made of the run's seed, `purpose`, the draw, the problem's id and its place in the group.
        """
        prompts = [self.policy.encode(problem) for problem in batch.problems]
        purpose += ("stream", sampling.stream) if sampling.stream else ()
        samples = self.engine.generate(
            [
                Request(prompt, sampling, stable_seed(self.seed, *purpose, number, problem.id, place))
                for number, problem, prompt in zip(batch.draws, batch.problems, prompts, strict=True)
                for place in range(group_size)
            ]
        )
        decode = self.policy.encoder.decode
        texts = tuple(decode(ids[keep].tolist()) for ids, keep in zip(samples.ids, samples.mask, strict=True))
        result = self.reward.score(texts, [problem for problem in batch.problems for _ in range(group_size)])
        rewards = torch.tensor(result.total, device=samples.ids.device)
        self.tokens["rollout"] += int(samples.mask.sum())
        return Rollout(
            problems=batch.problems,
            draws=batch.draws,
            prompts=tuple(prompts),
            policy_steps=(self.trainer.global_step,) * len(prompts),
            completions=samples.ids,
            mask=samples.mask,
            sampled_log_probs=samples.log_probs,
            finished=samples.finished,
            texts=texts,
            grades=tuple(result.grades),
            rewards=rewards,
            reward_terms={name: torch.tensor(values, device=rewards.device) for name, values in result.terms.items()},
            advantages=torch.zeros_like(rewards),
            stage=self.stage.name if self.stage else "",
        )

    def refresh_engine(self) -> None:
        """Hands the policy's weights to the engine. Collective."""
        self.engine.refresh(whole_weights(self.policy))

    def log_metrics(self, step: int) -> dict[str, float]:
        """Logs what was added to `metrics`, over all ranks, at optimiser step `step`, and returns it. Collective."""
        values, alone = self.metrics.pop(self.device), self.trainer.state.fn == "validate"
        for name, value in values.items():
            shown = name in (*self.progress_bar, "val/accuracy")
            # In a fit, Lightning's route to the loggers would repeat old values at every step.
            self.log(name, value, prog_bar=shown, logger=alone, batch_size=1)
        for logger in self.trainer.loggers if values and not alone else ():
            logger.log_metrics(values, step=step)
        return values

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Logs what callbacks measured of the whole optimiser step: gradient norm, speed."""
        if (batch_idx + 1) % self.trainer.accumulate_grad_batches == 0:
            self.log_metrics(self.trainer.global_step - 1)

    def scaled(self, loss: Tensor) -> Tensor:
        """Undoes what Lightning divides by: our denominators already span the whole optimiser step on all ranks."""
        return loss * (self.trainer.accumulate_grad_batches * self.trainer.world_size)

    def over_ranks(self, counts: Tensor) -> Tensor:
        """Sum of `counts` over all ranks."""
        return self.trainer.strategy.reduce(counts.to(self.device), reduce_op="sum")


def rollout_callbacks(trainer: L.Trainer) -> list[RolloutCallback]:
    """The callbacks that take part in rollouts, in the order of the YAML."""
    return [callback for callback in trainer.callbacks if isinstance(callback, RolloutCallback)]

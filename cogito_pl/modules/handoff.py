"""Hand-off between stages: which weights validated best, and what policy and reference are given of them.

All ranks call these functions together.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import lightning.pytorch as L
import torch
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn

from cogito_pl.modules.fresh_optimizer import restart_optimizer
from cogito_pl.modules.weight_files import read_weights, trained_weights
from cogito_pl.rl.rollout import Rollout


@dataclass(frozen=True)
class Candidate:
    """Weights that were validated.

    Args:
        score: The monitored metric.
        step: Optimiser step that they are of.
        error: Standard error of the score over problems; None where the metric is not a mean over them.
        file: That holds them, as `write_weights` named it; empty where none does.
    """

    score: float
    step: int
    error: float | None = None
    file: str = ""

    def __str__(self) -> str:
        error = "" if self.error is None else f" (standard error {self.error:.2g})"
        return f"{self.score:.4g}{error} after optimiser step {self.step}"


@dataclass(frozen=True)
class HandoffRule:
    """Which weights a stage hands over.

    Args:
        mode: Whether more or less of the score is better.
        candidates: `stage` takes the best of the stage's own validations; under `run` what it began with competes.
        margin: Under `run`, the own best wins unless it is worse than the start by this much or more.
    """

    mode: Literal["max", "min"]
    candidates: Literal["run", "stage"]
    margin: float

    def __post_init__(self) -> None:
        """Raises ValueError for a margin that is none, or that nothing uses."""
        if not 0 <= self.margin < math.inf:
            raise ValueError(f"BestCheckpointHandoff.margin={self.margin} is no margin; choose 0 or a positive number")
        if self.margin and self.candidates == "stage":
            raise ValueError(
                f"BestCheckpointHandoff.margin={self.margin} is a handicap of what a stage began with, which does not "
                "compete under candidates=stage; leave it out, or set candidates to run"
            )

    def improves(self, score: float, best: Candidate | None) -> bool:
        """Whether a validation of the stage is better than the best so far; anything is better than none, or NaN."""
        return improves(score, best and best.score, self.mode)

    def choose(self, start: Candidate, own: Candidate | None) -> Candidate:
        """What is handed over, of what the stage began with and the best of its own validations, if there is one."""
        if own is None:
            return start
        wins = self.candidates == "stage" or improves(own.score, start.score, self.mode, self.margin)
        return own if wins else start


class StandardErrors:
    """The standard error of a metric that is a mean over validation problems: s / sqrt(n)."""

    def __init__(self) -> None:
        self.sums = torch.zeros(3, dtype=torch.float64)  # problems, sum of values, sum of squares

    def add(self, monitor: str, rollout: Rollout, source: str) -> None:
        """Adds the problems of a validation batch, where the metric `val/<term>` or `val/<source>/<term>` has them."""
        scope, _, term = monitor.rpartition("/")
        values = {**rollout.reward_terms, "accuracy": rollout.correct, "length_tokens": rollout.lengths}.get(term)
        if values is not None and scope in ("val", f"val/{source}"):
            values = values.double().cpu()
            self.sums += torch.stack([torch.tensor(float(len(values))), values.sum(), values.square().sum()])

    def over_ranks(self, module: L.LightningModule) -> float | None:
        """The standard error over the problems of all ranks; None for fewer than two. Collective."""
        sums = self.sums.float() if module.device.type == "mps" else self.sums
        count, total, squares = module.over_ranks(sums).tolist()
        if count < 2:
            return None
        return math.sqrt(max(0.0, squares - total**2 / count) / (count - 1) / count)


def warn_of_discarded(stage: str, start: Candidate, own: Candidate, monitor: str, rule: HandoffRule) -> None:
    """Warns that nothing that was trained in a stage is handed over."""
    what = f"stage {stage!r}" if stage else "the run"
    within = f" within the margin of {rule.margin}" if rule.margin else ""
    rank_zero_warn(
        f"{what} is discarded: the best of its own validations, {monitor}={own}, is not better{within} than what it "
        f"began with, {start}, which goes on instead. Noise discards stages that help, too: candidates=stage of "
        "BestCheckpointHandoff hands over the own best of a stage, and margin allows it to be a little worse"
    )


def check_validation(trainer: L.Trainer) -> None:
    """Raises ValueError unless every epoch ends with a validation."""
    if not trainer.datamodule.validation_sources:
        raise ValueError("data.validation is empty, and BestCheckpointHandoff goes by validations; add a source")
    for setting, value in (
        ("limit_val_batches", trainer.limit_val_batches or None),
        ("val_check_interval", trainer.val_check_interval),
        ("check_val_every_n_epoch", trainer.check_val_every_n_epoch),
    ):
        if value is None or (setting != "limit_val_batches" and value != 1):
            raise ValueError(
                f"trainer.{setting}={value or 0} leaves epochs without the one validation at their end that "
                "BestCheckpointHandoff goes by; leave it out"
            )


def monitored(trainer: L.Trainer, name: str) -> float:
    """The metric of the validation that has just ended, the same on all ranks.

    Raises:
        ValueError: Validation does not log it.
    """
    if name not in trainer.callback_metrics:
        known = ", ".join(sorted(metric for metric in trainer.callback_metrics if metric.startswith("val")))
        raise ValueError(f"BestCheckpointHandoff.monitor={name} is not what validation logs; choose of {known}")
    return trainer.strategy.broadcast(float(trainer.callback_metrics[name]))


def improves(score: float, best: float | None, mode: Literal["max", "min"], margin: float = 0.0) -> bool:
    """Whether `score` is better than `best`, or worse by less than `margin`; anything is better than none, or NaN."""
    if best is None or math.isnan(best):
        return True
    return score + margin > best if mode == "max" else score - margin < best


def restore_policy(trainer: L.Trainer, module: L.LightningModule, name: str) -> None:
    """Gives the policy the weights of the file `name`."""
    read_weights(trainer, trained_weights(module), name)
    module.policy.features.clear_cache()
    rank_zero_info(f"the policy has the weights of {Path(trainer.default_root_dir) / name}")


def begin_stage(trainer: L.Trainer, module: L.LightningModule, name: str, step: int) -> None:
    """Gives the policy the weights of the file `name`, a fresh optimiser and a fresh schedule, and logs it.

    Args:
        trainer: Of the run.
        module: Whose stage begins.
        name: The file, as `write_weights` named it.
        step: Optimiser step that its weights are of.
    """
    rank_zero_info(f"stage {module.stage.name} begins")
    restore_policy(trainer, module, name)
    restart_optimizer(module)
    module.metrics.add("applied/best_checkpoint_handoff", 1.0)
    module.metrics.add("handoff/from_step", float(step))


def restore_reference(trainer: L.Trainer, module: L.LightningModule, name: str) -> None:
    """Gives the reference of the KL term, where there is one, the weights of the file `name`, where one is given."""
    if name and module.reference is not None:
        read_weights(trainer, module.reference.parameters(), name)
        module.reference.clear_cache()

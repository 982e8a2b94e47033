"""Going by a validation metric: that there is one, what it says, whether it is better than another."""

import math
from typing import Literal

import lightning.pytorch as L


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


def improves(score: float, best: float | None, mode: Literal["max", "min"]) -> bool:
    """Whether `score` is better than `best`; anything is better than none, or than no number."""
    if best is None or math.isnan(best):
        return True
    return score > best if mode == "max" else score < best

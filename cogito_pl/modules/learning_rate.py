"""Learning-rate schedule: a linear warm-up, then constant, linear or cosine."""

import math
from dataclasses import dataclass
from typing import Literal

from torch.optim.lr_scheduler import LambdaLR


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """How the learning rate changes over the optimiser steps of a run.

    Args:
        warmup: Optimiser steps of the linear rise; the first step already has 1/warmup of the full rate.
        decay: Shape of the fall after it.
        final: Share of the full rate that the fall ends at.
    """

    warmup: int = 0
    decay: Literal["constant", "linear", "cosine"] = "constant"
    final: float = 0.0

    def __post_init__(self) -> None:
        """Raises ValueError when a value is outside its range."""
        if self.warmup < 0:
            raise ValueError(f"learning_rate.warmup={self.warmup} is negative; 0 switches it off")
        if not 0 <= self.final <= 1:
            raise ValueError(f"learning_rate.final={self.final} is outside [0, 1]")


class RateFactor:
    """Factor of the learning rate at an optimiser step; an object, so that `total` can follow a run that is extended.

    Args:
        config: Shape of the schedule.
        total: Optimiser steps of the run.
    """

    def __init__(self, config: ScheduleConfig, total: float) -> None:
        self.warmup, self.decay, self.final, self.total = config.warmup, config.decay, config.final, total

    def __call__(self, step: int) -> float:
        """The factor at optimiser step `step`, counted from 0."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        if self.decay == "constant" or not math.isfinite(self.total):
            return 1.0
        left = min(1.0, max(0.0, (self.total - step) / max(1, self.total - self.warmup)))
        shape = left if self.decay == "linear" else (1 - math.cos(math.pi * left)) / 2
        return self.final + (1 - self.final) * shape


def span(scheduler: LambdaLR, total: float) -> float:
    """Lets a schedule end `total` optimiser steps after it began, from the next step on.

    A checkpoint brings back the schedule as it was when the checkpoint was written, and the run may be longer now.

    Returns:
        What it spanned before.
    """
    factors = [factor for factor in scheduler.lr_lambdas if isinstance(factor, RateFactor)]
    before = [factor.total for factor in factors]
    for factor in factors:
        factor.total = total
    if any(value != total for value in before):
        for group, rate, factor in zip(
            scheduler.optimizer.param_groups, scheduler.base_lrs, scheduler.lr_lambdas, strict=True
        ):
            group["lr"] = rate * factor(scheduler.last_epoch)
    return before[0] if before else total

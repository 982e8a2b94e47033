"""How the coefficient of the entropy bonus changes over the optimiser steps of a run."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EntropySchedule:
    """No bonus at first, then the full coefficient, which decays exponentially.

        beta(u) = 0                                            u <= warmup
        beta(u) = max(floor, beta_0 decay^(u - warmup - 1))    u > warmup

    with u the optimiser steps taken since the run, or the stage that states the schedule, began, and beta_0 =
    `loss.entropy_coef`. ReVisual-R1 (arXiv 2506.04207): beta_0 = 0.02, decay 0.985, floor 0, with a warm-up of 140
    steps in the paper and of 20 in the released code. It depends on the step alone, so a resumed run goes on where it
    was; the released code starts again. Deviation: the bonus here is the entropy of the whole distribution. The code
    takes the mean of -log p over the sampled tokens, whose gradient is zero on average.

    Args:
        warmup: Optimiser steps without a bonus, after the first one.
        decay: Factor of every further step.
        floor: Least coefficient after the warm-up.
    """

    warmup: int = 140
    decay: float = 0.985
    floor: float = 0.0

    def __post_init__(self) -> None:
        """Raises ValueError for values outside of their range."""
        if self.warmup < 0:
            raise ValueError(f"loss.entropy_schedule.warmup={self.warmup} is negative; choose 0 or more")
        if not 0 < self.decay <= 1:
            raise ValueError(f"loss.entropy_schedule.decay={self.decay} is outside (0, 1]; 1 keeps the coefficient")
        if not 0 <= self.floor < float("inf"):
            raise ValueError(f"loss.entropy_schedule.floor={self.floor} must be a number of 0 or more")

    def __call__(self, coefficient: float, step: int) -> float:
        """The coefficient at optimiser step `step`, counted from 0; `coefficient` is the full one."""
        if step <= self.warmup:
            return 0.0
        return max(self.floor, coefficient * self.decay ** (step - self.warmup - 1))

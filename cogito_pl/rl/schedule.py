"""How a rollout is spent: prompts, completions, optimiser steps and micro-batches, and what must divide what."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RolloutSchedule:
    """Sizes of one rollout and of the optimiser steps taken on it; the same result on any number of ranks.

    Args:
        prompts: Prompts of a rollout, over all ranks.
        group_size: Completions per prompt.
        updates: Optimiser steps that share it out in draw order; VL-Cogito's code reorders the completions first.
        epochs_per_rollout: Times the whole rollout is gone through.
        micro_batch: Sequences of one forward and backward on a rank; changes memory and speed, never the gradient.
    """

    prompts: int = 32
    group_size: int = 8
    updates: int = 1
    epochs_per_rollout: int = 1
    micro_batch: int = 8

    def __post_init__(self) -> None:
        """Raises ValueError, naming setting, value and remedy, where sizes do not fit."""
        for name in ("prompts", "group_size", "updates", "epochs_per_rollout", "micro_batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"schedule.{name}={getattr(self, name)} must be at least 1")
        self.check(world=1)

    def check(self, world: int) -> None:
        """Raises ValueError unless the rollout divides evenly over `world` ranks, updates and micro-batches."""
        if self.prompts % world:
            raise ValueError(
                f"schedule.prompts={self.prompts} does not divide over {world} ranks; choose a multiple of {world}"
            )
        sequences = self.prompts // world * self.group_size
        if sequences % self.updates:
            raise ValueError(
                f"schedule.updates={self.updates} does not divide the {sequences} sequences that a rollout has on a "
                f"rank ({self.prompts} prompts / {world} ranks x group_size {self.group_size}); choose a divisor"
            )
        if sequences // self.updates % self.micro_batch:
            raise ValueError(
                f"schedule.micro_batch={self.micro_batch} does not divide the {sequences // self.updates} sequences "
                f"that an update has on a rank (group_size {self.group_size} x {self.prompts} prompts / {world} "
                f"ranks / {self.updates} updates); choose a divisor"
            )

    @property
    def updates_per_rollout(self) -> int:
        """Optimiser steps between two rollouts."""
        return self.updates * self.epochs_per_rollout

    def sequences_per_update(self, world: int) -> int:
        """Sequences of one optimiser step on one rank."""
        return self.prompts // world * self.group_size // self.updates

    def micro_batches_per_update(self, world: int) -> int:
        """Micro-batches that one optimiser step accumulates on one rank."""
        return self.sequences_per_update(world) // self.micro_batch

    def micro_batches_per_rollout(self, world: int) -> int:
        """Training steps, as Lightning counts batches, between two rollouts."""
        return self.micro_batches_per_update(world) * self.updates_per_rollout

    def rows(self, slot: int, world: int) -> tuple[int, range]:
        """Which update of a pass micro-batch `slot` of the rollout belongs to, and its rows."""
        update, micro = divmod(slot, self.micro_batches_per_update(world))
        update %= self.updates
        start = update * self.sequences_per_update(world) + micro * self.micro_batch
        return update, range(start, start + self.micro_batch)

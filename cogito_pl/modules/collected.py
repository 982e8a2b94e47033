"""What a rollout was sampled with, and what its updates need."""

from dataclasses import dataclass, replace

from cogito_pl.data.curriculum import Stage
from cogito_pl.policy import SamplingConfig
from cogito_pl.rl.losses import LossConfig, UpdateSize
from cogito_pl.rl.rollout import Rollout


@dataclass(frozen=True)
class Settings:
    """What a rollout is sampled and trained with: the module's settings as the current stage changes them."""

    sampling: SamplingConfig
    loss: LossConfig
    counts_stage_steps: bool = False  # whether the loss's entropy schedule is the stage's own

    def within(self, stage: Stage) -> "Settings":
        """The settings as `stage` changes them. Raises ValueError for values that cannot be."""
        return Settings(
            replace(self.sampling, **stage.sampling.changes()),
            replace(self.loss, **stage.loss_changes),
            counts_stage_steps=stage.entropy_schedule is not None,
        )


@dataclass(frozen=True)
class Collected:
    """A rollout, the settings it was sampled with, and what its updates need."""

    rollout: Rollout
    settings: Settings
    reached: list[bool]  # of each row, whether some loss term reaches it; the others need no forward
    sizes: list[UpdateSize]  # of each update of an epoch over the rollout, over all ranks

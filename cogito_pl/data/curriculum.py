"""The stages of a run, and which of them an epoch belongs to. Needs no trainer and no data.

The stage is derived from the epoch and from the recorded decisions to end a stage early; it is never stored, so a
resumed run cannot disagree with the run it continues.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cogito_pl.data.sampling_changes import SamplingChanges
from cogito_pl.rl.entropy_schedule import EntropySchedule


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of a curriculum: its length, its problems, and the settings that differ during it.

    Args:
        name: Name of the stage in logs, rollouts, checkpoints and callbacks (`stages: [hard]`); each is used once.
        epochs: Number of epochs; each is `rollouts_per_epoch` prompt batches, then a validation.
        rollouts_per_epoch: Prompt batches between two validations; as `data.rollouts_per_epoch` when null.
        sources: Weights by the name of a source in `data.train`. Draws come from the named sources in proportion; empty
            takes all problems, each once per pass.
        strata: Weights by stratum, which comes from `data.strata` or, without it, from the data's column `stratum`.
            With `sources` too, the weights of source and stratum are multiplied.
        sampling: Changes to how training completions are sampled.
        kl_coef: Weight of the KL term; the module's when null.
        entropy_coef: Weight of the entropy bonus; the module's when null. 0 takes the module's schedule of it off too.
        entropy_schedule: How that weight changes over the optimiser steps of this stage, counted from its first one;
            null keeps the module's, which is counted from the first of the run.
        freeze: Parts that are not trained in this stage, instead of `policy.freeze`, which applies when null.
        patience: End the stage after this many validations in a row without an improvement of the metric that
            `BestCheckpointHandoff` monitors; null never ends it early.
    """

    name: str
    epochs: int = 1
    rollouts_per_epoch: int | None = None
    sources: dict[str, float] = field(default_factory=dict)
    strata: dict[str, float] = field(default_factory=dict)
    sampling: SamplingChanges = SamplingChanges()  # noqa: RUF009  frozen
    kl_coef: float | None = None
    entropy_coef: float | None = None
    entropy_schedule: EntropySchedule | None = None
    freeze: tuple[str, ...] | None = None
    patience: int | None = None

    @property
    def loss_changes(self) -> dict[str, Any]:
        """The settings of the loss that this stage states, by their name there."""
        given = {name: getattr(self, name) for name in ("kl_coef", "entropy_coef", "entropy_schedule")}
        changes = {name: value for name, value in given.items() if value is not None}
        return {"entropy_schedule": None} | changes if self.entropy_coef == 0 else changes

    def __post_init__(self) -> None:
        """Raises ValueError, naming stage, setting and value, for settings that no run can follow."""
        if not re.fullmatch(r"[\w.+-]+", self.name):
            raise ValueError(f"data.stages: name={self.name!r} must be letters, digits and . _ + - only")
        for setting in ("epochs", "rollouts_per_epoch", "patience"):
            value = getattr(self, setting)
            if value is not None and value < 1:
                raise ValueError(f"data.stages: stage {self.name!r} has {setting}={value}; it must be at least 1")
        for setting in ("sources", "strata"):
            for name, weight in getattr(self, setting).items():
                if not 0 < weight < float("inf"):
                    raise ValueError(
                        f"data.stages: stage {self.name!r} gives {setting} {name!r} the weight {weight}; it must be "
                        "above 0; leave the name out to draw nothing from it"
                    )


@dataclass(frozen=True)
class Position:
    """Where an epoch lies.

    Args:
        index: Number of the stage, from 0.
        stage: The stage.
        epoch: Epoch within the stage, from 0.
    """

    index: int
    stage: Stage
    epoch: int


NO_LIMIT = (None, -1, 1000)
"""Values of `trainer.max_epochs` that say nothing; Lightning puts 1000 where none is given."""


class Curriculum:
    """The stages of a run and the decisions to end some of them early; everything else is derived from these.

    Args:
        stages: In order; none for a run without a curriculum.

    Raises:
        ValueError: Two stages share a name.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)
        self.ended: dict[str, int] = {}
        """Epochs that stages which ended early took, by name. The only state, kept in checkpoints."""
        names = [stage.name for stage in stages]
        if len(set(names)) < len(names):
            raise ValueError(f"data.stages has the names {names}; each must be used once")

    def at(self, epoch: int) -> Position:
        """The last stage that begins no later than `epoch`; past the run's end, its last stage."""
        index = max(i for i in range(len(self.stages)) if self.first_epoch(i) <= epoch)
        return Position(index, self.stages[index], epoch - self.first_epoch(index))

    def first_epoch(self, index: int) -> int:
        """The epoch at which stage `index` begins; that of the run's end for the number of stages."""
        return sum(self.ended.get(stage.name, stage.epochs) for stage in self.stages[:index])

    @property
    def total_epochs(self) -> int:
        """Epochs of the run."""
        return self.first_epoch(len(self.stages))

    def end(self, position: Position) -> bool:
        """Ends a stage with the epoch at `position`; False where that is its last epoch anyway."""
        taken = position.epoch + 1
        if taken < position.stage.epochs:
            self.ended[position.stage.name] = taken
            return True
        return False

    def check_epochs(self, max_epochs: int | None) -> None:
        """Raises ValueError when `trainer.max_epochs` is given and is not what the stages add up to."""
        if max_epochs not in (*NO_LIMIT, self.total_epochs):
            parts = " + ".join(f"{stage.epochs} {stage.name}" for stage in self.stages)
            raise ValueError(
                f"trainer.max_epochs={max_epochs} contradicts data.stages, whose epochs add up to {self.total_epochs} "
                f"({parts}); leave trainer.max_epochs out"
            )

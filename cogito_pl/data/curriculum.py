"""The stages of a run, and which of them an epoch belongs to. Pure: knows settings and epochs, no trainer and no data.

The stage is derived from the epoch and from the recorded decisions to end a stage early, and never kept: a resumed run
can therefore not disagree with the one it continues.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class StageSampling:
    """What a stage changes about how completions to learn from are drawn; null leaves a setting as the module has it.

    Args:
        max_tokens: Completions are cut after this many tokens.
        temperature: Softmax temperature.
        top_p: Smallest set of likeliest tokens with at least this probability.
        top_k: The k likeliest tokens.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None

    def changes(self) -> dict[str, float]:
        """The settings that are given."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of a curriculum: how long, on which problems, and what is different meanwhile.

    Args:
        name: Names the stage in logs, rollouts, checkpoints and callbacks (`stages: [hard]`); used once.
        epochs: How many epochs; each is `rollouts_per_epoch` prompt batches, then a validation.
        rollouts_per_epoch: Prompt batches between two validations; as `data.rollouts_per_epoch` when null.
        sources: Weights by the name of a source in `data.train`. Draws come from the named sources in proportion; empty
            takes all problems, each once per pass.
        strata: Weights by stratum, as `data.strata`, or without it a problem's column `stratum`, says. With
            `sources` too, the weight of a source and of a stratum multiply.
        sampling: What is different about sampling.
        kl_coef: Weight of the KL term; as the module has it when null.
        freeze: Parts that do not learn in this stage, in the place of `policy.freeze`, which holds when null.
        patience: End the stage after so many validations in a row without a rise of what `BestCheckpointHandoff`
            monitors; null never ends it early.
    """

    name: str
    epochs: int = 1
    rollouts_per_epoch: int | None = None
    sources: dict[str, float] = field(default_factory=dict)
    strata: dict[str, float] = field(default_factory=dict)
    sampling: StageSampling = StageSampling()
    kl_coef: float | None = None
    freeze: tuple[str, ...] | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        """Raises ValueError, naming stage, setting and value, for what no run can do."""
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
                        "above 0, leave the name out to draw nothing from it"
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


def check_names(stages: Sequence[Stage]) -> None:
    """Raises ValueError when two stages share a name."""
    names = [stage.name for stage in stages]
    if len(set(names)) < len(names):
        raise ValueError(f"data.stages has the names {names}; each must be used once")


NO_LIMIT = (None, -1, 1000)
"""Values of `trainer.max_epochs` that say nothing; Lightning puts 1000 where none is given."""


def check_epochs(stages: Sequence[Stage], max_epochs: int | None) -> None:
    """Raises ValueError when `trainer.max_epochs` is given and is not what the stages add up to."""
    total = total_epochs(stages, {})
    if max_epochs not in (*NO_LIMIT, total):
        parts = " + ".join(f"{stage.epochs} {stage.name}" for stage in stages)
        raise ValueError(
            f"trainer.max_epochs={max_epochs} contradicts data.stages, whose epochs add up to {total} ({parts}); leave "
            "trainer.max_epochs out"
        )


def stage_epochs(stages: Sequence[Stage], ended: Mapping[str, int]) -> list[int]:
    """Epochs of every stage; `ended` holds those that stages which ended early took, by name."""
    return [ended.get(stage.name, stage.epochs) for stage in stages]


def total_epochs(stages: Sequence[Stage], ended: Mapping[str, int]) -> int:
    """Epochs of the run."""
    return sum(stage_epochs(stages, ended))


def first_epoch(index: int, stages: Sequence[Stage], ended: Mapping[str, int]) -> int:
    """The epoch at which stage `index` begins; that of the run's end for the number of stages."""
    return sum(stage_epochs(stages, ended)[:index])


def stage_at(epoch: int, stages: Sequence[Stage], ended: Mapping[str, int]) -> Position:
    """The last stage that begins no later than `epoch`; past the run's end, its last stage."""
    index = max(i for i in range(len(stages)) if first_epoch(i, stages, ended) <= epoch)
    return Position(index, stages[index], epoch - first_epoch(index, stages, ended))

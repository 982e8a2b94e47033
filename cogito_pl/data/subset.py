"""Which of the training problems are learnt from: those of some strata, or a random control of the same size."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lightning.pytorch.utilities import rank_zero_warn

from cogito_pl.data.curriculum import Stage
from cogito_pl.data.scores import read_strata
from cogito_pl.data.strata import STRATA, StrataConfig, random_control
from cogito_pl.problem import Problem

SOLVED = ("easy", "medium", "hard")
UNGRADED = "no stratum"


@dataclass(frozen=True, kw_only=True)
class SubsetConfig:
    """Learn from a part of the problems: the difficulty selection of arXiv 2511.06722, or its control.

    Args:
        strata: The strata that are learnt from, joined.
        control_seed: Instead of these problems, as many drawn at random with this seed out of `pool`; null takes the
            problems themselves.
        pool: The strata that a control is drawn from; the solved ones by default.
    """

    strata: tuple[str, ...]
    control_seed: int | None = None
    pool: tuple[str, ...] = SOLVED

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting, its value and the remedy."""
        if not self.strata:
            raise ValueError("data.subset.strata is empty; name the strata to learn from, or leave data.subset out")
        if not self.pool:
            raise ValueError("data.subset.pool is empty; name the strata to draw a control from, or leave it out")
        for setting in ("strata", "pool"):
            if len(set(getattr(self, setting))) < len(getattr(self, setting)):
                raise ValueError(f"data.subset.{setting}={getattr(self, setting)} repeats a name; give each once")


def stratified(problems: Sequence[Problem], config: StrataConfig | None) -> list[Problem]:
    """The problems with their stratum by `config` in place of the data's own; as they are without `config`."""
    if config is None:
        return list(problems)
    strata = read_strata(config, problems)
    return [
        replace(problem, meta={**problem.meta, "stratum": stratum})
        for problem, stratum in zip(problems, strata, strict=True)
    ]


def subset_of(problems: Sequence[Problem], config: SubsetConfig | None) -> list[Problem]:
    """The problems that are learnt from, in their order.

    Raises:
        ValueError: A stratum that is named holds no problem, or the pool has too few for the control.
    """
    if config is None:
        return list(problems)
    there = stratum_counts(problems)
    if missing := [name for name in config.strata if name not in there]:
        held = ", ".join(sorted(there.keys() - {UNGRADED})) or "no problem has one"
        raise ValueError(
            f"data.subset.strata={list(config.strata)}: no problem is {missing[0]} ({held}); name other strata, or "
            "give the problems theirs by data.strata or by a column `stratum`"
        )
    chosen = [problem for problem in problems if stratum_of(problem) in config.strata]
    if config.control_seed is None:
        return chosen
    pool = {(problem.source, problem.id): problem for problem in problems if stratum_of(problem) in config.pool}
    if len(pool) < len(chosen):
        raise ValueError(
            f"data.subset.pool={list(config.pool)} has {len(pool)} problems of different ids, too few for a control of "
            f"{len(chosen)} {' and '.join(config.strata)} ones; add strata to the pool"
        )
    names = {repr(key): problem for key, problem in pool.items()}
    return [names[name] for name in random_control(list(names), len(chosen), config.control_seed)]


def without_empty(stage: Stage, problems: Sequence[Problem]) -> Stage:
    """The stage without strata that the scores left empty; unchanged where nothing else would remain."""
    empty = [name for name in stage.strata if name in STRATA and name not in stratum_counts(problems)]
    if not empty or len(empty) == len(stage.strata):
        return stage
    rank_zero_warn(f"data.stages: stage {stage.name!r} draws from {', '.join(empty)}, which the scores left empty")
    return replace(stage, strata={name: weight for name, weight in stage.strata.items() if name not in empty})


def stratum_counts(problems: Sequence[Problem]) -> dict[str, int]:
    """Problems of every stratum that occurs."""
    return dict(Counter(stratum_of(problem) for problem in problems))


def stratum_of(problem: Problem) -> str:
    """The stratum of a problem, as text."""
    return str(problem.meta.get("stratum", UNGRADED))

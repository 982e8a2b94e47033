"""What every epoch of a run draws from, and how many prompt batches."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from cogito_pl.data.curriculum import Curriculum, Stage
from cogito_pl.data.draw_order import DrawContext, Pool
from cogito_pl.problem import Problem

NO_STRATA = "no problem has a value in the column `stratum`; add one, or name scores as data.strata"


class Plan:
    """The pools and the length of every epoch. A run without stages is one stage over all problems that never ends.

    Args:
        problems: All problems to train on.
        curriculum: The stages, if any, and which of them ended early.
        seed: Of the order of draws.
        prompts: Prompts of a batch, over all ranks.
        rollouts: Prompt batches of an epoch whose stage does not say; one pass over its problems when None.
        optional: Strata that may be empty: a stage that names one draws from its other strata.

    Raises:
        ValueError: A stage draws from a source or stratum that holds no problems.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        curriculum: Curriculum,
        *,
        seed: int,
        prompts: int,
        rollouts: int | None,
        optional: Collection[str] = (),
    ) -> None:
        self.problems, self.curriculum, self.seed, self.prompts = problems, curriculum, seed, prompts
        stages = [without_empty(stage, problems, optional) for stage in curriculum.stages]
        self.left_out = {
            before.name: sorted(before.strata.keys() - after.strata.keys())
            for before, after in zip(curriculum.stages, stages, strict=True)
            if before != after
        }
        """Optional strata that hold no problems, by the name of the stage that draws from them."""
        self.pools = [pools_of(stage, problems) for stage in stages] or [[Pool(range(len(problems)))]]
        given = [stage.rollouts_per_epoch for stage in curriculum.stages] or [None]
        one_pass = [max(1, sum(len(pool.indices) for pool in pools) // prompts) for pools in self.pools]
        self.rollouts = [mine or rollouts or whole for mine, whole in zip(given, one_pass, strict=True)]

    def rollouts_in(self, epoch: int) -> int:
        """Prompt batches of `epoch`."""
        return self.rollouts[self._stage(epoch)]

    def rollouts_before(self, epoch: int) -> int:
        """Prompt batches of all epochs before `epoch`."""
        if not self.curriculum.stages:
            return epoch * self.rollouts[0]
        return sum(self.rollouts_in(earlier) for earlier in range(epoch))

    def first_draw(self, epoch: int) -> int:
        """Number of the first draw of `epoch`."""
        return self.rollouts_before(epoch) * self.prompts

    def context(self, epoch: int) -> DrawContext:
        """The stage of `epoch`, for its draw order."""
        stage = self._stage(epoch)
        first = self.first_draw(self.curriculum.first_epoch(stage))
        return DrawContext(self.problems, self.pools[stage], seed=self.seed, stage=stage, first=first)

    def _stage(self, epoch: int) -> int:
        return self.curriculum.at(epoch).index if self.curriculum.stages else 0


def without_empty(stage: Stage, problems: Sequence[Problem], optional: Collection[str]) -> Stage:
    """The stage without those `optional` strata that hold no problems; unchanged where no other would remain."""
    there = {str(problem.meta.get("stratum")) for problem in problems}
    kept = {name: weight for name, weight in stage.strata.items() if name in there or name not in optional}
    return replace(stage, strata=kept) if kept else stage


def pools_of(stage: Stage, problems: Sequence[Problem]) -> list[Pool]:
    """The pools that a stage draws from: one per source, per stratum, or per stratum of each source.

    Raises:
        ValueError: The stage names a source or stratum without problems, or there is no problem at all.
    """
    if not problems:
        raise ValueError(f"data.stages: stage {stage.name!r} has no problems to draw from; data.train holds none")
    if not stage.sources and not stage.strata:
        return [Pool(range(len(problems)))]
    places: dict[tuple[str | None, str | None], list[int]] = {}
    for index, problem in enumerate(problems):
        source = problem.source if stage.sources else None
        stratum = str(problem.meta["stratum"]) if stage.strata and "stratum" in problem.meta else None
        places.setdefault((source, stratum), []).append(index)
    sources, strata = _weights(stage.sources), _weights(stage.strata)
    found = {key for key in places if key[0] in sources and key[1] in strata}
    for name in stage.strata.keys() - {stratum for _, stratum in found}:
        raise _empty(stage, "stratum", name, {stratum for source, stratum in places if stratum and source in sources})
    for name in stage.sources.keys() - {source for source, _ in found}:
        raise _empty(stage, "source", name, {source for source, stratum in places if source and stratum in strata})
    return [
        Pool(places[source, stratum], sources[source] * strata[stratum])
        for source in sources
        for stratum in strata
        if (source, stratum) in found
    ]


def _weights(given: Mapping[str, float]) -> dict[str | None, float]:
    return dict(given) or {None: 1.0}


def _empty(stage: Stage, what: str, name: str, there: set[str]) -> ValueError:
    held = f"there are {', '.join(sorted(there))}" if there else NO_STRATA
    return ValueError(f"data.stages: stage {stage.name!r} draws from {what} {name!r}, which holds no problems; {held}")

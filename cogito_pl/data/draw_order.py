"""Weighted draws from several pools of problems: a pure function of (seed, stage, draw number)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from cogito_pl.data.curriculum import Stage, first_epoch, stage_at
from cogito_pl.data.loading import Draw
from cogito_pl.problem import Problem
from cogito_pl.seeds import digest

NO_STRATA = "no problem has a value in the column `stratum`; add one, or name scores as data.strata"


@dataclass(frozen=True)
class Pool:
    """Problems that are drawn alike.

    Args:
        indices: Their places in the data.
        weight: How often one of them is drawn, against the weights of other pools.
    """

    indices: Sequence[int]
    weight: float = 1.0


class Mixture:
    """The draws of one stage, numbered from the start of the run.

    The n-th draw of the stage takes from the pool that lags most behind its share: the first with the largest
    n w_k - d_k, where w_k is the pool's share of the weights and d_k what was drawn from it. Every stretch of draws,
    and so every batch, holds the proportions to about one draw per pool. Within a pool, every pass is a permutation of
    its own. The first pool of the first stage has the order of a run without stages.

    Args:
        pools: At least one, none empty.
        seed: Of the run.
        stage: Number of the stage, which is shuffled unlike any other.
        first: Number of the stage's first draw.
    """

    def __init__(self, pools: Sequence[Pool], *, seed: int, stage: int, first: int) -> None:
        self.pools, self.stage, self.first = pools, stage, first
        total = sum(pool.weight for pool in pools)
        self.shares = [pool.weight / total for pool in pools]
        self.seeds = [stream(seed, stage, number) for number in range(len(pools))]
        self._drawn = [0] * len(pools)
        self._places: list[tuple[int, int]] = []

    def __call__(self, number: int) -> Draw:
        """The problem that draw `number` takes."""
        pool, place = self._place(number - self.first)
        indices = self.pools[pool].indices
        turn, place = divmod(place, len(indices))
        return Draw(number, indices[permutation(self.seeds[pool], len(indices), turn)[place]])

    def _place(self, number: int) -> tuple[int, int]:
        """The pool of the stage's draw `number`, and how much was drawn from it before."""
        if len(self.pools) == 1:
            return 0, number
        while len(self._places) <= number:
            count = len(self._places) + 1
            lags = [count * share - drawn for share, drawn in zip(self.shares, self._drawn, strict=True)]
            pool = lags.index(max(lags))
            self._places.append((pool, self._drawn[pool]))
            self._drawn[pool] += 1
        return self._places[number]


@lru_cache(maxsize=256)
def permutation(seed: int, size: int, turn: int) -> list[int]:
    """The order of one pass over `size` problems."""
    generator = torch.Generator().manual_seed((seed * 1_000_003 + turn) % 2**63)
    return torch.randperm(size, generator=generator).tolist()


def stream(seed: int, stage: int, pool: int) -> int:
    """The seed of a pool's permutations; the run's own for the first pool of the first stage."""
    if (stage, pool) == (0, 0):
        return seed
    return int(digest(repr((seed, stage, pool)), 7), 16)


def pools_of(stage: Stage, problems: Sequence[Problem]) -> list[Pool]:
    """The pools that a stage draws from: a source, a stratum, or a stratum of a source each.

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
        _refuse(stage, "stratum", name, {stratum for source, stratum in places if stratum and source in sources})
    for name in stage.sources.keys() - {source for source, _ in found}:
        _refuse(stage, "source", name, {source for source, stratum in places if source and stratum in strata})
    return [
        Pool(places[source, stratum], sources[source] * strata[stratum])
        for source in sources
        for stratum in strata
        if (source, stratum) in found
    ]


def _weights(given: Mapping[str, float]) -> dict[str | None, float]:
    return dict(given) or {None: 1.0}


def _refuse(stage: Stage, what: str, name: str, there: set[str]) -> None:
    held = f"there are {', '.join(sorted(there))}" if there else NO_STRATA
    raise ValueError(f"data.stages: stage {stage.name!r} draws from {what} {name!r}, which holds no problems; {held}")


class Plan:
    """The draws of a run. A run without stages is one stage over all problems that never ends.

    Args:
        problems: All problems to learn from.
        stages: The curriculum; may be empty.
        seed: Of the order.
        prompts: Prompts of a batch, over all ranks.
        rollouts: Prompt batches of an epoch whose stage does not say; once through its problems when None.

    Raises:
        ValueError: A stage draws from what holds no problems.
    """

    def __init__(
        self, problems: Sequence[Problem], stages: Sequence[Stage], *, seed: int, prompts: int, rollouts: int | None
    ) -> None:
        self.stages, self.seed, self.prompts = tuple(stages), seed, prompts
        self.pools = [pools_of(stage, problems) for stage in stages] or [[Pool(range(len(problems)))]]
        given = [stage.rollouts_per_epoch for stage in stages] or [None]
        once = [max(1, sum(len(pool.indices) for pool in pools) // prompts) for pools in self.pools]
        self.rollouts = [mine or rollouts or all_of_it for mine, all_of_it in zip(given, once, strict=True)]
        self._mixture: Mixture | None = None

    def rollouts_in(self, epoch: int, ended: Mapping[str, int]) -> int:
        """Prompt batches of `epoch`; `ended` holds the epochs that stages which ended early took."""
        return self.rollouts[self._index(epoch, ended)]

    def rollouts_before(self, epoch: int, ended: Mapping[str, int]) -> int:
        """Prompt batches of all epochs before `epoch`."""
        if not self.stages:
            return epoch * self.rollouts[0]
        return sum(self.rollouts_in(earlier, ended) for earlier in range(epoch))

    def order(self, epoch: int, ended: Mapping[str, int]) -> Mixture:
        """Which problem a draw of `epoch` takes."""
        index = self._index(epoch, ended)
        first = self.rollouts_before(first_epoch(index, self.stages, ended), ended) * self.prompts
        kept = self._mixture
        if kept is None or (kept.stage, kept.first) != (index, first):
            kept = self._mixture = Mixture(self.pools[index], seed=self.seed, stage=index, first=first)
        return kept

    def _index(self, epoch: int, ended: Mapping[str, int]) -> int:
        return stage_at(epoch, self.stages, ended).index if self.stages else 0

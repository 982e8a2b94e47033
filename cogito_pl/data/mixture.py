"""Weighted draws from several pools of problems: a pure function of (seed, stage, draw number)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from cogito_pl.data.curriculum import Stage
from cogito_pl.data.problem import Problem
from cogito_pl.data.samplers import Draw

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
    return int.from_bytes(hashlib.blake2b(repr((seed, stage, pool)).encode(), digest_size=7).digest())


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

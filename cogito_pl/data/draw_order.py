"""Which problem every draw takes: the protocol of a draw order, and the default, weighted draws from pools.

Draws are numbered from the start of the run, over all ranks and epochs. `data.draw_order` names the class:

    data:
      draw_order: {class_path: my_package.FailedFirst, init_args: {share: 0.5}}
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from cogito_pl.problem import Problem
from cogito_pl.seeds import digest


@dataclass(frozen=True)
class Pool:
    """Problems that are drawn with the same weight.

    Args:
        indices: Their places in the data.
        weight: How often the pool is drawn from, relative to the weights of the other pools.
    """

    indices: Sequence[int]
    weight: float = 1.0


@dataclass(frozen=True)
class DrawContext:
    """What a draw order is made for: one stage of a run.

    Args:
        problems: All problems to train on. An order draws their indices.
        pools: The problems of the stage with their weights; at least one pool, none empty.
        seed: Of this stream of draws: the run's own, or that of a refill.
        stage: Number of the stage, from 0.
        first: Number of the stage's first draw.
    """

    problems: Sequence[Problem]
    pools: Sequence[Pool]
    seed: int
    stage: int
    first: int


@dataclass(frozen=True)
class DrawOutcome:
    """The outcome of a draw: what its group of completions achieved.

    Args:
        number: Number of the draw.
        index: The problem's place in the data.
        accuracy: Share of correct completions.
        reward: Mean total reward of the completions.
        stage: Name of the stage; empty without stages.
        attempt: 0 for the draw itself, else the refill that drew a fresh problem in its place.
    """

    number: int
    index: int
    accuracy: float
    reward: float
    stage: str = ""
    attempt: int = 0


class DrawOrder(ABC):
    """Decides which problem every draw of a stage takes.

    Subclasses are constructed with a `DrawContext` as first argument, followed by the `init_args` of the YAML; every
    stage has an instance of its own. All ranks make the same calls, so an order that depends on its arguments, its
    calls and `context.seed` alone draws the same on any number of ranks.
    """

    @abstractmethod
    def __call__(self, number: int) -> int:
        """The index of the problem that draw `number` takes.

        Numbers are asked for in ascending order, each once per run; a resumed run asks for those that follow. The
        draws of a rollout are asked for after the outcomes of all earlier rollouts were observed. The instance of a
        refill is asked for the prompt batches that it refills only.
        """

    def observe(self, outcomes: Sequence[DrawOutcome]) -> None:  # noqa: B027  optional
        """Takes the outcomes of one rollout, of all ranks, ordered by attempt and draw; called once per rollout."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs in order to draw the same: tensors and plain Python only."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027  optional
        """Restores what `state_dict` returned."""


class Mixture(DrawOrder):
    """Weighted draws from the pools: a pure function of seed, stage and draw number.

    The n-th draw of the stage takes from the pool that lags most behind its share: the first with the largest
    n w_k - d_k, where w_k is the pool's share of the weights and d_k the number of draws from it so far. Every stretch
    of draws, and so every batch, holds the proportions to about one draw per pool. Within a pool, every pass is a
    permutation of its own.

    Args:
        context: The stage. Each is shuffled differently; the first pool of the first stage has the order of a run
            without stages.
    """

    def __init__(self, context: DrawContext) -> None:
        self.pools, self.first = context.pools, context.first
        total = sum(pool.weight for pool in self.pools)
        self.shares = [pool.weight / total for pool in self.pools]
        self.seeds = [pool_seed(context.seed, context.stage, number) for number in range(len(self.pools))]
        self._drawn = [0] * len(self.pools)
        self._places: list[tuple[int, int]] = []

    def __call__(self, number: int) -> int:
        """The index of the problem that draw `number` takes; draws may be asked for in any order."""
        pool, place = self._place(number - self.first)
        indices = self.pools[pool].indices
        turn, place = divmod(place, len(indices))
        return indices[permutation(self.seeds[pool], len(indices), turn)[place]]

    def _place(self, number: int) -> tuple[int, int]:
        """The pool of the stage's draw `number`, and how many draws it had before."""
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
    """The order of pass number `turn` over `size` problems."""
    generator = torch.Generator().manual_seed((seed * 1_000_003 + turn) % 2**63)
    return torch.randperm(size, generator=generator).tolist()


def pool_seed(seed: int, stage: int, pool: int) -> int:
    """The seed of a pool's permutations; the stream's own for the first pool of the first stage."""
    if (stage, pool) == (0, 0):
        return seed
    return int(digest(repr((seed, stage, pool)), 7), 16)

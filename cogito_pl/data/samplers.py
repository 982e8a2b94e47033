"""The order of problems: a pure function of (seed, draw number).

A draw number counts the prompts drawn since the start of the run, over all ranks and epochs. Which problem it draws
depends on the seed and the number alone: not on ranks, workers, prefetching or where a run was resumed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch.utils.data import Sampler


@dataclass(frozen=True)
class Draw:
    """Draw `number` takes the problem at `index`."""

    number: int
    index: int


def draw(seed: int, size: int, number: int) -> Draw:
    """The problem that draw `number` takes out of `size`: every pass over the data is a permutation of its own."""
    turn, place = divmod(number, size)
    return Draw(number, _permutation(seed, size, turn)[place])


@lru_cache(maxsize=4)
def _permutation(seed: int, size: int, turn: int) -> list[int]:
    generator = torch.Generator().manual_seed((seed * 1_000_003 + turn) % 2**63)
    return torch.randperm(size, generator=generator).tolist()


class RolloutSampler(Sampler[list[Draw]]):
    """One epoch of training: each prompt batch comes once for every micro-batch slot of its rollout.

    The module samples at the first of these slots and keeps the rollout for the others.

    Args:
        size: Number of problems.
        rollouts: Prompt batches in an epoch.
        prompts: Prompts of a batch, over all ranks.
        repeats: Micro-batch slots of a rollout.
        seed: Of the order.
        epoch: Which epoch this is, from 0.
        rank: This process.
        world: Number of processes.
    """

    def __init__(
        self, *, size: int, rollouts: int, prompts: int, repeats: int, seed: int, epoch: int, rank: int, world: int
    ) -> None:
        self.size, self.rollouts, self.prompts, self.repeats = size, rollouts, prompts, repeats
        self.seed, self.epoch, self.rank, self.world = seed, epoch, rank, world

    def __len__(self) -> int:
        return self.rollouts * self.repeats

    def __iter__(self) -> Iterator[list[Draw]]:
        for rollout in range(self.epoch * self.rollouts, (self.epoch + 1) * self.rollouts):
            share = self.prompts // self.world
            first = rollout * self.prompts + self.rank * share
            mine = [draw(self.seed, self.size, number) for number in range(first, first + share)]
            for _ in range(self.repeats):
                yield mine


class InOrderSampler(Sampler[list[Draw]]):
    """Every problem once, in order, shared out over the ranks without repeats; every rank gets as many batches.

    Args:
        size: Number of problems.
        batch: Problems of a batch on one rank.
        rank: This process.
        world: Number of processes.
    """

    def __init__(self, *, size: int, batch: int, rank: int, world: int) -> None:
        self.size, self.batch, self.rank, self.world = size, batch, rank, world

    def __len__(self) -> int:
        return -(-self.size // (self.batch * self.world))

    def __iter__(self) -> Iterator[list[Draw]]:
        mine = [Draw(index, index) for index in range(self.rank, self.size, self.world)]
        for start in range(0, len(self) * self.batch, self.batch):
            yield mine[start : start + self.batch]

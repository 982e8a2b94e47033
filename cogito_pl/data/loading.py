"""Batches of draws: which prompts a rank gets, and when."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch.utils.data import Dataset, Sampler
from torchdata.stateful_dataloader import StatefulDataLoader

from cogito_pl.problem import Problem


@dataclass(frozen=True)
class Draw:
    """Draw `number` takes the problem at `index`."""

    number: int
    index: int


class RolloutSampler(Sampler[list[Draw]]):
    """One epoch of training: each prompt batch comes once for every micro-batch slot of its rollout.

    The module samples at the first of these slots and keeps the rollout for the others. A prompt batch is drawn when
    its first slot is asked for, whole, and every rank takes its slice.

    Args:
        draw: Indices of the problems that the draws with the given numbers take.
        first: Prompt batches before this epoch.
        rollouts: Prompt batches in this epoch.
        prompts: Prompts of a batch, over all ranks.
        repeats: Micro-batch slots of a rollout.
        rank: This process.
        world: Number of processes.
    """

    def __init__(
        self,
        *,
        draw: Callable[[Sequence[int]], Sequence[int]],
        first: int,
        rollouts: int,
        prompts: int,
        repeats: int,
        rank: int,
        world: int,
    ) -> None:
        self.draw, self.first, self.rollouts = draw, first, rollouts
        self.prompts, self.repeats, self.rank, self.world = prompts, repeats, rank, world

    def __len__(self) -> int:
        return self.rollouts * self.repeats

    def __iter__(self) -> Iterator[list[Draw]]:
        share = self.prompts // self.world
        for rollout in range(self.first, self.first + self.rollouts):
            numbers = range(rollout * self.prompts, (rollout + 1) * self.prompts)
            draws = [Draw(number, index) for number, index in zip(numbers, self.draw(numbers), strict=True)]
            mine = draws[self.rank * share : (self.rank + 1) * share]
            for _ in range(self.repeats):
                yield mine


class InOrderSampler(Sampler[list[Draw]]):
    """Every problem once, in order, split over the ranks without repeats; every rank gets the same number of batches.

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


@dataclass(frozen=True)
class Batch:
    """Problems with the numbers of the draws that took them."""

    draws: tuple[int, ...]
    problems: tuple[Problem, ...]


class DrawnProblems(Dataset[tuple[int, Problem]]):
    """Problems, looked up by draw."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = problems

    def __len__(self) -> int:
        return len(self.problems)

    def __getitem__(self, draw: Draw) -> tuple[int, Problem]:
        return draw.number, self.problems[draw.index]


def loader(problems: Sequence[Problem], sampler: Sampler[list[Draw]]) -> StatefulDataLoader:
    """Loads batches of draws in this process, each not before it is asked for."""
    return StatefulDataLoader(DrawnProblems(problems), batch_sampler=sampler, collate_fn=collate)


def collate(items: list[tuple[int, Problem]]) -> Batch:
    """Items of a batch, side by side; none for a rank whose share is used up."""
    return Batch(tuple(number for number, _ in items), tuple(problem for _, problem in items))

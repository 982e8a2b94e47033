"""A batch of drawn problems, as it travels from the loader to the module: light, images not yet decoded."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch.utils.data import Dataset

from cogito_pl.data.problem import Problem
from cogito_pl.data.samplers import Draw


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


def collate(items: list[tuple[int, Problem]]) -> Batch:
    """Items of a batch, side by side; none for a rank whose share is used up."""
    return Batch(tuple(number for number, _ in items), tuple(problem for _, problem in items))

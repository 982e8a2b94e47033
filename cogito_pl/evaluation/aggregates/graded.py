"""What all aggregates share: which completion of which problem had which score, over all ranks."""

import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import torch
from torchmetrics import Metric

Meta = Mapping[str, str | int | float | bool]
Scores = Mapping[str, Sequence[float]]
"""Scores of the completions of a problem, in the order of their numbers, by the problem's id."""


class Scored(NamedTuple):
    """A graded completion.

    Args:
        id: Of its problem.
        sample: Its number among the completions of the problem.
        score: 1 if it is correct, 0 if it is wrong or unparsed; between them only where a verifier gives partial
        credit.
    """

    id: str
    sample: int
    score: float


class GradedMetric(Metric):
    """A benchmark's numbers from graded completions.

    The states are sums over a fixed table of problems and samples, so that the values depend neither on the number of
    ranks nor on the order, and a completion that is given twice counts once.

    Args:
        meta: `Problem.meta` of every problem by its id: the same on every rank.
        samples: Completions per problem.

    Raises:
        ValueError: There are no problems.
    """

    full_state_update = False
    higher_is_better = True

    def __init__(self, meta: Mapping[str, Meta], samples: int = 1) -> None:
        super().__init__()
        if not meta or samples < 1:
            raise ValueError(f"{len(meta)} problems with {samples} samples leave nothing to sum up; give at least one")
        self.meta, self.samples = dict(meta), samples
        self.ids = sorted(self.meta)
        self._places = {name: place for place, name in enumerate(self.ids)}
        for state in ("total", "count"):  # [problems, samples]
            empty = torch.zeros(len(self.ids), samples, dtype=torch.float64)
            self.add_state(state, empty, dist_reduce_fx="sum")

    def update(self, scored: Iterable[Scored]) -> None:
        """Adds completions.

        Args:
            scored: Of this rank, in any order.

        Raises:
            ValueError: A problem or a sample is not one of this benchmark.
        """
        for one in scored:
            place = self._places.get(one.id)
            if place is None or not 0 <= one.sample < self.samples:
                raise ValueError(
                    f"sample {one.sample} of problem {one.id!r} is not one of {len(self.ids)} problems with "
                    f"{self.samples} samples; give the problems and the number of samples of the same run"
                )
            self.total[place, one.sample] += one.score
            self.count[place, one.sample] += 1

    def compute(self) -> dict[str, float]:
        """The benchmark's numbers, and how many problems they are of (`n`) and how many have no verdict (`missing`)."""
        mean = (self.total / self.count).cpu()  # NaN where there is no verdict
        rows = {name: row[~row.isnan()].tolist() for name, row in zip(self.ids, mean, strict=True)}
        graded = {name: scores for name, scores in rows.items() if scores}
        values = self.values(graded) if graded else {}
        return values | {"n": float(len(graded)), "missing": float(len(rows) - len(graded))}

    @abstractmethod
    def values(self, graded: Scores) -> dict[str, float]:
        """The numbers by name, from the problems that have a verdict."""


def accuracy(graded: Scores, ids: Iterable[str] | None = None) -> float:
    """Mean over problems of the mean score of their completions."""
    return fmean(fmean(graded[name]) for name in (graded if ids is None else ids))


def grouped(graded: Scores, meta: Mapping[str, Meta], *columns: str) -> dict[Any, list[str]]:
    """Ids of the graded problems by their values of `columns`, sorted; problems that lack one are in no group."""
    groups: dict[Any, list[str]] = {}
    for name in graded:
        if all(column in meta[name] for column in columns):
            groups.setdefault(tuple(meta[name][column] for column in columns), []).append(name)
    return dict(sorted(groups.items(), key=lambda group: tuple(map(str, group[0]))))


def key(*parts: Any) -> str:
    """Name of a value for loggers: `key("version", "Text Lite")` is `version/text_lite`."""
    return "/".join(re.sub(r"\W+", "_", str(part)).strip("_").lower() for part in parts)

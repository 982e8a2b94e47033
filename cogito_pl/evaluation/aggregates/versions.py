"""The mean over the versions of a benchmark, and each of them."""

from collections.abc import Mapping
from statistics import fmean

from cogito_pl.evaluation.aggregates.graded import GradedMetric, Meta, Scores, accuracy, grouped, key


class MeanOfVersions(GradedMetric):
    """Macro average: mean over versions of the accuracy within each. Micro and macro agree where sizes are equal.

    Args:
        meta: See `GradedMetric`.
        samples: See `GradedMetric`.
        column: Entry of `meta` that names the version.
    """

    def __init__(self, meta: Mapping[str, Meta], samples: int = 1, column: str = "version") -> None:
        super().__init__(meta, samples)
        self.column = column

    def values(self, graded: Scores) -> dict[str, float]:
        """`accuracy`, the mean, and `<column>/<value>` for every version."""
        groups = grouped(graded, self.meta, self.column)
        versions = {key(self.column, value): accuracy(graded, ids) for (value,), ids in groups.items()}
        return {"accuracy": fmean(versions.values())} | versions

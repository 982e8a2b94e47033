"""Accuracy, and the accuracy of every category."""

from collections.abc import Mapping, Sequence

from cogito_pl.evaluation.aggregates.graded import GradedMetric, Meta, Scores, accuracy, grouped, key


class ByCategory(GradedMetric):
    """Micro average over problems: sum of scores / number of problems; and the same within categories.

    Args:
        meta: See `GradedMetric`.
        samples: See `GradedMetric`.
        columns: Entries of `meta` that are categories; each value has a number of its own.
        headline: Name of the average.
    """

    def __init__(
        self, meta: Mapping[str, Meta], samples: int = 1, columns: Sequence[str] = (), headline: str = "accuracy"
    ) -> None:
        super().__init__(meta, samples)
        self.columns, self.headline = tuple(columns), headline

    def values(self, graded: Scores) -> dict[str, float]:
        """`accuracy`, and `<column>/<value>` for every category."""
        parts = {
            key(column, value): accuracy(graded, ids)
            for column in self.columns
            for (value,), ids in grouped(graded, self.meta, column).items()
        }
        return {self.headline: accuracy(graded)} | parts

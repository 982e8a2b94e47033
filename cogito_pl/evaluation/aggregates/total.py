"""The sum of points (OCRBench)."""

from statistics import fmean

from cogito_pl.evaluation.aggregates.graded import GradedMetric, Scores, accuracy, grouped, key


class Total(GradedMetric):
    """Points: one for every correct answer, in all and by `meta["type"]`; OCRBench has 1000 problems."""

    def values(self, graded: Scores) -> dict[str, float]:
        """`score`, `score/<type>` and `accuracy`."""
        groups = {("score",): list(graded)} | {
            ("score", value): ids for (value,), ids in grouped(graded, self.meta, "type").items()
        }
        return {key(*name): sum(fmean(graded[one]) for one in ids) for name, ids in groups.items()} | {
            "accuracy": accuracy(graded)
        }

"""Average and worst case over the variants of a question (DynaMath)."""

from collections.abc import Mapping
from statistics import fmean

from cogito_pl.evaluation.aggregates.graded import GradedMetric, Meta, Scores, accuracy, grouped


class OverVariants(GradedMetric):
    """How a model does on questions that are asked in several variants, by `meta["seed"]`.

    With the score s(q, v) of variant v of question q, Q questions and V variants:
    average = sum s / (Q V), worst = 1/Q sum_q min_v s(q, v), robustness = worst / average.

    Args:
        meta: See `GradedMetric`.
        samples: See `GradedMetric`.
        variants: V. Questions with fewer verdicts are left out of `worst` and `robustness`, and counted.
    """

    def __init__(self, meta: Mapping[str, Meta], samples: int = 1, variants: int = 10) -> None:
        super().__init__(meta, samples)
        self.variants = variants

    def values(self, graded: Scores) -> dict[str, float]:
        """`average`, `worst`, `robustness`, and the number of questions that are not complete."""
        questions = grouped(graded, self.meta, "seed").values()
        whole = [ids for ids in questions if len(ids) == self.variants]
        found = {"average": accuracy(graded), "incomplete_questions": float(len(questions) - len(whole))}
        if whole:
            found["worst"] = fmean(min(fmean(graded[name]) for name in ids) for ids in whole)
            average = fmean(accuracy(graded, ids) for ids in whole)
            found["robustness"] = found["worst"] / average if average else 0.0
        return found

"""Accuracy of questions, of figures and of question pairs (HallusionBench)."""

from statistics import fmean

from cogito_pl.evaluation.aggregates.graded import GradedMetric, Scores, accuracy, grouped


class AllOfGroup(GradedMetric):
    """HallusionBench's three accuracies.

    aAcc = mean over questions; fAcc, qAcc = share of the groups with one `meta["figure"]`, or one `meta["pair"]`, of
    which every question is correct. `score` is the mean of the three, as leaderboards print it.

    A group whose problems lack a verdict is judged by the others.
    """

    def values(self, graded: Scores) -> dict[str, float]:
        """`aacc`, `facc`, `qacc` and `score`."""
        found = {"aacc": accuracy(graded)}
        for name, column in (("facc", "figure"), ("qacc", "pair")):
            groups = grouped(graded, self.meta, column).values()
            found[name] = fmean(float(all(min(graded[one]) == 1 for one in ids)) for ids in groups)
        return found | {"score": fmean(found.values())}

"""We-Math's four dimensions: whether a composite problem is solved, against whether its steps are."""

from collections import Counter
from collections.abc import Iterable
from statistics import fmean
from typing import NamedTuple

from cogito_pl.evaluation.aggregates.graded import GradedMetric, Scores, accuracy, grouped


class Composite(NamedTuple):
    """A composite problem: whether each of its steps is solved, and whether the whole is."""

    steps: tuple[bool, ...]
    whole: bool


def four_dimensions(composites: Iterable[Composite]) -> dict[str, float]:
    """Shares of the four dimensions, and the scores.

    With S = all steps solved, A = any step solved, M = the whole solved: insufficient knowledge IK = not S and not M,
    inadequate generalisation IG = S and not M; strict: complete mastery CM = S and M, rote memorisation RM = not S and
    M; loose: CM = A and M, RM = not A and M. Over N composites, score = (N - IG/2 - RM - IK) / N, which is
    (CM + IG/2) / N in the strict count. RM rate = RM / (CM + RM), 0 where nothing is solved (the official code fails
    there).

    Source: the official script `four_dimensional_metrics.py` of We-Math/We-Math.
    """
    counts = Counter[str]()
    for steps, whole in composites:
        counts["n"] += 1
        if not whole:
            counts["ig" if all(steps) else "ik"] += 1
        else:
            counts["strict_cm" if all(steps) else "strict_rm"] += 1
            counts["loose_cm" if any(steps) else "loose_rm"] += 1
    n = counts["n"]
    found = {name: counts[name] / n for name in ("ik", "ig")}
    for count in ("strict", "loose"):
        mastered, memorised = counts[f"{count}_cm"], counts[f"{count}_rm"]
        found |= {f"{count}_cm": mastered / n, f"{count}_rm": memorised / n}
        found[count] = (n - counts["ig"] / 2 - memorised - counts["ik"]) / n
        found[f"{count}_rm_rate"] = memorised / (mastered + memorised) if mastered + memorised else 0.0
    return found


class FourDimensions(GradedMetric):
    """We-Math's scores. A problem is a step of `meta["composite"]`, or the whole of it (`meta["role"]` is "multi").

    A problem counts as solved where the mean score of its completions is above one half. Composites of which one of
    `meta["parts"]` steps or the whole lacks a verdict are left out, and counted. Equations: `four_dimensions`.
    """

    def values(self, graded: Scores) -> dict[str, float]:
        """The dimensions, `strict` and `loose`, and `s1` to `s3`: the accuracy of problems by `meta["steps"]`."""
        composites = [self._composite(graded, ids) for ids in grouped(graded, self.meta, "composite").values()]
        complete = [composite for composite in composites if composite is not None]
        found = {"incomplete_composites": float(len(composites) - len(complete))}
        for (steps,), ids in grouped(graded, self.meta, "steps").items():
            found[f"s{steps}"] = accuracy(graded, ids)
        return (found | four_dimensions(complete)) if complete else found

    def _composite(self, graded: Scores, ids: list[str]) -> Composite | None:
        solved = {self.meta[name]["role"]: fmean(graded[name]) > 0.5 for name in ids}
        steps = tuple(solved[role] for role in sorted(solved.keys() - {"multi"}))
        wanted = int(self.meta[ids[0]]["parts"])
        return Composite(steps, solved["multi"]) if "multi" in solved and len(steps) == wanted else None

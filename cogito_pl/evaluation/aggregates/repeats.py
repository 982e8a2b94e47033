"""avg@k and pass@k over several completions of every problem (AIME)."""

from math import comb
from statistics import fmean

from cogito_pl.evaluation.aggregates.graded import GradedMetric, Scores


def pass_at_k(n: int, c: int, k: int) -> float:
    """Unbiased estimate that one of k completions is correct, of n of which c are: 1 - C(n - c, k) / C(n, k).

    Source: Chen et al. 2021, arXiv 2107.03374.

    Raises:
        ValueError: There are fewer than k completions.
    """
    if not 1 <= k <= n:
        raise ValueError(f"pass@{k} cannot be estimated from {n} completions; take 1 to {n}")
    return 1 - comb(n - c, k) / comb(n, k)


class Repeats(GradedMetric):
    """avg@k, the mean over problems of the share of correct completions, and pass@k for k = 1, 2, 4, ... and all.

    pass@k is over the problems with a verdict on at least k completions.
    """

    def values(self, graded: Scores) -> dict[str, float]:
        """`avg@<samples>` and `pass@<k>`."""
        wanted = sorted({2**power for power in range(self.samples.bit_length())} | {self.samples})
        found = {f"avg@{self.samples}": fmean(fmean(scores) for scores in graded.values())}
        for k in wanted:
            rows = [scores for scores in graded.values() if len(scores) >= k]
            if rows:
                found[f"pass@{k}"] = fmean(pass_at_k(len(row), sum(score == 1 for score in row), k) for row in rows)
        return found

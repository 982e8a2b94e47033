"""`ablation.json`: from the graded completions and costs of all runs to what the table and the image show.

Knows rows and numbers; nothing of how a run is made. Shares are 0 to 1, intervals `[low, high]` at 95%.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from cogito_pl.quickstart.statistics import mean_interval, paired_difference, wilson
from cogito_pl.quickstart.summary import counted, grouped, share

PAIRS = ("both", "won", "lost", "neither")
"""Test problems that an arm and the plain recipe solve, that only the arm solves, only the plain recipe, or none."""


def measured(rows: list[dict]) -> dict:
    """What one model achieves on the test problems of its seed."""
    verdicts = counted(rows)
    return {
        "n": len(rows),
        "right": verdicts["right"],
        "accuracy": share(rows),
        "unparsed": verdicts["unparsed"] / len(rows),
        "truncated": fmean(not row["finished"] for row in rows),
        "tokens_per_answer": fmean(row["tokens"] for row in rows),
        **{
            f"by_{name}": {
                key: {"n": len(own), "right": counted(own)["right"], "accuracy": share(own)}
                for key, own in grouped(rows, [str(row["meta"][name]) for row in rows]).items()
            }
            for name in ("family", "difficulty")
        },
    }


def paired(rows: list[dict], plain: list[dict]) -> dict:
    """How one model does against the plain recipe's of the same seed, on the same problems in the same order."""
    pairs = Counter(
        (own["verdict"] == "right", other["verdict"] == "right") for own, other in zip(rows, plain, strict=True)
    )
    both, won, lost, neither = (pairs[key] for key in ((True, True), (True, False), (False, True), (False, False)))
    return {"estimate": (won - lost) / len(rows), "both": both, "won": won, "lost": lost, "neither": neither}


def over_seeds(results: Sequence[Mapping]) -> dict:
    """One arm over all its seeds, from what `measured` and `paired` (as `difference`) say of each.

    Returns:
        `accuracy`, the mean of the seeds, with `accuracy_ci` over the pooled problems (Wilson); `tokens_per_answer`;
        `cpu_s` of the fits, their mean, where there are any; and where there is anything to compare with,
        `difference`: the mean `estimate` with `ci_problems` over the pooled problems (Newcombe) and `ci_seeds` over the
        estimates of the seeds (Student), null with fewer than two. Without results, nothing.
    """
    if not results:
        return {}
    right, count = sum(result["right"] for result in results), sum(result["n"] for result in results)
    summary = {
        "accuracy": fmean(result["accuracy"] for result in results),
        "accuracy_ci": list(wilson(right, count)),
        "tokens_per_answer": fmean(result["tokens_per_answer"] for result in results),
    }
    if all("cost" in result for result in results):
        summary["cpu_s"] = fmean(result["cost"]["cpu_s"] for result in results)
    if differences := [result["difference"] for result in results if "difference" in result]:
        estimates = [difference["estimate"] for difference in differences]
        both, won, lost, neither = (sum(difference[name] for difference in differences) for name in PAIRS)
        summary["difference"] = {
            "estimate": fmean(estimates),
            "ci_problems": list(paired_difference(both, won, lost, neither)[1:]),
            "ci_seeds": list(mean_interval(estimates)[1:]) if len(estimates) > 1 else None,
            "won": won,
            "lost": lost,
        }
    return summary

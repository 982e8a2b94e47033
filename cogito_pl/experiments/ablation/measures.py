"""What arms achieve on the test problems, per seed and over seeds, from graded completions.

Shares are 0 to 1, intervals `[low, high]` at 95%.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean

from cogito_pl.experiments.graded import PAIRS, Samples, counted, group_of, grouped, paired, share
from cogito_pl.experiments.intervals import mean_interval, paired_difference, wilson

Scores = Mapping[int, Sequence[float]]
"""Per seed, the share of correct completions of every problem."""


def measured(samples: Samples, by: Sequence[str] = ()) -> dict:
    """What one model achieves on the test problems of its seed.

    Args:
        samples: Of every test problem.
        by: Columns to break the accuracy down by.

    Returns:
        `n` completions, `samples` of every problem, `correct` ones, `accuracy`; the shares `unparsed` and `truncated`;
        `tokens_per_answer`; `by_<column>` with `n`, `correct` and `accuracy` of each of its values.
    """
    rows = [row for own in samples for row in own]
    verdicts = counted(rows)
    return {
        "n": len(rows),
        "samples": len(samples),
        "correct": verdicts["right"],
        "accuracy": share(rows),
        "unparsed": verdicts["unparsed"] / len(rows),
        "truncated": fmean(not row["finished"] for row in rows),
        "tokens_per_answer": fmean(row["tokens"] for row in rows),
        **{
            f"by_{name}": {
                key: {"n": len(own), "correct": counted(own)["right"], "accuracy": share(own)}
                for key, own in grouped(rows, [group_of(row, name) for row in rows]).items()
            }
            for name in by
        },
    }


def compared(samples: Samples, plain: Samples) -> dict:
    """One model against that of the plain recipe of the same seed, completion by completion of the same problems."""
    rows, others = ([row for own in each for row in own] for each in (samples, plain))
    pairs = paired(rows, others)
    return {"estimate": (pairs["won"] - pairs["lost"]) / len(rows), **pairs}


def over_seeds(
    results: Sequence[Mapping],
    scores: Scores | None = None,
    plain: Scores | None = None,
    *,
    same_test: bool = False,
) -> dict:
    """One arm over all its seeds, from what `measured` and `compared` (as `difference`) returned for each.

    Args:
        results: Of the seeds that are done.
        scores: Of the arm; needed where a problem has several completions, of samples or of seeds.
        plain: Of the plain recipe.
        same_test: Whether all seeds share their test problems.

    Returns:
        `accuracy`, the mean of the seeds, with `accuracy_ci` over problems; `greedy`, `area` and `tokens_per_answer`,
        means; `cpu_s` of the fits, their mean, where there are any; and where there is anything to compare with,
        `difference`: the mean `estimate` with `ci_problems`, and `ci_seeds` over the estimates of the seeds (Student),
        null with fewer than two; `won` and `lost` completions; `area`, the difference of the areas, with `ci_seeds`.
        Intervals over problems are those of Wilson and Newcombe where a problem has one completion; else Student's, of
        the means of at least two problems. Without results, nothing.
    """
    if not results:
        return {}
    clustered = scores is not None and (same_test or results[0]["samples"] > 1)
    correct, count = sum(result["correct"] for result in results), sum(result["n"] for result in results)
    interval = list(wilson(correct, count))
    if clustered and (ends := problem_interval(scores, same_test=same_test)):
        interval = [max(0.0, ends[0]), min(1.0, ends[1])]
    summary = {
        "accuracy": fmean(result["accuracy"] for result in results),
        "accuracy_ci": interval,
        "tokens_per_answer": fmean(result["tokens_per_answer"] for result in results),
    }
    for name in ("greedy", "area"):
        if all(name in result for result in results):
            summary[name] = fmean(result[name] for result in results)
    if all("cost" in result for result in results):
        summary["cpu_s"] = fmean(result["cost"]["cpu_s"] for result in results)
    if differences := [result["difference"] for result in results if "difference" in result]:
        both, won, lost, neither = (sum(difference[name] for difference in differences) for name in PAIRS)
        ends = problem_interval(gains(scores, plain), same_test=same_test) if clustered else None
        summary["difference"] = seed_mean([difference["estimate"] for difference in differences]) | {
            "ci_problems": ends or list(paired_difference(both, won, lost, neither)[1:]),
            "won": won,
            "lost": lost,
        }
        if all("area" in difference for difference in differences):
            summary["difference"]["area"] = seed_mean([difference["area"] for difference in differences])
    return summary


def seed_mean(estimates: Sequence[float]) -> dict:
    """Mean of one value per seed, with Student's interval; null with fewer than two."""
    return {
        "estimate": fmean(estimates),
        "ci_seeds": list(mean_interval(estimates)[1:]) if len(estimates) > 1 else None,
    }


def gains(scores: Scores, plain: Scores) -> Scores:
    """Per seed and problem, how much more is correct than with the plain recipe."""
    return {
        seed: [one - other for one, other in zip(own, plain[seed], strict=True)]
        for seed, own in scores.items()
        if seed in plain
    }


def problem_interval(values: Scores, *, same_test: bool) -> list[float] | None:
    """Student's interval of the mean over problems; null with fewer than two problems.

    Args:
        values: One per seed and problem.
        same_test: Whether the seeds share their problems, which are then as many as those of one seed.
    """
    seeds = list(values.values())
    each = list(map(fmean, zip(*seeds, strict=True))) if same_test else [value for own in seeds for value in own]
    return list(mean_interval(each)[1:]) if len(each) > 1 else None


def area(curve: Sequence[tuple[float, float]]) -> float:
    """Mean height of a learning curve: its area (trapezoids) by its width; of a single point, its value.

    Args:
        curve: Pairs of update and value, by update; at least one.
    """
    if len(curve) == 1:
        return curve[0][1]
    whole = sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(curve))
    return whole / (curve[-1][0] - curve[0][0])

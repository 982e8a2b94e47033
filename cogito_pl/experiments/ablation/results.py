"""`ablation.json`: what the runs of an ablation left on disk, per arm and seed and over all seeds.

Shares are 0 to 1, intervals `[low, high]` at 95%.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

from cogito_pl.experiments.ablation.arms import PLAIN, Ablation
from cogito_pl.experiments.ablation.runs import Run
from cogito_pl.experiments.graded import PAIRS, check_same_problems, counted, grouped, paired, read_rows, share
from cogito_pl.experiments.intervals import mean_interval, paired_difference, wilson
from cogito_pl.files import write_json
from cogito_pl.seeds import digest

FILE = "ablation.json"


def results(ablation: Ablation, runs: Iterable[Run], equal: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is known so far, as plain values.

    Args:
        ablation: What was asked for.
        runs: Of all arms and seeds.
        equal: The sizes that all arms share.

    Returns:
        `equal`, `seeds`, `n_test`; `recipe`, the files that hold for all arms; `start`, the start model, and `arms`,
        each with its `seeds` (`state` is done, failed or to do; results only where it is done) and, over them, what
        `over_seeds` returns. An arm has its `overlays` and those of the SFT fit before it (`sft_first`), with text and
        digest, and per seed the `cost` and the `updates` of its fits.
    """
    plain, seeds = {}, {}
    for run in sorted(runs, key=lambda run: run.arm != PLAIN):  # the others are compared with it
        if run.start and not run.arm:  # scores of data, which grade no model
            continue
        rows = graded(run)
        own = seeds.setdefault(run.arm, {})
        if run.failed or not rows:
            own[run.seed] = {"state": "failed", "error": run.failed} if run.failed else {"state": "to do"}
            continue
        own[run.seed] = result = {"state": "done"} | measured(rows)
        if run.arm == PLAIN:
            plain[run.seed] = rows
        elif other := plain.get(run.seed):
            check_same_problems(rows, other, run.plan.folder, f"the arm {PLAIN}")
            result["difference"] = compared(rows, other)
        if run.arm:
            result |= {"cost": asdict(run.cost), "updates": run.updates()}
    return {
        "equal": dict(equal),
        "seeds": list(ablation.seeds),
        "n_test": ablation.study.n_test,
        "recipe": texts(ablation.study.files),
        "start": with_mean(seeds[None]),
        "arms": {
            arm.name: {"overlays": texts(arm.files), "sft_first": texts(arm.sft_first)} | with_mean(seeds[arm.name])
            for arm in ablation.arms
        },
    }


def graded(run: Run) -> list[dict]:
    """The graded completions of a run that is complete; of any other, none."""
    return [] if run.to_do() else read_rows(run.evaluation.folder)


def measured(rows: list[dict]) -> dict:
    """What one model achieves on the test problems of its seed."""
    verdicts = counted(rows)
    return {
        "n": len(rows),
        "correct": verdicts["right"],
        "accuracy": share(rows),
        "unparsed": verdicts["unparsed"] / len(rows),
        "truncated": fmean(not row["finished"] for row in rows),
        "tokens_per_answer": fmean(row["tokens"] for row in rows),
        **{
            f"by_{name}": {
                key: {"n": len(own), "correct": counted(own)["right"], "accuracy": share(own)}
                for key, own in grouped(rows, [str(row["meta"][name]) for row in rows]).items()
            }
            for name in ("family", "difficulty")
        },
    }


def compared(rows: list[dict], plain: list[dict]) -> dict:
    """One model against that of the plain recipe of the same seed, on the same problems in the same order."""
    pairs = paired(rows, plain)
    return {"estimate": (pairs["won"] - pairs["lost"]) / len(rows), **pairs}


def with_mean(seeds: Mapping[int, dict]) -> dict[str, Any]:
    """The results of all seeds, in their order, and over them."""
    done = [result for result in seeds.values() if result["state"] == "done"]
    return over_seeds(done) | {"seeds": {str(seed): result for seed, result in seeds.items()}}


def over_seeds(results: Sequence[Mapping]) -> dict:
    """One arm over all its seeds, from what `measured` and `compared` (as `difference`) returned for each.

    Returns:
        `accuracy`, the mean of the seeds, with `accuracy_ci` over the pooled problems (Wilson); `tokens_per_answer`;
        `cpu_s` of the fits, their mean, where there are any; and where there is anything to compare with,
        `difference`: the mean `estimate` with `ci_problems` over the pooled problems (Newcombe) and `ci_seeds` over the
        estimates of the seeds (Student), null with fewer than two. Without results, nothing.
    """
    if not results:
        return {}
    correct, count = sum(result["correct"] for result in results), sum(result["n"] for result in results)
    summary = {
        "accuracy": fmean(result["accuracy"] for result in results),
        "accuracy_ci": list(wilson(correct, count)),
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


def texts(files: Iterable[Path]) -> list[dict[str, str]]:
    """Files with their contents."""
    return [
        {"file": str(file), "digest": digest(file.read_bytes()), "text": file.read_text(encoding="utf-8")}
        for file in files
    ]


def write_results(folder: Path, values: Mapping[str, Any]) -> None:
    """Writes `ablation.json` to `folder`, whole or not at all."""
    write_json(folder / FILE, values)


def read_results(folder: str | Path) -> dict[str, Any]:
    """Reads `ablation.json` in `folder`."""
    return json.loads((Path(folder) / FILE).read_text(encoding="utf-8"))

"""`ablation.json`: what the runs of an ablation left on disk, per arm and seed and over all seeds.

Shares are 0 to 1, intervals `[low, high]` at 95%.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from cogito_pl.experiments.ablation.arms import PLAIN, Ablation
from cogito_pl.experiments.ablation.measures import Scores, area, compared, measured, over_seeds
from cogito_pl.experiments.ablation.runs import Run
from cogito_pl.experiments.graded import (
    Samples,
    check_same_problems,
    problem_scores,
    read_samples,
    share,
)
from cogito_pl.experiments.power import SEEDS, pooled_deviation, smallest_difference
from cogito_pl.files import write_json
from cogito_pl.report.curves import Curve, read_curves
from cogito_pl.seeds import digest

FILE = "ablation.json"
CURVE = "val/accuracy"
"""The metric of the learning curve: the accuracy of the validations of a fit, on the same problems in every arm."""


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
        digest, `unequal` where it may take other updates or completions, what a search for its settings came to
        (`tuned`), and per seed the folder of its `evaluation`, the `cost` and the `updates` of its fits, and where the
        last of them validated, its learning `curve` and the `area` under it. `resolution`: what `resolution` returns.
    """
    study, seeds = ablation.study, {}
    plain: dict[int, Samples] = {}
    scores: dict[str | None, dict[int, list[float]]] = {}
    for run in sorted(runs, key=lambda run: run.arm != PLAIN):  # the others are compared with it
        if run.start and not run.arm:  # scores of data, which grade no model
            continue
        samples, own = graded(run), seeds.setdefault(run.arm, {})
        if run.failed or not samples:
            own[run.seed] = {"state": "failed", "error": run.failed} if run.failed else {"state": "to do"}
            continue
        own[run.seed] = result = {"state": "done"} | measured(samples, study.by) | greedy(run.evaluation.folder)
        result["evaluation"] = run.evaluation.folder.relative_to(ablation.run).as_posix()
        scores.setdefault(run.arm, {})[run.seed] = problem_scores(samples)
        if run.arm:
            result |= {"cost": asdict(run.cost), "updates": run.updates()} | learning(run)
        if run.arm == PLAIN:
            plain[run.seed] = samples
        elif other := plain.get(run.seed):
            for rows in samples:
                check_same_problems(rows, other[0], run.plan.folder, f"the arm {PLAIN}")
            result["difference"] = compared(samples, other)
            if {"area"} <= result.keys() & seeds[PLAIN][run.seed].keys():
                result["difference"]["area"] = result["area"] - seeds[PLAIN][run.seed]["area"]

    def summary(arm: str | None) -> dict[str, Any]:
        return with_mean(seeds[arm], scores.get(arm, {}), scores.get(PLAIN, {}), same_test=study.same_test)

    arms = {
        arm.name: {"overlays": texts(arm.files), "sft_first": texts(arm.sft_first)}
        | ({"unequal": True} if arm.name in ablation.unequal else {})
        | ({"tuned": dict(arm.tuned)} if arm.tuned else {})
        | summary(arm.name)
        for arm in ablation.arms
    }
    return {
        "equal": dict(equal),
        "seeds": list(ablation.seeds),
        "n_test": study.n_test or max((len(own) for each in scores.values() for own in each.values()), default=0),
        "recipe": texts(study.files),
        "start": summary(None),
        "arms": arms,
        "resolution": resolution(arms, len(ablation.seeds)),
    }


def graded(run: Run) -> Samples:
    """The graded completions of a run that is complete; of any other, none."""
    return [] if run.to_do() else read_samples_once(run.evaluation.folder, run.evaluation.artefact.stat().st_mtime_ns)


@cache
def read_samples_once(folder: Path, written: int) -> Samples:
    """The samples of an evaluation that was `written` then: `ablation.json` is made again after every run."""
    kept = ("id", "kind", "source", "meta", "verdict", "finished", "tokens")
    return [[{name: row[name] for name in kept if name in row} for row in rows] for rows in read_samples(folder)]


def greedy(folder: Path) -> dict[str, float]:
    """The accuracy of greedy completions, where an evaluation has them beside samples."""
    samples = read_samples(folder, greedy=True)
    return {"greedy": share(samples[0])} if samples else {}


def learning(run: Run) -> dict[str, Any]:
    """The learning curve of the last fit of an arm, and the area under it; nothing where it never validated."""
    curve: Curve = read_curves(run.fits[-1].folder).get(CURVE, [])
    return {"curve": [list(point) for point in curve], "area": area(curve)} if curve else {}


def resolution(arms: Mapping[str, Mapping[str, Any]], seeds: int) -> dict[str, Any] | None:
    """What the ablation can tell from noise; null where no arm has two seeds that can be compared.

    Args:
        arms: As in `ablation.json`.
        seeds: Of the ablation.

    Returns:
        `sd`, the standard deviation over seeds of the paired differences, pooled over arms; `smallest`, by number of
        seeds, the smallest difference that is found with a power of 80%; `here`, that of this ablation.
    """
    sd = pooled_deviation(paired_differences(arms).values())
    if sd is None:
        return None
    return {
        "sd": sd,
        "smallest": {str(count): smallest_difference(sd, count) for count in SEEDS},
        "here": smallest_difference(sd, seeds),
    }


def paired_differences(arms: Mapping[str, Mapping[str, Any]], what: str = "estimate") -> dict[str, list[float]]:
    """The differences of the seeds of every arm that has any: `estimate` at the end, or of the `area`."""
    found = {
        arm: [seed["difference"][what] for seed in own["seeds"].values() if what in seed.get("difference", {})]
        for arm, own in arms.items()
    }
    return {arm: values for arm, values in found.items() if values}


def with_mean(seeds: Mapping[int, dict], scores: Scores, plain: Scores, *, same_test: bool) -> dict[str, Any]:
    """The results of all seeds, in their order, and over them."""
    done = [result for result in seeds.values() if result["state"] == "done"]
    whole = over_seeds(done, scores, plain, same_test=same_test)
    return whole | {"seeds": {str(seed): result for seed, result in seeds.items()}}


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

"""Gathers what the runs of an ablation left on disk into `ablation.json`."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cogito_pl.files import write_json
from cogito_pl.quickstart.ablation.arms import PLAIN, Ablation
from cogito_pl.quickstart.ablation.results import measured, over_seeds, paired
from cogito_pl.quickstart.ablation.runs import Run
from cogito_pl.quickstart.settings import file_digest
from cogito_pl.quickstart.summary import check_same_problems, read_rows

FILE = "ablation.json"


def outcome(ablation: Ablation, runs: Iterable[Run], equal: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is known so far, as plain values.

    Args:
        ablation: What was asked for.
        runs: Of all arms and seeds.
        equal: The sizes that all arms share.

    Returns:
        `equal`, `seeds`, `n_test`; `recipe`, the files that hold for all arms; `start`, the SFT model, and `arms`, each
        with its `seeds` (`state` is done, failed or to do; results only where it is done) and, over them, what
        `over_seeds` says. An arm has its `overlays` and those by which it `imitates` first, with text and digest, and
        per seed the `cost` and the `updates` of its fits.
    """
    plain, seeds = {}, {}
    for run in sorted(runs, key=lambda run: run.arm != PLAIN):  # the others are compared with it
        if run.settings.scored:
            continue
        rows = graded(run)
        own = seeds.setdefault(run.arm, {})
        if run.failed or not rows:
            own[run.settings.seed] = {"state": "failed", "error": run.failed} if run.failed else {"state": "to do"}
            continue
        own[run.settings.seed] = result = {"state": "done"} | measured(rows)
        if run.arm == PLAIN:
            plain[run.settings.seed] = rows
        elif other := plain.get(run.settings.seed):
            check_same_problems(rows, other, run.settings.run, f"the arm {PLAIN}")
            result["difference"] = paired(rows, other)
        if run.arm:
            result |= {"cost": asdict(run.cost), "updates": run.updates()}
    return {
        "equal": dict(equal),
        "seeds": list(ablation.seeds),
        "n_test": ablation.n_test,
        "recipe": texts(ablation.trunk(ablation.seeds[0]).files_of("grpo")),
        "start": with_mean(seeds[None]),
        "arms": {
            arm.name: {"overlays": texts(arm.files), "imitates": texts(arm.imitates)} | with_mean(seeds[arm.name])
            for arm in ablation.arms
        },
    }


def graded(run: Run) -> list[dict]:
    """The graded completions of a run that is complete; none of another."""
    return [] if run.to_do() else read_rows(run.plan[-1].folder)


def with_mean(seeds: Mapping[int, dict]) -> dict[str, Any]:
    """The results of all seeds, in their order, and what they say together."""
    done = [result for result in seeds.values() if result["state"] == "done"]
    return over_seeds(done) | {"seeds": {str(seed): result for seed, result in seeds.items()}}


def texts(files: Iterable[Path]) -> list[dict[str, str]]:
    """Files with their contents."""
    return [
        {"file": str(file), "digest": file_digest(file), "text": file.read_text(encoding="utf-8")} for file in files
    ]


def write_outcome(folder: Path, result: Mapping[str, Any]) -> Path:
    """Writes `ablation.json`, all or nothing, and returns where."""
    write_json(folder / FILE, result)
    return folder / FILE


def read_outcome(folder: str | Path) -> dict[str, Any]:
    """What `ablation.json` in `folder` holds."""
    return json.loads((Path(folder) / FILE).read_text(encoding="utf-8"))

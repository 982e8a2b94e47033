"""`search.json` and `best.yaml`: what the trials of a search came to."""

import json
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from cogito_pl.experiments.search.search import Search, kept
from cogito_pl.experiments.search.trials import COST, Trials
from cogito_pl.files import write_json, write_text

FILE, BEST = "search.json", "best.yaml"
DONE, PRUNED, FAILED, TO_DO = "done", "pruned", "failed", "to do"


def results(search: Search, trials: Trials, failed: dict[int, str]) -> dict[str, Any]:
    """Everything that is known so far, as plain values.

    Args:
        search: What was asked for.
        trials: What came of it.
        failed: Why trials failed since the command was started.

    Returns:
        `arm`, `metric`, `direction`, `seeds`, `asked` trials, what all of them share (`equal`), names of the `space`;
        `trials`, each with its `number` from one, `state`, `settings` by name, these `shown` for tables, and, where
        there are any, `value`, `updates` of the last report, `cost` and `error`; `best`, one of these; `importances`.
    """
    every = [row(search, trial, failed) for trial in trials.all()]
    best = trials.best()
    common = kept(search.recipe())
    return {
        "arm": search.arm.name,
        "metric": search.options.metric,
        "direction": search.options.direction,
        "seeds": list(search.options.seeds),
        "asked": search.options.trials,
        "equal": {name: common[name] for name in ("updates", "completions_per_update")},
        "space": list(search.options.space),
        "trials": every,
        "best": every[best.number] if best else None,
        "importances": trials.importances(),
    }


def row(search: Search, trial: FrozenTrial, failed: dict[int, str]) -> dict[str, Any]:
    """One trial."""
    states = {TrialState.COMPLETE: DONE, TrialState.PRUNED: PRUNED}
    state = states.get(trial.state) or (FAILED if trial.number in failed else TO_DO)
    shown = {name: search.options.shown(name, value) for name, value in trial.params.items()}
    own = {"number": trial.number + 1, "state": state, "settings": dict(trial.params), "shown": shown}
    if trial.state.is_finished():
        own |= {"value": trial.value, "updates": trial.last_step, "cost": trial.user_attrs[COST]}
    return own | ({"error": failed[trial.number]} if state == FAILED else {})


def write_search(search: Search, trials: Trials, failed: dict[int, str]) -> None:
    """Writes `search.json`, and `best.yaml` as soon as a trial is complete."""
    found = results(search, trials, failed)
    write_json(search.run / FILE, found)
    if best := found["best"]:
        settings = search.settings_file(best["number"] - 1).read_text(encoding="utf-8")
        head = f"# Trial {best['number']}: {found['metric']} {best['value']:.4g}"
        write_text(search.run / BEST, f"{head} on seeds {', '.join(map(str, found['seeds']))}.\n{settings}")


def read_search(folder: Path) -> dict[str, Any]:
    """Reads `search.json` in `folder`."""
    return json.loads((folder / FILE).read_text(encoding="utf-8"))

"""Runs what is left of a search: the algorithm of the runner."""

import json
import shutil
import traceback
from collections.abc import Sequence
from textwrap import shorten

import yaml
from optuna.trial import FrozenTrial
from rich.console import Console

from cogito_pl.experiments.ablation.drive import REFUSED
from cogito_pl.experiments.ablation.runs import opened
from cogito_pl.experiments.cost import clock, spent
from cogito_pl.experiments.phases import YAML_FORM, Plan, SettingsError, run_phases
from cogito_pl.experiments.record import FILE as RECORD
from cogito_pl.experiments.record import Account, OtherRunError
from cogito_pl.experiments.search.checks import variants
from cogito_pl.experiments.search.results import write_search
from cogito_pl.experiments.search.search import Search
from cogito_pl.experiments.search.trials import COST, Trials, create, distributions, draw, leftovers
from cogito_pl.files import write_text

HOPELESS = 3
"""Trials that fail, and none that does not, before a search is given up."""
WEIGHTS = ("checkpoints", "export")
"""What is removed of the fits of a finished trial."""


def open_trials(search: Search) -> Trials:
    """The trials of a search, with what earlier starts left of them.

    Raises:
        OtherRunError: The folder holds something else, or a search for something else.
    """
    asked = search.fingerprint()
    if not search.storage.is_file():
        if search.run.exists() and (not search.run.is_dir() or set(search.run.iterdir()) - leftovers(search.storage)):
            raise OtherRunError(f"{search.run} exists and holds no search; choose another folder")
        create(search.storage, asked)
    trials = Trials(search.storage)
    if differing := [name for name in asked if trials.settings.get(name) != asked[name]]:
        details = "; ".join(f"{name} was {trials.settings.get(name)} and is now {asked[name]}" for name in differing)
        raise OtherRunError(
            f"{search.run} holds a search with other settings ({details}); choose another folder, or delete it"
        )
    return trials


def run_search(search: Search, console: Console) -> bool:
    """Runs a search that was checked, or what is left of it, and writes `search.json` and `best.yaml`.

    Returns:
        Whether every trial has a value, or was pruned.

    Raises:
        OtherRunError: The folder holds something else.
        SettingsError: Every trial fails.
    """
    if not search.study.prepared:
        search.study.check(variants(search), search.starts / f"seed{search.options.seeds[0]}")
    trials, failed = open_trials(search), {}
    try:
        for seed in search.options.seeds:
            prepare_start(search, seed, console)
        while (number := next_trial(search, trials, failed)) is not None:
            remove_weights(search, trials)
            write_search(search, trials, failed)
            try:
                carry_out(search, trials, number, console)
            except (Exception, SystemExit) as error:
                if isinstance(error, SystemExit) and error.code != REFUSED:
                    raise
                note_failure(search, number, error, failed, console)
                if len(failed) == len(trials.all()) >= HOPELESS:
                    raise SettingsError(f"all of {HOPELESS} trials failed, the last by {failed[number]}") from error
    except (KeyboardInterrupt, SystemExit):
        console.print("\nStopped. Run the same command again to continue.")
        raise
    remove_weights(search, trials)
    write_search(search, trials, failed)
    return not failed


def next_trial(search: Search, trials: Trials, failed: dict[int, str]) -> int | None:
    """The number of a trial that was stopped, else of a new one; null where there are enough."""
    every = trials.all()
    for trial in every:
        if not trial.state.is_finished() and trial.number not in failed:
            return trial.number
    if len(every) >= search.options.trials:
        return None
    return trials.begin(draw(search.options, every), distributions(search.options))


def prepare_start(search: Search, seed: int, console: Console) -> None:
    """Makes data and start model of a seed; the data are checked before anything is trained on them."""
    plan = search.start(seed)
    if not plan.phases:
        return
    record = opened(plan)
    console.print(f"\n[bold blue]Start of the trials, seed {seed}[/bold blue]", end="")

    def run(phases: Sequence) -> None:
        run_phases(phases, Account(record, opened=spent()), console, plan.log, lambda _: "")

    if search.study.prepared:
        run([phase for phase in plan.phases if phase.name == search.study.prepared])
        search.study.check(variants(search), plan.folder)
    run(plan.phases)


def carry_out(search: Search, trials: Trials, number: int, console: Console) -> None:
    """Runs the fits of a trial, until it is pruned, and ends it.

    Raises:
        SettingsError: A fit never reported the metric.
    """
    values = trials.all()[number].params
    shown = ", ".join(f"{name}={search.options.shown(name, value)}" for name, value in values.items())
    console.print(f"\n[bold blue]Trial {number + 1} of {search.options.trials}[/bold blue] {shown}", soft_wrap=True)
    write_text(search.settings_file(number), yaml.safe_dump(search.overlay(values), **YAML_FORM))
    note = left_note(search, trials.all())
    for place in range(len(search.options.seeds)):
        if trials.pruned(number):
            break
        run_fit(search.fit(number, place), note, console)
    pruned, value = trials.pruned(number), trials.value(number)
    if value is None and not pruned:
        raise SettingsError(
            f"no fit reported metric={search.options.metric}: it validated only before its first update, or never; "
            "set trainer.check_val_every_n_epoch"
        )
    trials.finish(number, None if pruned else value, spent_on(search, number))
    result = "pruned" if pruned else f"{search.options.metric} {value:.4g}"
    console.print(f"  Trial {number + 1}: {result}", markup=False)


def run_fit(plan: Plan, note: str, console: Console) -> None:
    """Runs the fit of a trial, or what is left of it."""
    run_phases(plan.phases, Account(opened(plan), opened=spent()), console, plan.log, lambda _: note)


def spent_on(search: Search, number: int) -> dict[str, float]:
    """Seconds, and processor seconds, of the fits of a trial over all of their starts."""
    files = search.trial_folder(number).glob(f"seed*/{RECORD}")
    costs = [json.loads(file.read_text(encoding="utf-8"))["spent"] for file in files]
    return {name: sum(cost[name] for cost in costs) for name in ("wall_s", "cpu_s")}


def left_note(search: Search, trials: Sequence[FrozenTrial]) -> str:
    """How long the search took so far, and how long the rest may take."""
    costs = [trial.user_attrs[COST]["wall_s"] for trial in trials if COST in trial.user_attrs]
    if not costs:
        return ""
    left = (search.options.trials - len(costs)) * sum(costs) / len(costs)
    return f"{clock(sum(costs))} so far, about {clock(left)} left in all"


def note_failure(search: Search, number: int, error: BaseException, failed: dict[int, str], console: Console) -> None:
    """Notes why a trial failed; the next start of the search tries it again."""
    failed[number] = shorten(f"{type(error).__name__}: {error}", 240, placeholder=" ...")
    log = search.trial_folder(number) / "error.txt"
    write_text(log, "".join(traceback.format_exception(error)))
    console.print(f"  failed: {failed[number]}\n  The traceback is in {log}", style="red", markup=False, soft_wrap=True)


def remove_weights(search: Search, trials: Trials) -> None:
    """Removes checkpoints and models of finished trials: of what they were, settings and curves are kept."""
    for trial in trials.all():
        if trial.state.is_finished():
            for fit in search.trial_folder(trial.number).glob("seed*/fit"):
                for name in WEIGHTS:
                    shutil.rmtree(fit / name, ignore_errors=True)

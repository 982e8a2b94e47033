"""Runs what is left of an ablation and keeps `ablation.json` up to date: the algorithm of the runner."""

import traceback
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

from rich.console import Console

from cogito_pl.experiments.ablation.arms import PLAIN, Ablation, Study
from cogito_pl.experiments.ablation.configuration import fit_configurations
from cogito_pl.experiments.ablation.fairness import check_equal, draws_from, sizes
from cogito_pl.experiments.ablation.results import FILE, results, write_results
from cogito_pl.experiments.ablation.runs import Run, discard_dependents, open_runs
from cogito_pl.experiments.cost import clock, seconds_left, spent
from cogito_pl.experiments.phases import SettingsError, run_phases
from cogito_pl.experiments.record import Account, OtherRunError

REFUSED = 2
"""Exit status of a command line that is refused; any other exit is a request to stop."""


def ablate(ablation: Ablation, console: Console) -> bool:
    """Runs an ablation, or what is left of it, and writes `ablation.json`.

    Returns:
        Whether every run has a result.

    Raises:
        SettingsError: An arm cannot be compared with the plain recipe; nothing was run.
        OtherRunError: The folder holds runs with other settings; nothing was run.
    """
    fits = configurations(ablation)
    equal = common_sizes(fits, ablation.study, ablation.unequal)
    if not ablation.study.prepared:
        ablation.study.check(ablation.arms, ablation.folder(ablation.seeds[0]))
    claim_folder(ablation.run)
    scores = str(ablation.study.scores(ablation.folder(ablation.seeds[0])))
    scored = any(scores in draws_from(configs) for configs in fits.values())
    runs = open_runs(ablation, scored=scored)
    if ablation.study.prepared:
        prepare(ablation, runs, console)
    for place, run in enumerate(runs):
        write_results(ablation.run, results(ablation, runs, equal))
        console.print(f"\n[bold blue]Run {place + 1} of {len(runs)}: {run.title}[/bold blue]", end="")
        try:
            carry_out(run, runs, ablation, console)
        except BaseException:  # an interrupt comes as SystemExit out of Lightning
            console.print("\nStopped. Run the same command again to continue.")
            raise
    write_results(ablation.run, results(ablation, runs, equal))
    return not any(run.failed for run in runs)


def configurations(ablation: Ablation) -> dict[str, list[dict[str, Any]]]:
    """The configurations of the fits of every arm, for the first seed. Raises SettingsError where one is refused."""
    found = {}
    for arm in ablation.arms:
        try:
            found[arm.name] = fit_configurations(ablation, arm)
        except ValueError as error:
            raise SettingsError(f"{option(arm.name)}: {error}") from error
    return found


def common_sizes(
    fits: Mapping[str, Sequence[Mapping[str, Any]]], study: Study, unequal: Container[str] = ()
) -> dict[str, Any]:
    """The sizes that all arms but those named in `unequal` share, from the configurations of their fits.

    Args:
        fits: Configurations by arm.
        study: What the arms are variants of.
        unequal: Names of arms whose sizes may be others.

    Raises:
        SettingsError: The updates of an arm cannot be counted, or its sizes differ from those of the plain recipe.
    """
    own = {}
    for name, configs in fits.items():
        try:
            own[name] = sizes(configs)
            if study.own_seeds:
                del own[name]["seed_everything"]
        except ValueError as error:
            raise SettingsError(f"{option(name)}: {error}") from error
        if name not in unequal:
            check_equal(name, own[name], own[PLAIN], study.remedy)
    return {name: value for name, value in own[PLAIN].items() if name != "seed_everything"}


def option(arm: str) -> str:
    """How a message names an arm."""
    return "the plain recipe" if arm == PLAIN else f"--with {arm}"


def claim_folder(folder: Path) -> None:
    """Marks `folder` as that of an ablation. Raises OtherRunError where it holds something else."""
    if (folder / FILE).is_file():
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OtherRunError(f"{folder} exists and holds no ablation; choose another folder")
    write_results(folder, {})


def prepare(ablation: Ablation, runs: list[Run], console: Console) -> None:
    """Writes the data of all seeds and checks them, before anything is trained on those of the first.

    Raises:
        SettingsError: A command fails, or the data do not fit the recipes.
    """
    for run in runs:
        if run.start:
            continue
        (phase,) = (phase for phase in run.plan.phases if phase.name == ablation.study.prepared)
        if phase.name in run.to_do():
            console.print(f"\n[bold blue]Data of seed {run.seed}[/bold blue]", end="")
            run.record.reopen(run.to_do())  # what was made of earlier data
            run_phases([phase], Account(run.record, opened=spent()), console, run.plan.log, lambda _: "")
        ablation.study.check(ablation.arms, run.plan.folder)


def carry_out(run: Run, runs: list[Run], ablation: Ablation, console: Console) -> None:
    """Runs what is left of `run`; an error is noted in it and in its log, and ends this run only."""
    if not run.to_do():
        console.print("  [dim]done before[/dim]")
        return
    if run.start and run.start.failed:
        run.failed = f"its start, {run.start.title}, failed"
        console.print(f"  {run.failed}", style="red", markup=False)
        return
    console.print()
    if not run.start:
        discard_dependents(run, runs, ablation.study.scores(run.plan.folder))

    def note(left: list[str]) -> str:
        later = runs[runs.index(run) + 1 :]
        done = [(name, cost.wall_s) for other in runs for name, cost in other.record.phases.items()]
        names = left + [name for other in later for name in other.to_do()]
        seconds = seconds_left(done, names, ablation.study.typical_s)
        return f"{clock(sum(other.record.spent.wall_s for other in runs))} so far, about {clock(seconds)} left in all"

    log = run.plan.log
    try:
        run_phases(run.plan.phases, Account(run.record, opened=spent()), console, log, note)
    except (Exception, SystemExit) as error:
        if isinstance(error, SystemExit) and error.code != REFUSED:
            raise
        run.failed = shorten(f"{type(error).__name__}: {error}", 240, placeholder=" ...")
        with log.open("a", encoding="utf-8") as file:
            file.write(traceback.format_exc())
        console.print(f"  failed: {run.failed}\n  The traceback is in {log}", style="red", markup=False, soft_wrap=True)

"""Runs what is left of an ablation and writes what came out: the algorithm of the runner."""

import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

from rich.console import Console

from cogito_pl.quickstart.ablation.arms import PLAIN, Ablation
from cogito_pl.quickstart.ablation.configuration import fit_configurations
from cogito_pl.quickstart.ablation.fairness import check_equal, draws_from, sizes
from cogito_pl.quickstart.ablation.figure import draw_figure
from cogito_pl.quickstart.ablation.outcome import FILE, outcome, write_outcome
from cogito_pl.quickstart.ablation.runs import Run, forget_branches, open_runs
from cogito_pl.quickstart.ablation.table import markdown, terminal_table
from cogito_pl.quickstart.account import Account
from cogito_pl.quickstart.bar import clock
from cogito_pl.quickstart.cost import spent
from cogito_pl.quickstart.estimate import seconds_left
from cogito_pl.quickstart.record import OtherRunError
from cogito_pl.quickstart.running import run_phases
from cogito_pl.quickstart.settings import SettingsError

LOG_WIDTH = 110
"""Columns at least, where the output goes to a file: the table fits."""
REFUSED = 2
"""Exit status of a command line that is refused; any other exit is somebody's wish to stop."""


def ablate(ablation: Ablation) -> bool:
    """Runs an ablation, or what is left of it, and writes table and image.

    Returns:
        Whether every run has a result.

    Raises:
        SettingsError: An arm cannot be compared with the plain recipe; nothing was run.
        OtherRunError: The folder holds runs with other settings; nothing was run.
    """
    fits = configurations(ablation)
    equal = compared(fits)
    claim_folder(ablation.run)
    scores = str(ablation.trunk(ablation.seeds[0]).scores)
    scored = any(scores in draws_from(configs) for configs in fits.values())
    runs, console = open_runs(ablation, scored=scored), Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, LOG_WIDTH)
    for place, run in enumerate(runs):
        write_outcome(ablation.run, outcome(ablation, runs, equal))
        console.print(f"\n[bold blue]Run {place + 1} of {len(runs)}: {run.title}[/bold blue]", end="")
        try:
            carry_out(run, runs, console)
        except BaseException:  # an interrupt comes as SystemExit out of Lightning
            console.print("\nStopped. Run the same command again to continue.")
            raise
    present(outcome(ablation, runs, equal), ablation.run, console)
    return not any(run.failed for run in runs)


def configurations(ablation: Ablation) -> dict[str, list[dict[str, Any]]]:
    """What the fits of every arm are run with, for the first seed. Raises SettingsError where one is refused."""
    found = {}
    for arm in ablation.arms:
        try:
            found[arm.name] = fit_configurations(ablation.branch(arm, ablation.seeds[0]))
        except ValueError as error:
            raise SettingsError(f"{said(arm.name)}: {error}") from error
    return found


def compared(fits: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """The sizes that all arms share, from the configurations of their fits.

    Raises:
        SettingsError: A recipe cannot be counted, or has other sizes than the plain one.
    """
    own = {}
    for name, configs in fits.items():
        try:
            own[name] = sizes(configs)
        except ValueError as error:
            raise SettingsError(f"{said(name)}: {error}") from error
        check_equal(name, own[name], own[PLAIN])
    return {name: value for name, value in own[PLAIN].items() if name != "seed_everything"}


def said(arm: str) -> str:
    """How the command line names an arm."""
    return "the plain recipe" if arm == PLAIN else f"--with {arm}"


def claim_folder(folder: Path) -> None:
    """Marks `folder` as that of an ablation. Raises OtherRunError where it holds something else."""
    if (folder / FILE).is_file():
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OtherRunError(f"--run {folder} exists and holds no ablation; choose another folder")
    write_outcome(folder, {})


def present(result: Mapping[str, Any], folder: Path, console: Console) -> None:
    """Writes what came out to `folder`, as values, table and image, and shows the table."""
    values, table, image = write_outcome(folder, result), folder / "ablation.md", folder / "ablation.png"
    table.write_text(markdown(result), encoding="utf-8")
    draw_figure(result, image)
    console.print()
    console.print(terminal_table(result))
    for file in (values, table, image):
        console.print(f"  {file}", markup=False, soft_wrap=True)


def carry_out(run: Run, runs: list[Run], console: Console) -> None:
    """Runs what is left of `run`; an error is noted in it and in its log, and ends it alone."""
    if not run.to_do():
        console.print("  [dim]done before[/dim]")
        return
    trunk = next(other for other in runs if other.settings.run == (run.settings.trunk or run.settings.run))
    if trunk.failed:
        run.failed = f"its start, {trunk.title}, failed"
        console.print(f"  {run.failed}", style="red", markup=False)
        return
    console.print()
    if trunk is run:
        forget_branches(trunk, runs)

    def note(to_do: list[str]) -> str:
        later = runs[runs.index(run) + 1 :]
        done = [(name, cost.wall_s) for other in runs for name, cost in other.record.phases.items()]
        left = seconds_left(done, to_do + [name for other in later for name in other.to_do()])
        return f"{clock(sum(other.record.spent.wall_s for other in runs))} so far, about {clock(left)} left in all"

    log = run.settings.run / "quickstart.log"
    try:
        run_phases(run.plan, Account(run.record, opened=spent()), console, log, note)
    except (Exception, SystemExit) as error:
        if isinstance(error, SystemExit) and error.code != REFUSED:
            raise
        run.failed = shorten(f"{type(error).__name__}: {error}", 240, placeholder=" ...")
        with log.open("a", encoding="utf-8") as file:
            file.write(traceback.format_exc())
        console.print(f"  failed: {run.failed}\n  The rest is in {log}", style="red", markup=False, soft_wrap=True)

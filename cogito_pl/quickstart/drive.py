"""Runs the phases that are not done yet, then sums up: the algorithm of the quickstart."""

import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import yaml
from rich.console import Console

from cogito_pl.quickstart.bar import clock
from cogito_pl.quickstart.cost import spent
from cogito_pl.quickstart.log import libraries_speak_to
from cogito_pl.quickstart.phases import TYPICAL_S, Phase, phases
from cogito_pl.quickstart.problems import seen_before
from cogito_pl.quickstart.record import Cost, Record
from cogito_pl.quickstart.report import write_report
from cogito_pl.quickstart.samples import write_samples
from cogito_pl.quickstart.settings import Settings
from cogito_pl.quickstart.summary import read_answers, summarise, write_summary
from cogito_pl.quickstart.table import results_table

YAML_FORM = {"sort_keys": False, "allow_unicode": True, "default_flow_style": None, "width": 120}
"""How overlays are written: in the order of thought, innermost values on one line."""


def drive(settings: Settings) -> None:
    """Runs a quickstart, or what is left of it.

    Raises:
        OtherRunError: The folder holds a run with other settings.
        RuntimeError: A phase ended without its artefact.
    """
    record = Record(settings.run, settings.fingerprint())
    console, before, plan = Console(highlight=False), record.spent, phases(settings)
    ran = False
    for number, phase in enumerate(plan, 1):
        if not ran and record.finished(phase.name) and phase.artefact.exists():
            console.print(f"[dim]{number}/{len(plan)} {phase.title}: done before[/dim]")
            continue
        later = [other.name for other in plan[number - 1 :]]
        record.forget(later)
        left = time_left(record.phases, later)
        elapsed = clock(before.plus(spent()).wall_s)
        console.print(
            f"\n[bold]{number}/{len(plan)} {phase.title}[/bold]  [dim]{elapsed} so far, {left} left in all[/dim]"
        )
        start = spent()
        log = settings.run / "quickstart.log"
        try:
            with libraries_speak_to(log):
                run_phase(phase, console, resume=not ran)
        except BaseException:  # an interrupt comes as SystemExit out of Lightning
            say = f"\nStopped. What the libraries said is in {log}; run the same command again to continue."
            console.print(say, markup=False, soft_wrap=True)
            raise
        record.finish(phase.name, spent().since(start), before.plus(spent()))
        ran = True
    sum_up(settings, plan, record, before.plus(spent()) if ran else record.spent, console)


def run_phase(phase: Phase, console: Console, *, resume: bool) -> None:
    """Runs the commands of `phase`; a fit goes on from the checkpoint of an earlier start where `resume` allows it.

    Raises:
        RuntimeError: The artefact is not there afterwards.
    """
    checkpoint = phase.checkpoint() if resume else None
    if not checkpoint:
        shutil.rmtree(phase.folder, ignore_errors=True)
    if phase.overlay_file:
        phase.overlay_file.parent.mkdir(parents=True, exist_ok=True)
        phase.overlay_file.write_text(yaml.safe_dump(phase.overlay, **YAML_FORM), encoding="utf-8")
    for line, command in zip(phase.shown(), phase.commands, strict=True):
        further = ("--ckpt_path", str(checkpoint)) if checkpoint else ()
        console.print(
            "  $ " + line + (f" --ckpt_path {shlex.quote(str(checkpoint))}" if checkpoint else ""),
            style="dim",
            markup=False,
            soft_wrap=True,
        )
        run_command(phase, [*command, *further])
    if not phase.artefact.exists():
        raise RuntimeError(
            f"{phase.title} ended without {phase.artefact}; the recipe must keep the callback that writes it"
        )


def run_command(phase: Phase, arguments: list[str]) -> None:
    """Runs one command line in this process, which has torch loaded already."""
    if phase.overlay_file is None:
        from cogito_pl.playground.__main__ import main as playground

        playground(arguments)
        return
    import callbacks  # noqa: F401  makes the catalogue known by class path, as train.py does
    from cogito_pl.cli import CogitoCLI

    with program_name(phase.program[-1]):
        CogitoCLI(args=arguments)


@contextmanager
def program_name(name: str) -> Iterator[None]:
    """Stands in for the command line of another program: Lightning warns when `sys.argv` holds more than is parsed."""
    before, sys.argv = sys.argv, [name]
    try:
        yield
    finally:
        sys.argv = before


def time_left(done: dict[str, Cost], to_do: list[str]) -> str:
    """Estimate from how long finished phases took against the typical run."""
    typical = sum(TYPICAL_S[name] for name in done)
    pace = sum(cost.wall_s for cost in done.values()) / typical if done else 1.0
    return "about " + clock(pace * sum(TYPICAL_S[name] for name in to_do))


def sum_up(settings: Settings, plan: list[Phase], record: Record, cost: Cost, console: Console) -> None:
    """Writes summary, samples and report, and shows the table."""
    answers = read_answers(settings.run)
    summary = summarise(answers, settings.seed, seen_before(settings.run / "data")) | {
        "wall_s": round(cost.wall_s, 1),
        "cpu_s": round(cost.cpu_s, 1),
        "peak_mib": round(cost.peak_mib),
        "phases": {name: asdict(phase_cost) for name, phase_cost in record.phases.items()},
    }
    summary_file = write_summary(settings.run, summary)
    samples_file = write_samples(settings.run, answers)
    report_file = write_report(settings, summary, answers, plan)
    console.print()
    console.print(results_table(summary))
    console.print(
        f"{clock(cost.wall_s)} in all, {cost.cpu_s:.0f} s of processor time, {cost.peak_mib:.0f} MiB of memory at most"
    )
    for file in (summary_file, samples_file, report_file):
        console.print(f"  {file}", markup=False, soft_wrap=True)

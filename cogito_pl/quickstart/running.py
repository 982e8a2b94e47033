"""Runs the phases of a run that are not done yet: what the quickstart and the ablation runner share."""

import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml
from rich.console import Console

from cogito_pl.quickstart.account import Account
from cogito_pl.quickstart.log import libraries_speak_to
from cogito_pl.quickstart.phases import PLAYGROUND, Phase

YAML_FORM = {"sort_keys": False, "allow_unicode": True, "default_flow_style": None, "width": 120}
"""How overlays are written: in the order of thought, innermost values on one line."""


def run_phases(
    plan: Sequence[Phase], account: Account, console: Console, log: Path, note: Callable[[list[str]], str]
) -> None:
    """Runs what is left of `plan`; where a result is lost, what follows it is made again.

    Args:
        plan: The phases, each building on those before it.
        account: What is done, and what it cost.
        console: Where headings and commands are shown.
        log: File that gets what libraries have to say.
        note: From the names of the phases that are left to what stands beside a heading.

    Raises:
        RuntimeError: A phase ended without its artefact.
    """
    record, ran = account.record, False
    for number, phase in enumerate(plan, 1):
        if not ran and record.finished(phase.name) and phase.artefact.exists():
            console.print(f"[dim]{number}/{len(plan)} {phase.title}: done before[/dim]")
            continue
        later = [other.name for other in plan[number - 1 :]]
        record.forget(later)
        console.print(f"\n[bold]{number}/{len(plan)} {phase.title}[/bold]  [dim]{note(later)}[/dim]")
        with account.running(phase.name), libraries_speak_to(log):
            run_phase(phase, console, resume=not ran)
        ran = True


def run_phase(phase: Phase, console: Console, *, resume: bool) -> None:
    """Runs the commands of `phase`; a fit goes on from the checkpoint of an earlier start where `resume` allows it.

    Raises:
        RuntimeError: The artefact is not there afterwards.
    """
    checkpoint = phase.checkpoint() if resume else None
    if not checkpoint:
        shutil.rmtree(phase.folder, ignore_errors=True)
    write_overlay(phase)
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


def write_overlay(phase: Phase) -> None:
    """Writes the configuration that `phase` adds to its recipe, where it has one."""
    if phase.overlay_file:
        phase.overlay_file.parent.mkdir(parents=True, exist_ok=True)
        phase.overlay_file.write_text(yaml.safe_dump(phase.overlay, **YAML_FORM), encoding="utf-8")


def run_command(phase: Phase, arguments: list[str]) -> None:
    """Runs one command line in this process, which has torch loaded already."""
    if phase.program == PLAYGROUND:
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

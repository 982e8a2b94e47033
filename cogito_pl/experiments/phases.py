"""A run as data: phases, each one or more command lines and the file that shows it is complete; and their runner."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import yaml
from rich.console import Console

from cogito_pl.experiments.log import libraries_log_to
from cogito_pl.experiments.record import Account, Record

TRAIN = ("train.py",)
"""The program that trains, evaluates and scores."""
SHELL = ()
"""No program: the commands are whole command lines, such as those that prepare data."""
YAML_FORM = {"sort_keys": False, "allow_unicode": True, "default_flow_style": None, "width": 120}
"""How overlays are written: in the order of the code, innermost values on one line."""


class SettingsError(ValueError):
    """A setting of the command line cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A step of a run.

    Args:
        name: Its key in the record.
        title: What it does, for the terminal.
        program: What is run: `TRAIN`, `SHELL`, or `("-m", package)` for a package whose `__main__` has a function
            `main`.
        commands: Argument lists of the program, run one after the other.
        folder: Where its results are.
        artefact: File that exists once the phase is complete.
        overlay: Configuration that this phase adds to its recipe; empty where there is no recipe.
        overlay_file: Where the overlay is written; null where there is no recipe.
        whole: Whether the overlay is the complete configuration, defaults included.
    """

    name: str
    title: str
    program: tuple[str, ...]
    commands: tuple[tuple[str, ...], ...]
    folder: Path
    artefact: Path
    overlay: dict
    overlay_file: Path | None = None
    whole: bool = False

    def shown(self) -> list[str]:
        """The command lines, as one would type them."""
        program = ["python", *self.program] if self.program else []
        return [shlex.join([*program, *command]) for command in self.commands]

    def checkpoint(self) -> Path | None:
        """The newest checkpoint that an earlier start of this phase left, or None."""
        found = sorted(self.folder.glob("checkpoints/*.ckpt"), key=lambda path: path.stat().st_mtime)
        return found[-1] if found else None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A run, before it is started.

    Args:
        folder: Folder of the run.
        phases: In order; each may use the results of those before it.
        fingerprint: What must be equal for an earlier start of the run to be continued, as plain values.
        log: File that gets warnings and log messages of the libraries.
    """

    folder: Path
    phases: tuple[Phase, ...]
    fingerprint: dict[str, object]
    log: Path


def to_do(phases: Sequence[Phase], record: Record) -> list[str]:
    """Names of the phases that are left: the first that is not done or whose artefact is gone, and all after it."""
    done = [record.finished(phase.name) and phase.artefact.exists() for phase in phases]
    first = done.index(False) if False in done else len(done)
    return [phase.name for phase in phases[first:]]


def run_phases(
    phases: Sequence[Phase], account: Account, console: Console, log: Path, note: Callable[[list[str]], str]
) -> None:
    """Runs what is left of `phases`; where a result is lost, what follows it is made again.

    Args:
        phases: In order; each may use the results of those before it.
        account: What is done, and what it cost.
        console: Where headings and commands are shown.
        log: File that gets warnings and log messages of the libraries.
        note: From the names of the phases that are left to the text beside a heading.

    Raises:
        RuntimeError: A phase ended without its artefact.
    """
    record, left = account.record, to_do(phases, account.record)
    done = len(phases) - len(left)
    for number, phase in enumerate(phases, 1):
        if number <= done:
            console.print(f"[dim]{number}/{len(phases)} {phase.title}: done before[/dim]")
            continue
        later = left[number - 1 - done :]
        record.reopen(later)
        console.print(f"\n[bold]{number}/{len(phases)} {phase.title}[/bold]  [dim]{note(later)}[/dim]")
        with account.running(phase.name), libraries_log_to(log):
            run_phase(phase, console, resume=number == done + 1)


def run_phase(phase: Phase, console: Console, *, resume: bool) -> None:
    """Runs the commands of `phase`; a fit resumes from the checkpoint of an earlier start where `resume` allows it.

    Raises:
        RuntimeError: The artefact does not exist afterwards.
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
    """Runs one command line: those of the shell as a process, others in this one, which has imported torch already.

    Raises:
        SettingsError: A process cannot be started, or ends with an error.
    """
    if phase.program == SHELL:
        run_process(arguments)
        return
    if phase.program != TRAIN:
        _, package = phase.program
        import_module(f"{package}.__main__").main(arguments)
        return
    import callbacks  # noqa: F401  makes the catalogue known by class path, as train.py does
    from cogito_pl.cli import CogitoCLI

    with program_name(phase.program[-1]):
        CogitoCLI(args=arguments)


def run_process(words: list[str]) -> None:
    """Runs a command line, `python` being this one. Raises SettingsError, naming it, where it does not succeed."""
    try:
        subprocess.run([sys.executable if words[0] == "python" else words[0], *words[1:]], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = f"ended with status {error.returncode}" if hasattr(error, "returncode") else error.strerror
        raise SettingsError(f"{shlex.join(words)}: {reason}; correct the command") from error


@contextmanager
def program_name(name: str) -> Iterator[None]:
    """Replaces `sys.argv` in the block by `name` alone: Lightning warns when it holds more than is parsed."""
    before, sys.argv = sys.argv, [name]
    try:
        yield
    finally:
        sys.argv = before

"""What the command lines of the fits of an arm mean, complete, without running them."""

import contextlib
import io
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import callbacks  # noqa: F401  makes the catalogue known by class path, as train.py does
from cogito_pl.cli import CogitoCLI
from cogito_pl.quickstart.log import libraries_speak_to
from cogito_pl.quickstart.phases import Phase, branch_phases
from cogito_pl.quickstart.running import program_name, write_overlay
from cogito_pl.quickstart.settings import Settings


class Understood(Exception):
    """Ends the command line once it is understood; its argument is the configuration."""


class ReadingCLI(CogitoCLI):
    """The command line up to where it would start to build."""

    def before_instantiate_classes(self) -> None:
        """Stops here."""
        raise Understood(self.config[self.subcommand].as_dict())


def fit_configurations(settings: Settings) -> list[dict[str, Any]]:
    """The configurations of the fits of a run that branches off, defaults included, GRPO last; leaves no file.

    Raises:
        ValueError: The command line is refused; says why.
    """
    said = io.StringIO()
    with TemporaryDirectory() as folder, contextlib.redirect_stderr(said), libraries_speak_to(Path(folder) / "log"):
        *fits, _ = branch_phases(replace(settings, run=Path(folder) / "run"))
        try:
            return [understand(fit) for fit in fits]
        except SystemExit:
            raise ValueError(said.getvalue().partition("error: ")[2].strip() or said.getvalue()) from None


def understand(fit: Phase) -> dict[str, Any]:
    """The configuration of a fit. Raises SystemExit, the reason on standard error, where it is refused."""
    write_overlay(fit)
    try:
        with program_name(fit.program[-1]):
            ReadingCLI(args=list(fit.commands[0]))
    except Understood as understood:
        return understood.args[0]
    raise AssertionError("a command line is either understood or refused")

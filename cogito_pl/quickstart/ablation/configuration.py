"""What the command line of a GRPO fit means, complete, without doing it."""

import contextlib
import io
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import callbacks  # noqa: F401  makes the catalogue known by class path, as train.py does
from cogito_pl.cli import CogitoCLI
from cogito_pl.quickstart.log import libraries_speak_to
from cogito_pl.quickstart.phases import branch_phases
from cogito_pl.quickstart.running import program_name, write_overlay
from cogito_pl.quickstart.settings import Settings


class Understood(Exception):
    """Ends the command line once it is understood; its argument is the configuration."""


class ReadingCLI(CogitoCLI):
    """The command line up to where it would start to build."""

    def before_instantiate_classes(self) -> None:
        """Stops here."""
        raise Understood(self.config[self.subcommand].as_dict())


def fit_configuration(settings: Settings) -> dict[str, Any]:
    """The configuration of the GRPO fit of a run that branches off, defaults included; leaves no file.

    Raises:
        ValueError: The command line is refused; says why.
    """
    said = io.StringIO()
    with TemporaryDirectory() as folder, contextlib.redirect_stderr(said), libraries_speak_to(Path(folder) / "log"):
        fit, *_ = branch_phases(replace(settings, run=Path(folder) / "run"))
        write_overlay(fit)
        try:
            with program_name(fit.program[-1]):
                ReadingCLI(args=list(fit.commands[0]))
        except Understood as understood:
            return understood.args[0]
        except SystemExit:
            raise ValueError(said.getvalue().partition("error: ")[2].strip() or said.getvalue()) from None
    raise AssertionError("a command line is either understood or refused")

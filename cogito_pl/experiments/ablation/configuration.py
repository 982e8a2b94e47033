"""The complete configurations that the command lines of an arm's fits amount to, without running them."""

import contextlib
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import callbacks  # noqa: F401  makes the catalogue known by class path, as train.py does
from cogito_pl.cli import CogitoCLI
from cogito_pl.experiments.ablation.arms import Ablation, Arm
from cogito_pl.experiments.log import libraries_log_to
from cogito_pl.experiments.phases import Phase, program_name, write_overlay


class Parsed(Exception):
    """Ends the command line once it is parsed; its argument is the configuration."""


class ParsingCLI(CogitoCLI):
    """The command line up to the point where it would build objects."""

    def before_instantiate_classes(self) -> None:
        """Stops here."""
        raise Parsed(self.config[self.subcommand].as_dict())


def fit_configurations(ablation: Ablation, arm: Arm) -> list[dict[str, Any]]:
    """The configurations of the fits of `arm` for the first seed, defaults included, in order; leaves no file.

    Raises:
        ValueError: The command line is refused; the message says why.
    """
    seed, message = ablation.seeds[0], io.StringIO()
    with TemporaryDirectory() as folder, contextlib.redirect_stderr(message), libraries_log_to(Path(folder) / "log"):
        *fits, _ = ablation.study.arm(arm, seed, Path(folder) / "run", ablation.folder(seed)).phases
        try:
            return [parsed(fit) for fit in fits]
        except SystemExit:
            text = message.getvalue()
            raise ValueError(text.partition("error: ")[2].strip() or text) from None


def parsed(fit: Phase) -> dict[str, Any]:
    """The configuration of a fit. Raises SystemExit, the reason on standard error, where it is refused."""
    write_overlay(fit)
    try:
        with program_name(fit.program[-1]):
            ParsingCLI(args=list(fit.commands[0]))
    except Parsed as configuration:
        return configuration.args[0]
    raise AssertionError("a command line is either parsed or refused")

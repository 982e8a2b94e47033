"""The complete configurations that the command lines of an arm's fits amount to, without running them."""

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

import callbacks  # noqa: F401  makes the catalogue known by class path, as train.py does
from cogito_pl.cli import CogitoCLI
from cogito_pl.experiments.ablation.arms import Ablation, Arm
from cogito_pl.experiments.log import libraries_log_to
from cogito_pl.experiments.phases import TRAIN, Phase, program_name, write_overlay


class Parsed(Exception):
    """Ends the command line once it is parsed; its argument is the configuration."""


class ParsingCLI(CogitoCLI):
    """The command line up to the point where it would build objects."""

    def before_instantiate_classes(self) -> None:
        """Stops here."""
        text = self.parser.dump(self.config, skip_unset=False)  # as in config.yaml: without values that follow others
        raise Parsed(yaml.safe_load(text)[self.subcommand])


def fit_configurations(ablation: Ablation, arm: Arm) -> list[dict[str, Any]]:
    """The configurations of the fits of `arm` for the first seed, defaults included, in order; leaves no file.

    Raises:
        ValueError: The command line is refused; the message says why.
    """
    seed = ablation.seeds[0]
    with TemporaryDirectory() as folder:
        *fits, _ = ablation.study.arm(arm, seed, Path(folder) / "run", ablation.folder(seed)).phases
        return [fit.overlay if fit.whole else parsed(fit) for fit in fits]


def parsed(fit: Phase) -> dict[str, Any]:
    """The configuration of a fit. Raises ValueError where it is refused."""
    write_overlay(fit)
    return parsed_words(fit.commands[0])


def resolved(files: Sequence[Path]) -> dict[str, Any]:
    """The complete configuration of a fit with these files, which `train.py` takes for any of its commands.

    Raises:
        ValueError: The command line is refused; the message says why.
    """
    config = parsed_words(["fit", *(word for file in files for word in ("--config", str(file)))])
    return {name: config[name] for name in ("seed_everything", "trainer", "model", "data")}


def parsed_words(words: Sequence[str]) -> dict[str, Any]:
    """The configuration of a command line of `train.py`. Raises ValueError where it is refused."""
    message = io.StringIO()
    with TemporaryDirectory() as folder, contextlib.redirect_stderr(message), libraries_log_to(Path(folder) / "log"):
        try:
            with program_name(TRAIN[-1]):
                ParsingCLI(args=list(words))
        except Parsed as configuration:
            return configuration.args[0]
        except SystemExit:
            text = message.getvalue()
            raise ValueError(text.partition("error: ")[2].strip() or text) from None
    raise AssertionError("a command line is either parsed or refused")

"""The log folder of a run of `train.py`: which one is meant, and what is in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from cogito_pl.files import read_jsonl
from cogito_pl.report.curves import Curve, read_curves

SIGNS = ("config.yaml", "events.out.tfevents.*", "rollouts*.jsonl", "validation.rank*.jsonl")
"""A folder with any of these is the log folder of a run."""
COMMANDS = "commands.jsonl"
"""The command lines of the starts of a run, which `callbacks.RunReport` writes."""
BY_COMMAND = {"return_predictions": "predict", "verbose": "validate"}
"""Settings that only one of the commands of `train.py` has."""


class NoRunError(ValueError):
    """A folder is not that of a run."""


@dataclass
class RunFolder:
    """What a run has left so far.

    Args:
        path: The log folder.
        note: Why it is this one, where the folder that was asked for holds several.
    """

    path: Path
    note: str = ""

    @cached_property
    def config(self) -> dict[str, Any]:
        """The settings; empty where the run was not started by `train.py`."""
        file = self.path / "config.yaml"
        return (yaml.safe_load(file.read_text(encoding="utf-8")) or {}) if file.exists() else {}

    @cached_property
    def curves(self) -> dict[str, Curve]:
        """Every scalar that was logged."""
        return read_curves(self.path)

    @cached_property
    def rollouts(self) -> list[dict[str, Any]]:
        """The lines of `callbacks.RolloutStatistics`."""
        file = self.path / "rollouts.jsonl"
        return read_jsonl(file) if file.exists() else []

    @cached_property
    def rejected(self) -> list[dict[str, Any]]:
        """The rows of data that were not used."""
        file = self.path / "rejected.jsonl"
        return read_jsonl(file) if file.exists() else []

    @cached_property
    def starts(self) -> list[dict[str, Any]]:
        """Time and arguments of every start."""
        file = self.path / COMMANDS
        return read_jsonl(file) if file.exists() else []

    @property
    def command(self) -> str:
        """`fit`, `validate` or `predict`; read off the settings, or off what was logged."""
        for setting, command in BY_COMMAND.items():
            if setting in self.config:
                return command
        trained = any(tag.startswith(("sft/", "policy/", "reward/")) for tag in self.curves) or self.rollouts
        return "fit" if self.config or trained or self.files("rollouts.rank*.jsonl") else "validate"

    def files(self, pattern: str) -> list[Path]:
        """Files of the folder by a pattern, in the order of their names: those of all ranks."""
        return sorted(self.path.glob(pattern))

    def setting(self, *names: str) -> Any:
        """A setting by its path; None where the run has none."""
        found: Any = self.config
        for name in names:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found

    def found(self, path: str) -> Path:
        """A path of the settings, relative to where the run was started: here, or a folder above the run."""
        places = [Path(path), *(folder / path for folder in self.path.resolve().parents)]
        return next((place for place in places if place.exists()), Path(path))

    @property
    def began(self) -> float:
        """When the newest start of the run wrote its settings, in seconds since the epoch."""
        file = self.path / "config.yaml"
        return file.stat().st_mtime if file.exists() else 0.0

    @property
    def touched(self) -> datetime:
        """When the run last wrote a file here."""
        return max(written(path) for sign in (*SIGNS, "checkpoints/*") for path in self.path.glob(sign))


def written(path: Path) -> datetime:
    """When a file was last written to, in local time."""
    return datetime.fromtimestamp(path.stat().st_mtime).astimezone()


def find_run(folder: Path) -> RunFolder:
    """The run in `folder`: its own, or the newest of the versions below it.

    Raises:
        NoRunError: There is none.
    """
    if not folder.is_dir():
        raise NoRunError(f"RUN={folder} is not a folder; name the log folder of a run of train.py")
    versions = [*folder.glob("version_*"), *folder.glob("lightning_logs/version_*")]
    runs = sorted((path for path in versions if is_run(path)), key=lambda path: (number(path), path))
    if is_run(folder) and not runs:
        return RunFolder(folder)
    if is_run(folder):  # as a scoring without a logger leaves beside the versions of other runs
        runs.append(folder)
        runs.sort(key=lambda path: RunFolder(path).touched)
    if not runs:
        raise NoRunError(
            f"RUN={folder} holds no run: no config.yaml, TensorBoard events, rollouts or validations, there or in "
            "version_* below it; name the log folder of a run of train.py"
        )
    newest = runs[-1]
    note = f"the newest of {len(runs)} runs in {folder}" if len(runs) > 1 else ""
    return RunFolder(newest, note)


def is_run(folder: Path) -> bool:
    """Whether a folder is the log folder of a run."""
    return any(next(folder.glob(sign), None) for sign in SIGNS)


def number(folder: Path) -> int:
    """The number of a version; those with another name come first."""
    tail = folder.name.removeprefix("version_")
    return int(tail) if tail.isdigit() else -1

"""Score files (Parquet): which ones a setting means, their rows, and what the files say about themselves."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

METADATA = "cogito_pl"
"""Key of the Parquet metadata under which `train.py predict` writes what scores are of."""


@dataclass(frozen=True)
class ScoreFile:
    """One file of scores.

    Args:
        path: Where it is.
        about: What it says about itself: `origin` (model, prompt and verifier), `strata` (the limits of its column
            `stratum`), `scorer` and `trials` (all settings). Empty for a file of another tool.
    """

    path: Path
    about: Mapping[str, Any]

    @classmethod
    def of(cls, path: Path) -> "ScoreFile":
        """The file at `path`, of which the rows are read when they are first used."""
        metadata = pq.read_schema(path).metadata or {}
        return cls(path, json.loads(metadata.get(METADATA.encode(), b"{}")))

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """A row per problem, with all columns; `id` and that of the score are among them."""
        return pq.read_table(self.path).to_pylist()


def find_score_files(named: Sequence[str], column: str, setting: str) -> list[ScoreFile]:
    """The files that a setting names, and those with `column` in the folders that it names.

    Args:
        named: Paths of files and folders.
        column: The column that is asked for.
        setting: Full name of the setting, for messages.

    Raises:
        FileNotFoundError: There is no such file or folder, or no score file in it.
        ValueError: A file that is named lacks `id` or the column.
    """
    return [ScoreFile.of(path) for name in named for path in _files(Path(name), column, setting)]


def _files(path: Path, column: str, setting: str) -> list[Path]:
    if not path.exists():
        raise FileNotFoundError(f"{setting}={path} does not exist; score the data first, by train.py predict")
    if not path.is_dir():
        known = pq.read_schema(path).names
        if missing := {"id", column} - set(known):
            raise ValueError(f"{setting}={path} lacks the columns {sorted(missing)}; it has {known}")
        return [path]
    inside = sorted(path.glob("*.parquet"))
    found = [file for file in inside if {"id", column} <= set(pq.read_schema(file).names)]
    if not found:
        raise FileNotFoundError(
            f"{setting}={path} is a folder in which none of {len(inside)} Parquet files has the columns id and "
            f"{column}; score the data first, by train.py predict"
        )
    return found

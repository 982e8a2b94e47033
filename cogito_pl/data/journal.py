"""A JSON Lines file that a run adds to as it goes, and that a killed and resumed run carries on without repeats."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The lines of a journal in order, without a last one that a killed run did not finish.

    Raises:
        ValueError: A line before the last is no JSON, so the file is not a journal.
    """
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise ValueError(f"{path} holds something else than JSON Lines: {error}; move it away") from error


def append(path: Path, row: dict[str, Any]) -> None:
    """Adds a line, in one write."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def cut(path: Path, keep: Callable[[dict[str, Any]], bool]) -> None:
    """Leaves only the lines that `keep` wants; the file is at all times either the old or the new one."""
    rows = [row for row in read_journal(path) if keep(row)]
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    os.replace(unfinished, path)

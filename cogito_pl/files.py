"""Atomic writes, and JSON Lines files that a resumed run can continue."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def atomic(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Yields a draft beside `path` to write to; it replaces `path` when the block ends without an error.

    Args:
        path: The file. After an error it is as it was before, and the draft is removed.
        durable: Flush the draft to disk before it replaces the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".partial")
    try:
        yield draft
        if durable:
            with draft.open("rb") as file:
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def plain_mode(folder: Path) -> int:
    """The permissions of a file that is opened for writing in a folder: those that the umask leaves.

    For files of libraries that write them for their owner alone.
    """
    with tempfile.TemporaryDirectory(dir=folder) as place:
        probe = Path(place) / "probe"
        probe.touch()
        return probe.stat().st_mode & 0o777


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all."""
    with atomic(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any, indent: int = 2) -> None:
    """Writes a JSON file, whole or not at all."""
    write_text(path, json.dumps(value, indent=indent, ensure_ascii=False) + "\n")


def whole_lines(path: Path) -> list[bytes]:
    """The complete lines of a file; a last line without a line break was cut off by a kill and is left out."""
    return path.read_bytes().split(b"\n")[:-1]


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON Lines file, in order; a last line that was cut off is left out.

    Raises:
        ValueError: A complete line is not JSON; the message names its number.
    """
    rows = []
    for number, line in enumerate(whole_lines(path), 1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            raise ValueError(
                f"{path} line {number} is not JSON ({error}); remove the line, or move the file"
            ) from error
    return rows


def write_jsonl(path: Path, rows: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> None:
    """Writes a JSON Lines file, whole or not at all."""
    with atomic(path) as draft, draft.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def append_jsonl(path: Path, row: dict[str, Any]) -> None:
    """Adds a row. Of a file that a killed run may have left, remove a cut-off last line by `keep_lines` first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def keep_lines(path: Path, keep: Callable[[dict[str, Any]], bool]) -> None:
    """Leaves those lines of a JSON Lines file for whose rows `keep` is true, byte for byte; none that was cut off."""
    kept = [line for line, row in zip(whole_lines(path), read_jsonl(path), strict=True) if keep(row)]
    with atomic(path) as draft:
        draft.write_bytes(b"".join(line + b"\n" for line in kept))

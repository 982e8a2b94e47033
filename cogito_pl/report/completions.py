"""The completions of a page: columns of values that the browser filters and shows a page at a time."""

import base64
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

MOST_TEXT = 36_000_000
"""Characters of completions and problems on one page; the oldest completions are left out beyond."""
MOST_IMAGES = 400
MOST_IMAGE_BYTES = 12_000_000
"""Images on one page, and their bytes; those of older completions are named instead."""
Row = Mapping[str, Any]
"""A record of `callbacks.RolloutTable`, with `set`, the name of what it is of."""
WORDS = ("set", "stage", "source", "kind", "verdict")
"""Columns of few different words: what can be chosen as a filter."""
PROBLEM = ("id", "source", "meta", "question", "images", "kind", "choices", "gold", "image_files")
OWN = (
    "step", "stage", "draw", "validation", "response", "extracted", "verdict", "reward", "terms", "advantage", "tokens",
    "finished",
)  # fmt: skip
"""The entries of a record that tell its problem, and those of its own; a page shows no others."""
MIME = {".png": "image/png", ".jpg": "image/jpeg"}


def read_completions(folder: Path) -> list[dict[str, Any]]:
    """The recorded completions of training and validation of all ranks, oldest first.

    Of a validation that a resumed run took again, the later record counts.
    """
    problems: dict[tuple[str, ...], dict[str, Any]] = {}
    rows = [
        slim(row, "training", problems)
        for file in sorted(folder.glob("rollouts.rank*.jsonl"))
        for row in rows_of_file(file)
    ]
    validated: dict[tuple[Any, ...], dict[str, Any]] = {}
    for file in sorted(folder.glob("validation.rank*.jsonl")):
        for row in rows_of_file(file):
            validated[row["step"], row.get("validation", ""), row["draw"]] = slim(row, "validation", problems)
    return sorted([*rows, *validated.values()], key=lambda row: (row["step"], row["set"], row["draw"]))


def rows_of_file(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSON Lines file one by one, as `cogito_pl.files.read_jsonl` reads them all at once."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield json.loads(line)
            except ValueError as error:
                message = f"{path} line {number} is not JSON ({error}); remove the line, or move the file"
                raise ValueError(message) from error


def slim(row: dict[str, Any], label: str, problems: dict[tuple[str, ...], dict[str, Any]]) -> dict[str, Any]:
    """What a page shows of a record; what it says of the problem is held once for all records of the problem.

    Args:
        row: The record.
        label: What it is of.
        problems: Those that were met so far; added to.
    """
    shared = problems.setdefault(problem_key(row), {name: row[name] for name in PROBLEM if name in row})
    files = row.get("image_files")
    if files and not shared.get("image_files"):
        shared["image_files"] = files
    own = {name: row[name] for name in OWN if name in row}
    own["verdict"], own["stage"] = sys.intern(own["verdict"]), sys.intern(own["stage"])
    return {"set": label, **own, **shared}


def compact(rows: Sequence[Row], images: Mapping[str, str], most_text: int = MOST_TEXT) -> dict[str, Any]:
    """The newest rows as columns, each problem and each word written once.

    Args:
        rows: Oldest first.
        images: Data URIs by the name of the image file.
        most_text: Characters of the kept rows and problems.

    Returns:
        `rows`, the columns; `words`, what their numbers stand for; `problems`; `terms`; `images`; and `total`, the
        number of rows before the oldest were left out.
    """
    kept = newest(rows, most_text)
    words: dict[str, dict[str, int]] = {name: {} for name in WORDS}
    problems: dict[tuple[str, ...], dict[str, Any]] = {}
    terms = list(dict.fromkeys(name for row in kept for name in row.get("terms", {})))
    columns: dict[str, list[Any]] = {
        name: []
        for name in (*WORDS, "step", "problem", "text", "extracted", "reward", "advantage", "tokens", "cut", "terms")
    }
    numbers: dict[tuple[str, ...], int] = {}
    for row in kept:
        key = problem_key(row)
        if key not in problems:
            numbers[key] = len(problems)
            problems[key] = problem_of(row, images)
        for name in WORDS:
            own = words[name]
            columns[name].append(own.setdefault(str(row.get(name, "")), len(own)))
        columns["step"].append(row.get("step", 0))
        columns["problem"].append(numbers[key])
        columns["text"].append(row["response"])
        columns["extracted"].append(row.get("extracted") or "")
        columns["reward"].append(rounded(row.get("reward")))
        columns["advantage"].append(rounded(row.get("advantage")))
        columns["tokens"].append(row["tokens"])
        columns["cut"].append(int(not row["finished"]))
        columns["terms"].append([rounded(row.get("terms", {}).get(name)) for name in terms])
    used = {name for problem in problems.values() for name in problem["kept"]}
    return {
        "rows": columns,
        "words": {name: list(own) for name, own in words.items()},
        "problems": list(problems.values()),
        "terms": terms,
        "images": {name: uri for name, uri in images.items() if name in used},
        "total": len(rows),
    }


def newest(rows: Sequence[Row], most_text: int) -> Sequence[Row]:
    """As many of the last rows as have at most `most_text` characters, each problem counted once."""
    room, seen = most_text, set()
    for place in range(len(rows) - 1, -1, -1):
        row, key = rows[place], problem_key(rows[place])
        room -= len(row["response"]) + 60
        if key not in seen:
            seen.add(key)
            room -= len(row["question"]) + 150
        if room < 0:
            return rows[place + 1 :]
    return rows


def problem_key(row: Row) -> tuple[str, ...]:
    """What tells problems apart."""
    return row.get("source", ""), row["id"], row["question"], row.get("kind", ""), row["gold"]


def problem_of(row: Row, images: Mapping[str, str]) -> dict[str, Any]:
    """What the browser shows of a problem: images by the names of their files, the others by where they come from."""
    names, files = row.get("images") or [], row.get("image_files") or []
    files = [*files, *[None] * (len(names) - len(files))]
    shown = [file for file in files if file in images]
    return {
        "id": row["id"],
        "question": row["question"],
        "gold": row["gold"],
        "choices": row.get("choices") or [],
        "meta": row.get("meta") or {},
        "kept": shown,
        "named": [name for name, file in zip(names, files, strict=False) if file not in images],
    }


def rounded(value: float | None) -> float | None:
    """A value with five digits; None where there is no finite one."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.5g}")


def stored_images(
    folder: Path, rows: Sequence[Row], most: int = MOST_IMAGES, most_bytes: int = MOST_IMAGE_BYTES
) -> dict[str, str]:
    """The images that `callbacks.RolloutTable` keeps in `folder`, as data URIs: those of the newest rows, up to limits.

    Args:
        folder: The log folder; files elsewhere are not read.
        rows: Oldest first.
        most: Images.
        most_bytes: Bytes of their files.
    """
    found: dict[str, str] = {}
    missing: set[str] = set()
    root = folder.resolve()
    for row in reversed(rows):
        for name in row.get("image_files") or []:
            if name is None or name in found or name in missing:
                continue
            file = (root / name).resolve()
            if not file.is_relative_to(root) or file.suffix not in MIME or not file.is_file():
                missing.add(name)
                continue
            most_bytes -= file.stat().st_size
            if most_bytes < 0 or len(found) >= most:
                return found
            found[name] = data_uri(file.read_bytes(), MIME[file.suffix])
    return found


def data_uri(data: bytes, kind: str = "image/png") -> str:
    """Bytes as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def embedded(value: Any) -> Markup:
    """A value as JSON inside of a script element, which no text in it can end."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))

"""Grades a file of completions again: reads its lines, grades them, writes them with the new verdicts."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from cogito_pl.files import atomic
from cogito_pl.problem import LazyImage, Problem
from cogito_pl.rewards.reward import Reward
from cogito_pl.rewards.verifier.grade import VERDICTS, Grade

CHUNK = 512
"""Rows that are graded at once."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What the columns of a file are called; those of `RolloutTable` by default.

    Args:
        response: The completion.
        gold: The gold answer.
        kind: Which verifier decides.
        choices: List of the options of a choice problem; may be missing.
        source: Name of the data source, by which `reward.per_source` applies; may be missing.
        verdict: The file's own verdict, right, wrong or unparsed, or true and false; may be missing.
        sizes: List of [width, height] of the images, which boxes in pixels may need; may be missing.
    """

    response: str = "response"
    gold: str = "gold"
    kind: str = "kind"
    choices: str = "choices"
    source: str = "source"
    verdict: str = "verdict"
    sizes: str = "sizes"


class Row(NamedTuple):
    """A line that can be graded."""

    cells: dict
    response: str
    problem: Problem
    own_verdict: str | bool | None


class BadLine(NamedTuple):
    """A line that cannot be graded, its number from 1, and why."""

    number: int
    reason: str


class Graded(NamedTuple):
    """A row with its grade."""

    row: Row
    grade: Grade

    @property
    def differs(self) -> bool:
        """Whether the file has a verdict of its own, and another one."""
        own = self.row.own_verdict
        return own is not None and own != (self.grade.correct if isinstance(own, bool) else self.grade.verdict)


def read(path: Path, columns: Columns, kind: str | None, reward: Reward) -> Iterator[tuple[int, Row | BadLine]]:
    """Reads the lines of a file, with their lengths in bytes; empty lines are skipped.

    Args:
        path: JSON lines.
        columns: What is where.
        kind: The kind of rows that state none.
        reward: Rejects rows that it cannot grade.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    row = _row(json.loads(line), columns, kind)
                    reason = reward.rejection(row.problem)
                    yield len(line), BadLine(number, reason) if reason else row
                except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or not a row
                    yield len(line), BadLine(number, str(error))


def _row(cells: object, columns: Columns, kind: str | None) -> Row:
    if not isinstance(cells, dict):
        raise ValueError("the line is no JSON object")
    response, gold, kind = cells.get(columns.response), cells.get(columns.gold), cells.get(columns.kind, kind)
    if not isinstance(response, str):
        raise ValueError(f"the column {columns.response!r} holds no text; name another with --response")
    if gold is None:
        raise ValueError(f"there is no column {columns.gold!r}; name another with --gold")
    if not isinstance(kind, str):
        raise ValueError(f"there is no column {columns.kind!r}; name another with --kind, or say --every-kind")
    gold = gold if isinstance(gold, str) else json.dumps(gold)
    choices, sizes = cells.get(columns.choices) or [], cells.get(columns.sizes) or []
    if not isinstance(choices, list):
        raise ValueError(f"the column {columns.choices!r} holds no list")
    if not isinstance(sizes, list) or not all(isinstance(size, list) and len(size) == 2 for size in sizes):
        raise ValueError(f"the column {columns.sizes!r} holds no list of [width, height]")
    images = tuple(LazyImage("known by size", tuple(size), _unseen) for size in sizes)
    problem = Problem(
        id="?", question="<image>" * len(images) + "?", answer=gold, kind=kind, images=images,
        choices=tuple(map(str, choices)), source=str(cells.get(columns.source, "")),
    )  # fmt: skip
    return Row(cells, response, problem, _own_verdict(cells.get(columns.verdict)))


def _unseen() -> None:
    raise ValueError("only the size of this image is known")


def _own_verdict(stated: object) -> str | bool | None:
    if isinstance(stated, bool | int | float) and stated in (0, 1):
        return bool(stated)
    return stated if stated in VERDICTS else None


def regrade(lines: Iterator[tuple[int, Row | BadLine]], reward: Reward) -> Iterator[tuple[int, list[Graded | BadLine]]]:
    """Grades rows, some at a time, in order; yields them with the number of bytes that they took."""
    while chunk := list(islice(lines, CHUNK)):
        done: list[Graded | BadLine] = [line for _, line in chunk if isinstance(line, BadLine)]
        rows = [line for _, line in chunk if isinstance(line, Row)]
        grades = reward.score([row.response for row in rows], [row.problem for row in rows]).grades
        done += [Graded(row, grade) for row, grade in zip(rows, grades, strict=True)]
        yield sum(size for size, _ in chunk), done


@contextmanager
def writing(path: Path | None) -> Iterator[Callable[[Graded], None]]:
    """Writes graded rows, each with its own columns and the new verdict in place of an old one.

    Args:
        path: JSON lines, which are there only when the block ends without an error; null writes nothing.

    Yields:
        What writes a row.
    """
    if path is None:
        yield lambda graded: None
        return
    with atomic(path) as draft, draft.open("w", encoding="utf-8", errors="backslashreplace") as file:

        def write(graded: Graded) -> None:
            grade = graded.grade
            new = {"verdict": grade.verdict, "score": grade.score, "rule": grade.rule, "extracted": grade.extracted}
            file.write(json.dumps(graded.row.cells | new, ensure_ascii=False) + "\n")

        yield write

"""Reads a data source into problems; rows that cannot be used are rejected with their file, number and reason."""

import logging
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tqdm import tqdm

from cogito_pl.data.reading.ahead import ahead
from cogito_pl.data.reading.checked_images import CheckedImages
from cogito_pl.data.reading.folders import Table, data_folder, open_table
from cogito_pl.data.reading.formats import RowError, by_columns, existing_columns, find_format
from cogito_pl.data.reading.images import CheckImages, ImageError, ImageReader
from cogito_pl.data.reading.rows import ProblemMaker
from cogito_pl.data.source import Columns, Source
from cogito_pl.files import write_jsonl
from cogito_pl.problem import Problem
from cogito_pl.rewards import check_gold

_log = logging.getLogger(__name__)
_LONG = 2000  # a progress bar is shown for more rows than this
_REASONS = 3  # so many are named in an error
_THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1  # that decode


@dataclass(frozen=True)
class Rejection:
    """A row that was not used.

    Args:
        file: The file it is in.
        row: Line of a JSON Lines file, row of any other file; both from 1.
        reason: Why, with particulars after a colon.
    """

    file: str
    row: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file} row {self.row}: {self.reason}"


@dataclass(frozen=True)
class ReadResult:
    """What the rows of a source became, in their order."""

    problems: list[Problem]
    rejections: list[Rejection]

    def summary(self) -> str:
        """How many rows are used, and how many were rejected for each reason, with an example."""
        rows = len(self.problems) + len(self.rejections)
        lines = [f"{len(self.problems)} of {rows} rows are used, {len(self.rejections)} rejected"]
        return "\n".join([*lines, *self.by_reason()])

    def by_reason(self) -> list[str]:
        """One line for each reason, the most frequent first: the number of rejections, and the first of them."""
        groups: dict[str, list[Rejection]] = {}
        for rejection in self.rejections:
            reason = re.sub(r"'[^']*'|\"[^\"]*\"", "'...'", rejection.reason.split(": ")[0])
            groups.setdefault(re.sub(r"\d+", "N", reason), []).append(rejection)
        ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
        return [f"  {len(group)} rejected{', such as' if len(group) > 1 else ':'} {group[0]}" for _, group in ordered]


class TooManyRejected(ValueError):
    """More rows were rejected than `rejection_limit` allows: the settings or the data must be wrong."""


def check_answer(problem: Problem) -> str | None:
    """Why the problem's verifier cannot use its answer; None where it can."""
    return _check_gold(problem.answer, problem.kind, problem.choices)


@lru_cache(maxsize=65536)
def _check_gold(answer: str, kind: str, choices: tuple[str, ...]) -> str | None:
    return check_gold(answer, kind, choices)


def read_source(
    source: Source,
    *,
    rejection_limit: float = 0.05,
    check_images: CheckImages = "decode",
    max_image_pixels: int = 50_000_000,
    check: Callable[[Problem], str | None] = check_answer,
    progress: bool = True,
    table: Table | None = None,
) -> ReadResult:
    """Reads every row of a source into a problem or a rejection.

    Args:
        source: Path and columns.
        rejection_limit: Share of rows that may be rejected.
        check_images: `decode` decodes every image once, so that broken ones are rejected now, and remembers those that
            are sound (`checked_images.py`); `header` finds only those that are missing or not images at all.
        max_image_pixels: Images with more pixels than this are rejected.
        check: Gives a reason to reject a problem, or None.
        progress: Show a progress bar for long sources.
        table: The rows, where they are not those of the files as they stand: a benchmark's.

    Raises:
        FileNotFoundError: The path does not exist.
        TooManyRejected: More rows than `rejection_limit` allows were rejected, or all of them.
        ValueError: The settings do not fit the data; the message names the setting and the remedy.
    """
    if not 0 <= rejection_limit <= 1:
        raise ValueError(f"data.rejection_limit={rejection_limit} is not a share; choose a number from 0 to 1")
    form = find_format(source)
    table = open_table(source) if table is None else table
    if not len(table):
        raise ValueError(f"source {source.label}: {source.path} holds no rows in split {source.split!r}")
    hint = by_columns(table.columns, form)
    columns = existing_columns(source, form, table.columns, table.image_columns, hint) if table.columns else Columns()
    named = [name for name in vars(columns).values() if name is not None]
    shown = tqdm(
        table.rows(named),
        desc=source.label,
        total=len(table),
        unit=" rows",
        mininterval=1,
        disable=not progress or len(table) <= _LONG,
    )
    root, result = data_folder(source), ReadResult([], [])
    with CheckedImages(root, announce=progress) as checked:
        maker = ProblemMaker(source, form, columns, ImageReader(root, check_images, max_image_pixels, checked), check)
        for position, (row, images) in enumerate(ahead(maker.images, shown, _THREADS)):
            try:
                result.problems.append(maker(position, row, images))
            except (RowError, ImageError) as error:
                result.rejections.append(Rejection(row.file, row.number, str(error)))
    if source.limit is not None:
        _log.warning("source %s: limit=%d: only the first %d rows were read", source.label, source.limit, len(table))
    if maker.repeated_ids:
        _log.warning("source %s: %d rows repeat an id and were given new ones", source.label, maker.repeated_ids)
    share = len(result.rejections) / len(table)
    if share > rejection_limit or not result.problems:
        reasons = result.by_reason()
        more = [f"  and {len(reasons) - _REASONS} other reasons"] if len(reasons) > _REASONS else []
        raise TooManyRejected(
            f"source {source.label}: {len(result.rejections)} of {len(table)} rows were rejected ({share:.1%}), and "
            f"rejection_limit={rejection_limit} allows {rejection_limit:.1%}; correct the data or the settings of the "
            "source, or raise data.rejection_limit\n" + "\n".join([*reasons[:_REASONS], *more])
        )
    return result


def write_rejections(rejections: Sequence[Rejection], folder: Path) -> Path:
    """Lists rejected rows in `rejected.jsonl` in a folder, and returns that file."""
    path = folder / "rejected.jsonl"
    write_jsonl(path, [vars(rejection) for rejection in rejections])
    return path

"""Data sources in, problems out; what cannot be used is rejected with its file, row and reason.

Knows how to count and report; nothing of file formats, of what columns mean, or of models.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lightning.pytorch.utilities import rank_zero_info
from tqdm import tqdm

from cogito_pl.data.reading.folders import data_folder, open_table
from cogito_pl.data.reading.images import CheckImages, ImageError, ImageReader
from cogito_pl.data.reading.rows import ProblemMaker, RowError, existing_columns
from cogito_pl.data.source import Source
from cogito_pl.files import write_jsonl
from cogito_pl.problem import Problem
from cogito_pl.rewards import check_gold

_log = logging.getLogger(__name__)
_LONG = 2000  # rows from which on a progress bar is shown


@dataclass(frozen=True)
class Rejection:
    """A row that was not used.

    Args:
        file: The file it is in.
        row: Line (from 1) of a JSON Lines file; position (from 0) in any other file.
        reason: Why, with particulars after a colon.
    """

    file: str
    row: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file} row {self.row}: {self.reason}"


@dataclass(frozen=True)
class ReadResult:
    """What became of the rows of a source, in their order."""

    problems: list[Problem]
    rejections: list[Rejection]


class TooManyRejected(ValueError):
    """So many rows were rejected that the settings or the data must be wrong."""


def check_answer(problem: Problem) -> str | None:
    """Why the problem's own verifier cannot work with its answer; None where it can."""
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
) -> ReadResult:
    """Reads every row of a source into a problem or a rejection.

    Args:
        source: Where the rows are and what their columns are called.
        rejection_limit: Share of rows that may be rejected.
        check_images: `decode` decodes every image once, so that broken ones are rejected now; `header` is faster and
            finds only those that are missing or no images at all.
        max_image_pixels: Images with more pixels than this are rejected.
        check: Gives a reason to refuse a problem, or None.
        progress: Show a progress bar for long sources.

    Raises:
        FileNotFoundError: The path does not exist.
        TooManyRejected: More rows than `rejection_limit` allows were rejected, or all of them.
        ValueError: The settings do not fit the data; the message names the setting and the remedy.
    """
    if not 0 <= rejection_limit <= 1:
        raise ValueError(f"rejection_limit={rejection_limit} is no share; choose one from 0 to 1")
    table = open_table(source)
    if not len(table):
        raise ValueError(f"source {source.label}: {source.path} holds no rows in split {source.split!r}")
    columns = existing_columns(source, table.columns, table.image_columns) if table.columns else source.columns
    images = ImageReader(data_folder(source), check_images, max_image_pixels)
    maker = ProblemMaker(source, columns, images, check)
    result = ReadResult([], [])
    named = [name for name in vars(columns).values() if name is not None]
    shown = tqdm(
        table.rows(named),
        desc=source.label,
        total=len(table),
        unit=" rows",
        mininterval=1,
        disable=not progress or len(table) <= _LONG,
    )
    for position, row in enumerate(shown):
        try:
            result.problems.append(maker(position, row))
        except (RowError, ImageError) as error:
            result.rejections.append(Rejection(row.file, row.number, str(error)))
    if source.limit is not None:
        _log.warning("source %s: limit=%d: only the first %d rows were read", source.label, source.limit, len(table))
    if maker.repeated_ids:
        _log.warning("source %s: %d rows repeat an id and were given new ones", source.label, maker.repeated_ids)
    share = len(result.rejections) / len(table)
    if share > rejection_limit or not result.problems:
        first = "\n".join(f"  {rejection}" for rejection in result.rejections[:5])
        raise TooManyRejected(
            f"source {source.label}: {len(result.rejections)} of {len(table)} rows were rejected ({share:.1%}), and "
            f"rejection_limit={rejection_limit} allows {rejection_limit:.1%}.\n{_by_reason(result)}\n"
            f"The first of them:\n{first}"
        )
    return result


def summarise(result: ReadResult) -> str:
    """How many rows were used, and how many were rejected for each reason, with an example."""
    rows = len(result.problems) + len(result.rejections)
    lines = [f"{len(result.problems)} of {rows} rows are used, {len(result.rejections)} rejected"]
    return "\n".join([*lines, *filter(None, [_by_reason(result)])])


def _by_reason(result: ReadResult) -> str:
    groups: dict[str, list[Rejection]] = {}
    for rejection in result.rejections:
        reason = re.sub(r"'[^']*'|\"[^\"]*\"", "'...'", rejection.reason.split(": ")[0])
        groups.setdefault(re.sub(r"\d+", "N", reason), []).append(rejection)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    return "\n".join(f"  {len(group)} rejected: {reason} (first: {group[0]})" for reason, group in ordered)


Objection = Callable[[Problem], str | None]
"""Why a problem cannot be used; None where it can."""


class Reader:
    """Reads sources, and tells what it read and rejected.

    Args:
        rejection_limit: Share of a source's rows that may be unusable before reading stops with an error.
        check_images: `decode` finds every broken image; `header` only opens them.
        max_image_pixels: Larger images are rejected, before they are decoded.
    """

    def __init__(self, rejection_limit: float, check_images: CheckImages, max_image_pixels: int) -> None:
        self.rejection_limit, self.check_images, self.max_image_pixels = rejection_limit, check_images, max_image_pixels
        self.rejections: list[Rejection] = []

    def read(self, source: Source, objection: Objection, *, progress: bool) -> list[Problem]:
        """The problems of `source` to which there is no objection.

        Args:
            source: What is read.
            objection: Of the module that is to work on them, whose reward verifies their answers.
            progress: Whether a bar is shown.
        """
        result = read_source(
            source,
            rejection_limit=self.rejection_limit,
            check_images=self.check_images,
            max_image_pixels=self.max_image_pixels,
            check=objection,
            progress=progress,
        )
        self.rejections += result.rejections
        rank_zero_info(f"{source.label}: {summarise(result)}")
        return result.problems

    def write_rejections(self, folder: Path) -> None:
        """Lists the rejected rows in `rejected.jsonl`, where there are any."""
        if self.rejections:
            path = folder / "rejected.jsonl"
            write_jsonl(path, [vars(rejection) for rejection in self.rejections])
            rank_zero_info(f"the rejected rows are listed in {path}")

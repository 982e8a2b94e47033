"""Data sources in, problems out; what cannot be used is refused with its file, row and reason.

Knows how to count and report; nothing of file formats, of what columns mean, or of models.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tqdm import tqdm

from cogito_pl.data.folders import data_folder, open_table
from cogito_pl.data.pictures import CheckImages, PictureError, PictureReader
from cogito_pl.data.problem import Problem
from cogito_pl.data.rows import ProblemMaker, RowError, existing_columns
from cogito_pl.data.source import Source
from cogito_pl.rewards import check_gold

_log = logging.getLogger(__name__)
_LONG = 2000  # rows from which on a progress bar is shown


@dataclass(frozen=True)
class Refusal:
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
    refusals: list[Refusal]


class TooManyRefused(ValueError):
    """So many rows were refused that the settings or the data must be wrong."""


def check_answer(problem: Problem) -> str | None:
    """Why the problem's own verifier cannot work with its answer; None where it can."""
    return _check_gold(problem.answer, problem.kind, problem.choices)


@lru_cache(maxsize=65536)
def _check_gold(answer: str, kind: str, choices: tuple[str, ...]) -> str | None:
    return check_gold(answer, kind, choices)


def read_source(
    source: Source,
    *,
    refuse_limit: float = 0.05,
    check_images: CheckImages = "decode",
    max_image_pixels: int = 50_000_000,
    check: Callable[[Problem], str | None] = check_answer,
    progress: bool = True,
) -> ReadResult:
    """Reads every row of a source into a problem or a refusal.

    Args:
        source: Where the rows are and what their columns are called.
        refuse_limit: Share of rows that may be refused.
        check_images: `decode` decodes every picture once, so that broken ones are refused now; `header` is faster and
            finds only those that are missing or no pictures at all.
        max_image_pixels: Pictures with more pixels than this are refused.
        check: Gives a reason to refuse a problem, or None.
        progress: Show a progress bar for long sources.

    Raises:
        FileNotFoundError: The path does not exist.
        TooManyRefused: More rows than `refuse_limit` allows were refused, or all of them.
        ValueError: The settings do not fit the data; the message names the setting and the remedy.
    """
    if not 0 <= refuse_limit <= 1:
        raise ValueError(f"refuse_limit={refuse_limit} is no share; choose one from 0 to 1")
    table = open_table(source)
    if not len(table):
        raise ValueError(f"source {source.label}: {source.path} holds no rows in split {source.split!r}")
    columns = existing_columns(source, table.columns, table.picture_columns) if table.columns else source.columns
    pictures = PictureReader(data_folder(source), check_images, max_image_pixels)
    maker = ProblemMaker(source, columns, pictures, check)
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
        except (RowError, PictureError) as error:
            result.refusals.append(Refusal(row.file, row.number, str(error)))
    if source.limit is not None:
        _log.warning("source %s: limit=%d: only the first %d rows were read", source.label, source.limit, len(table))
    if maker.repeated_ids:
        _log.warning("source %s: %d rows repeat an id and were given new ones", source.label, maker.repeated_ids)
    share = len(result.refusals) / len(table)
    if share > refuse_limit or not result.problems:
        first = "\n".join(f"  {refusal}" for refusal in result.refusals[:5])
        raise TooManyRefused(
            f"source {source.label}: {len(result.refusals)} of {len(table)} rows were refused ({share:.1%}), and "
            f"refuse_limit={refuse_limit} allows {refuse_limit:.1%}.\n{_by_reason(result)}\nThe first of them:\n{first}"
        )
    return result


def summarise(result: ReadResult) -> str:
    """How many rows were used, and how many were refused for each reason, with an example."""
    rows = len(result.problems) + len(result.refusals)
    lines = [f"{len(result.problems)} of {rows} rows are used, {len(result.refusals)} refused"]
    return "\n".join([*lines, *filter(None, [_by_reason(result)])])


def _by_reason(result: ReadResult) -> str:
    groups: dict[str, list[Refusal]] = {}
    for refusal in result.refusals:
        reason = re.sub(r"'[^']*'|\"[^\"]*\"", "'...'", refusal.reason.split(": ")[0])
        groups.setdefault(re.sub(r"\d+", "N", reason), []).append(refusal)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    return "\n".join(f"  {len(group)} refused: {reason} (first: {group[0]})" for reason, group in ordered)

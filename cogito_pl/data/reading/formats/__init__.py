"""Row formats: how the rows of a data set hold problems, one file per format. See `RowFormat` for what one is."""

from collections.abc import Collection
from dataclasses import replace

from cogito_pl.data.reading.formats.columns import ColumnsFormat
from cogito_pl.data.reading.formats.messages import Messages
from cogito_pl.data.reading.formats.row_format import Cells, Fields, RowError, RowFormat, existing_columns
from cogito_pl.data.reading.formats.sharegpt import ShareGPT
from cogito_pl.data.reading.formats.swift import Swift
from cogito_pl.data.source import Columns, Source

FORMATS: dict[str, RowFormat] = {form.name: form for form in (ColumnsFormat(), Messages(), ShareGPT(), Swift())}
"""By the values of a source's `format`."""


def find_format(source: Source) -> RowFormat:
    """The format of a source. Raises ValueError, listing the names there are, for one that does not exist."""
    if source.format not in FORMATS:
        raise ValueError(f"source {source.label}: format={source.format!r} is none of {', '.join(FORMATS)}; correct it")
    return FORMATS[source.format]


def by_columns(present: Collection[str], form: RowFormat) -> str:
    """The advice to set another format than `form`, where the columns of the data are those of one; else nothing."""
    fitting = [other for other in FORMATS.values() if other is not form and other.telltale <= set(present)]
    if not fitting:
        return ""
    name = max(fitting, key=lambda other: len(other.telltale)).name
    return f"; they are those of another format: set `format: {name}`"


def by_row(cells: Cells, form: RowFormat, columns: Columns) -> str | None:
    """Why a row is not of the format `form`, where it is of another one; None where it is, or of none at all.

    Args:
        cells: The row.
        form: The format of the source.
        columns: Its columns.
    """
    if form.recognises(cells, columns):
        return None
    for other in FORMATS.values():
        own = other.named(Columns())
        if other is not form and other.recognises(cells, own):
            return f"the row looks like the format {other.name}: set `format: {other.name}`"
        if other is not form and other.recognises(cells, replace(own, turns=columns.turns)):
            moved = f"`format: {other.name}` and `columns.turns: {columns.turns}`"
            return f"the row looks like the format {other.name}: set {moved}"
    return None


__all__ = [
    "FORMATS",
    "Cells",
    "Fields",
    "RowError",
    "RowFormat",
    "by_columns",
    "by_row",
    "existing_columns",
    "find_format",
]

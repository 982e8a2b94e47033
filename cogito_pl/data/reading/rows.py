"""Makes a problem of a row, or says why the row is rejected."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

from cogito_pl.data.reading.images import ImageReader
from cogito_pl.data.reading.tables import Row
from cogito_pl.data.source import Columns, Source
from cogito_pl.problem import IMAGE_MARKER, LazyImage, Problem
from cogito_pl.rewards import KINDS

_log = logging.getLogger(__name__)


class RowError(ValueError):
    """A row cannot become a problem; the message says why."""


def existing_columns(source: Source, present: Sequence[str], with_images: Sequence[str]) -> Columns:
    """The source's columns, with None for defaults that the data lack.

    Args:
        source: States the columns.
        present: The columns of the data.
        with_images: Those of them that hold images.

    Raises:
        ValueError: A column that is needed or was named is absent, the kind is stated nowhere, or there are images
            that no setting mentions.
    """
    columns, has = source.columns, f"{source.path} has the columns {', '.join(present)}"
    for column in fields(Columns):
        name = getattr(columns, column.name)
        if name is None or name in present:
            continue
        if column.name in ("question", "answer") or name != column.default:
            raise ValueError(f"source {source.label}: columns.{column.name}={name!r} does not exist; {has}")
        columns = replace(columns, **{column.name: None})
    if columns.kind is None and source.kind is None:
        raise ValueError(
            f"source {source.label}: the kind of the answers is stated nowhere; set `kind` to one of "
            f"{', '.join(KINDS)} or reward.verifiers, or name a column under `columns.kind`; {has}"
        )
    unnamed = ", ".join(name for name in with_images if name not in vars(columns).values())
    if unnamed and columns.images is None and source.columns.images is not None:
        raise ValueError(
            f"source {source.label}: no setting names the images in {unnamed}; set `columns.images`, or set it to null "
            "to use the text alone"
        )
    if unnamed:
        _log.warning("source %s: the images in %s are not used", source.label, unnamed)
    return columns


class ProblemMaker:
    """Makes problems from the rows of one source.

    Args:
        source: Gives the name, and the kind where a row has none.
        columns: Names of the columns; None for those that the data lack.
        reader: Reads image cells.
        check: Gives a reason to reject a problem, or None.
    """

    def __init__(
        self, source: Source, columns: Columns, reader: ImageReader, check: Callable[[Problem], str | None]
    ) -> None:
        self.repeated_ids = 0
        self._source, self._columns, self._reader, self._check = source, columns, reader, check
        self._named = set(vars(columns).values())
        self._ids: dict[str, int] = {}

    def images(self, row: Row) -> tuple[LazyImage, ...]:
        """The images of a row; several threads may ask at once.

        Raises:
            ImageError: An image cannot be used.
        """
        cell = row.cells.get(self._columns.images)
        again = None if row.again is None else partial(row.again, self._columns.images)
        return self._reader(None if _is_missing(cell) else cell, f"{row.file} row {row.number}", again)

    def __call__(self, position: int, row: Row, found: Callable[[], tuple[LazyImage, ...]]) -> Problem:
        """The problem in a row.

        Args:
            position: Of the row in the source, from 0; the id of a row that has none.
            row: The row.
            found: Gives what `images` returned for the row, or raises what it raised.

        Raises:
            RowError: The row cannot be used.
            ImageError: An image of the row cannot be used.
        """
        if row.fault:
            raise RowError(row.fault)
        cells = {column: None if _is_missing(value) else value for column, value in row.cells.items()}
        name = self._unique_id(cells, position)  # before anything is rejected: ids do not depend on the checks
        question = _text(cells.get(self._columns.question), "question")
        if not question.strip():
            raise RowError("the question is empty")
        answer = _answer(cells.get(self._columns.answer))
        images = found()
        if images and IMAGE_MARKER not in question:
            question = f"{IMAGE_MARKER * len(images)}\n{question}"
        try:
            problem = Problem(
                id=name,
                question=question,
                answer=answer,
                kind=_text(cells.get(self._columns.kind), "kind") or self._source.kind or "",
                images=images,
                choices=_choices(cells.get(self._columns.choices)),
                solution=_text(cells.get(self._columns.solution), "solution") or None,
                source=self._source.label,
                meta=self._meta(cells),
            )
        except RowError:
            raise
        except ValueError as error:
            raise RowError(str(error)) from error
        reason = self._check(problem)
        if reason is not None:
            raise RowError(reason)
        return problem

    def _unique_id(self, cells: Mapping[str, Any], position: int) -> str:
        value = cells.get(self._columns.id)
        wanted = unique = str(position) if value is None or value == "" else _text(value, "id")
        while unique in self._ids:
            self._ids[wanted] = self._ids.get(wanted, 1) + 1
            unique = f"{wanted}#{self._ids[wanted]}"
        self._ids[unique] = 1
        self.repeated_ids += unique != wanted
        return unique

    def _meta(self, cells: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
        others = ((column, value) for column, value in cells.items() if column not in self._named)
        return {c: _text(v, c) if isinstance(v, str) else v for c, v in others if isinstance(v, str | int | float)}


def _is_missing(value: Any) -> bool:
    """Whether there is no value: None, or the NaN that tables put in its place."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _text(value: Any, what: str) -> str:
    """A value as text; numbers and booleans as Python writes them."""
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise RowError(f"the {what} is neither text nor a number: {type(value).__name__}")
    text = str(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise RowError(f"the {what} has half a surrogate pair, which no tokenizer can encode") from error
    return text


def _answer(value: Any) -> str:
    if isinstance(value, list):
        if len(value) > 1:
            raise RowError(f"the answer is a list of {len(value)} values instead of one")
        value = value[0] if value and not _is_missing(value[0]) else None
    answer = _text(value, "answer")
    if not answer.strip():
        raise RowError("the answer is empty")
    return answer


def _choices(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise RowError(f"the choices are not a list: {type(value).__name__}")
    choices = tuple(_text(choice, "choices") for choice in value)
    if not all(choice.strip() for choice in choices):
        raise RowError("one of the choices is empty")
    return choices

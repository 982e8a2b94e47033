"""Makes a problem of a row, or says why the row is rejected."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cogito_pl.data.reading.formats import RowError, RowFormat, by_row
from cogito_pl.data.reading.formats.answers import answer_in
from cogito_pl.data.reading.images import ImageReader
from cogito_pl.data.reading.tables import Row
from cogito_pl.data.source import Columns, Source
from cogito_pl.problem import IMAGE_MARKER, Exchange, LazyImage, Problem


@dataclass(frozen=True)
class _ImagesAgain:
    """Reads the images of a row again; small when pickled."""

    form: RowFormat
    columns: Columns
    cell: Callable[[str], Any]

    def __call__(self) -> Any:
        used = {name for name in (self.columns.images, self.columns.turns) if name is not None}
        return self.form.images({name: self.cell(name) for name in used}, self.columns)


class ProblemMaker:
    """Makes problems from the rows of one source.

    Args:
        source: Gives the name, the kind where a row has none, and where the answer and a system message go.
        form: Its format.
        columns: Names of the columns; None for those that the data lack.
        reader: Reads image cells.
        check: Gives a reason to reject a problem, or None.
    """

    def __init__(
        self,
        source: Source,
        form: RowFormat,
        columns: Columns,
        reader: ImageReader,
        check: Callable[[Problem], str | None],
    ) -> None:
        self.repeated_ids = 0
        self._source, self._form, self._columns, self._reader, self._check = source, form, columns, reader, check
        self._named = set(vars(columns).values())
        self._ids: dict[str, int] = {}

    def images(self, row: Row) -> tuple[LazyImage, ...]:
        """The images of a row; several threads may ask at once.

        Raises:
            RowError: Where the images are cannot be told.
            ImageError: An image cannot be used.
        """
        cell = self._form.images(row.cells, self._columns)
        again = None if row.again is None else _ImagesAgain(self._form, self._columns, row.again)
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
        if other := by_row(cells, self._form, self._columns):
            raise RowError(other)
        fields = self._form.fields(cells, self._columns)
        question = _text(fields.question, "question")
        if not question.strip():
            raise RowError("the question is empty")
        solution = _text(fields.solution, "solution") or None
        rule = self._source.answer_in
        answer = _answer(fields.answer if rule == "column" else answer_in(solution, rule))
        question, history = _with_markers(question, fields.history, images := found())
        try:
            problem = Problem(
                id=name,
                question=question,
                answer=answer,
                kind=_text(fields.kind, "kind") or self._source.kind or "",
                images=images,
                choices=_choices(fields.choices),
                solution=solution,
                history=history,
                system=self._system(fields.system),
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

    def _system(self, message: str | None) -> str | None:
        if message and self._source.system == "refuse":
            raise RowError("the row has a system message, and the source says `system: refuse`")
        return message if self._source.system == "keep" else None

    def _meta(self, cells: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
        others = ((column, value) for column, value in cells.items() if column not in self._named)
        return {c: _text(v, c) if isinstance(v, str) else v for c, v in others if isinstance(v, str | int | float)}


def _with_markers(
    question: str, history: tuple[Exchange, ...], images: Sequence[LazyImage]
) -> tuple[str, tuple[Exchange, ...]]:
    """Puts images without any marker before the first question."""
    if not images or any(IMAGE_MARKER in text for text in (question, *(turn.question for turn in history))):
        return question, history
    markers = f"{IMAGE_MARKER * len(images)}\n"
    if not history:
        return markers + question, history
    return question, (replace(history[0], question=markers + history[0].question), *history[1:])


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

"""The format `columns`: a column for the question, one for the answer, and so on."""

from typing import Any, ClassVar

from cogito_pl.data.reading.formats.row_format import Cells, Fields, RowError, RowFormat
from cogito_pl.data.source import Columns
from cogito_pl.problem import Exchange


class ColumnsFormat(RowFormat):
    """`{"question": "How many?", "answer": "3", "images": [...]}`."""

    name = "columns"
    needs = ("question", "answer")
    without = ("turns",)
    telltale: ClassVar[frozenset[str]] = frozenset({"question", "answer"})

    def recognises(self, cells: Cells, columns: Columns) -> bool:
        """Whether there is a question."""
        return cells.get(columns.question) is not None

    def fields(self, cells: Cells, columns: Columns) -> Fields:
        """The values of the columns."""
        system = cells.get(columns.system)
        if system is not None and not isinstance(system, str):
            raise RowError(f"the system message is not text: {type(system).__name__}")
        return Fields(
            question=cells.get(columns.question),
            answer=cells.get(columns.answer),
            kind=cells.get(columns.kind),
            choices=cells.get(columns.choices),
            solution=cells.get(columns.solution),
            id=cells.get(columns.id),
            history=_history(cells.get(columns.history)),
            system=system or None,
        )


def _history(value: Any) -> tuple[Exchange, ...]:
    pairs = [] if value is None else value
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair) for pair in pairs
    ):
        raise RowError(
            "the history is not a list of pairs of question and response; set columns.history to null to leave it out"
        )
    return tuple(Exchange(*pair) for pair in pairs)

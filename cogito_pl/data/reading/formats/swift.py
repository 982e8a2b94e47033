"""The format `swift`: ms-swift's standard rows, with the answer in `solution`."""

from collections.abc import Mapping
from typing import ClassVar

from cogito_pl.data.reading.formats.messages import Messages
from cogito_pl.data.reading.formats.row_format import Cells, Fields, RowError
from cogito_pl.data.source import Columns


class Swift(Messages):
    """`{"messages": [{"role": "user", "content": "<image>Find x."}], "images": ["a.png"], "solution": "3"}`.

    What the row calls `solution` is the answer, for GRPO; the worked solution, for SFT, is the assistant's turn. Boxes
    (`objects`, for `<bbox>` and `<ref-object>` in the text) are not put into the text: such a row is rejected. ms-swift
    fills in missing markers and warns of too many; here their number must fit, or be zero.
    """

    name = "swift"
    defaults: ClassVar[Mapping[str, str]] = {**Messages.defaults, "answer": "solution"}
    telltale: ClassVar[frozenset[str]] = frozenset({"messages", "solution"})

    def recognises(self, cells: Cells, columns: Columns) -> bool:
        """Whether there are turns with a role."""
        return self.has_keys(cells.get(columns.turns))

    def fields(self, cells: Cells, columns: Columns) -> Fields:
        """See `Conversation.fields`."""
        if cells.get("objects"):
            raise RowError("the row has boxes in 'objects', which are not put into the text")
        return super().fields(cells, columns)

"""The format `messages`: the chats of OpenAI, transformers and TRL."""

from collections.abc import Mapping
from typing import ClassVar

from cogito_pl.data.reading.formats.conversation import Conversation
from cogito_pl.data.reading.formats.row_format import Cells
from cogito_pl.data.source import Columns


class Messages(Conversation):
    """`{"messages": [{"role": "user", "content": "<image>Find x."}, {"role": "assistant", ...}], "images": [...]}`.

    Content is text with `<image>` markers, or a list of parts: `{"type": "text", "text": ...}`, `{"type": "image"}` for
    the next image of the column, or an image in its place, `{"type": "image", "image": ...}` and
    `{"type": "image_url", "image_url": {"url": ...}}`. The answer has a column of its own, or stands in the response.
    """

    name = "messages"
    defaults: ClassVar[Mapping[str, str]] = {"turns": "messages"}
    telltale: ClassVar[frozenset[str]] = frozenset({"messages"})
    speaker, text = "role", "content"
    roles: ClassVar[Mapping[str, str]] = {name: name for name in ("system", "user", "assistant")}

    def recognises(self, cells: Cells, columns: Columns) -> bool:
        """Whether there are turns with a role, and no column `solution`, which holds the answer in swift's format."""
        return super().recognises(cells, columns) and (cells.get("solution") is None or columns.answer == "solution")

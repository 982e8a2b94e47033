"""What the formats of conversations have in common: turns that take turns, and text with images in it."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from cogito_pl.data.reading.formats.row_format import Cells, Fields, RowError, RowFormat
from cogito_pl.data.source import Columns
from cogito_pl.problem import IMAGE_MARKER, Exchange

CHANGES_MEANING = ("tool_calls", "function_call", "tool_call_id", "reasoning_content", "thinking", "loss", "weight")
"""Keys of a turn that say something which a problem has no place for."""


class Conversation(RowFormat):
    """A list of turns in one column: perhaps a system message, then user and assistant in alternation.

    The last question is the problem's, an assistant turn after it the solution; what was said before is the history.
    """

    needs = ("turns", "answer")
    without = ("question", "solution", "history")
    speaker: ClassVar[str]
    """The key of a turn that says who speaks."""
    text: ClassVar[str]
    """The key of a turn that holds what is said."""
    roles: ClassVar[Mapping[str, str]]
    """What this format calls `system`, `user` and `assistant`, by its own names."""

    def recognises(self, cells: Cells, columns: Columns) -> bool:
        """Whether there is a list of turns with this format's keys."""
        return self.has_keys(cells.get(columns.turns))

    def has_keys(self, turns: Any) -> bool:
        """Whether the first of these turns has this format's keys."""
        first = turns[0] if isinstance(turns, list) and turns else None
        return isinstance(first, dict) and self.speaker in first and self.text in first

    def images(self, cells: Cells, columns: Columns) -> Any:
        """The images in the turns, in order, else those of the column.

        Raises:
            RowError: There are images in both places.
        """
        inside = list(_inline_images(cells.get(columns.turns), self.text))
        beside = cells.get(columns.images)
        if inside and beside:
            raise RowError(f"there are images both in the turns and in the column {columns.images!r}")
        return inside or beside

    def fields(self, cells: Cells, columns: Columns) -> Fields:
        """Question, history, solution and system message of the conversation; all else from the columns."""
        said = [self._turn(place, turn) for place, turn in enumerate(self._turns(cells, columns), 1)]
        system = cells.get(columns.system)
        if said and said[0][0] == "system":
            if system:
                raise RowError(f"there is a system message both in the turns and in the column {columns.system!r}")
            system = said.pop(0)[1]
        for place, (role, _) in enumerate(said):
            if role != ("user", "assistant")[place % 2]:
                before = f"a turn of the {said[place - 1][0]}" if place else "no question"
                raise RowError(f"the turns do not alternate: a turn of the {role} follows {before}")
        if not said:
            raise RowError("the conversation has no question")
        questions, responses = [text for _, text in said[::2]], [text for _, text in said[1::2]]
        return Fields(
            question=questions[-1],
            solution=responses[-1] if len(responses) == len(questions) else None,
            history=tuple(Exchange(*pair) for pair in zip(questions[:-1], responses, strict=False)),
            system=system or None,
            answer=cells.get(columns.answer),
            kind=cells.get(columns.kind),
            choices=cells.get(columns.choices),
            id=cells.get(columns.id),
        )

    def _turns(self, cells: Cells, columns: Columns) -> list[Any]:
        turns = cells.get(columns.turns)
        if not isinstance(turns, list) or not turns:
            raise RowError(f"the column {columns.turns!r} is no list of turns: {type(turns).__name__}")
        return turns

    def _turn(self, place: int, turn: Any) -> tuple[str, str]:
        """Role and text of a turn."""
        if not isinstance(turn, dict) or self.speaker not in turn or self.text not in turn:
            raise RowError(f"turn {place} lacks the keys {self.speaker} and {self.text}")
        if said := [key for key in CHANGES_MEANING if turn.get(key) is not None]:
            raise RowError(f"turn {place} has the key {said[0]!r}, which is not read; correct it or leave the row out")
        role = self.roles.get(str(turn[self.speaker]))
        if role is None or (role == "system" and place > 1):
            known = f"only {', '.join(self.roles)} are read, the system message first"
            raise RowError(f"turn {place} is of {turn[self.speaker]!r}: {known}")
        text = _text(place, turn[self.text])
        if not text.replace(IMAGE_MARKER, "").strip() and role != "user":
            raise RowError(f"turn {place} is empty")
        if IMAGE_MARKER in text and role != "user":
            raise RowError(f"turn {place} has an image, and only questions have images")
        return role, text


def _text(place: int, content: Any) -> str:
    """What is said in a turn, with a marker where an image is."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise RowError(f"turn {place} is neither text nor a list of parts: {type(content).__name__}")
    pieces = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            if IMAGE_MARKER in part["text"] and any(other.get("type") in _IMAGE for other in content if other != part):
                raise RowError(f"turn {place} has {IMAGE_MARKER} in its text beside parts that are images")
            pieces.append(part["text"])
        elif kind in _IMAGE:
            pieces.append(IMAGE_MARKER)
        else:
            raise RowError(f"turn {place} has a part of the type {kind!r}: only text and image are read")
    return "".join(pieces)


_IMAGE = ("image", "image_url")


def _inline_images(turns: Any, key: str) -> Iterator[Any]:
    """The images that stand in the content of turns; whatever is wrong with the turns is said elsewhere."""
    for turn in turns if isinstance(turns, list) else ():
        content = turn.get(key) if isinstance(turn, dict) else None
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and part.get("type") in _IMAGE:
                value = part.get(part["type"])
                value = value.get("url") if part["type"] == "image_url" and isinstance(value, dict) else value
                stored = value.get("bytes") or value.get("path") if isinstance(value, dict) else value
                if stored:
                    yield value

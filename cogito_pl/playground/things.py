"""What a cell can hold, and how it is described. Knows attributes; nothing of places or pixels."""

from dataclasses import dataclass

COLOURS = ("red", "green", "blue", "yellow", "purple")
SHAPES = ("circle", "square", "triangle", "star", "heart")


@dataclass(frozen=True)
class Thing:
    """One coloured shape."""

    colour: str
    shape: str

    def __str__(self) -> str:
        return f"{self.colour} {self.shape}"


@dataclass(frozen=True)
class Bar:
    """One cell of a bar in a chart."""

    colour: str

    def __str__(self) -> str:
        return self.colour


@dataclass(frozen=True)
class Digit:
    """A digit in a table."""

    value: int

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class Pattern:
    """Which things are meant; an attribute that is None may be anything."""

    colour: str | None = None
    shape: str | None = None

    def __post_init__(self) -> None:
        if self.colour is None and self.shape is None:
            raise ValueError("a pattern needs a colour, a shape or both")

    def matches(self, thing: Thing | None) -> bool:
        """Whether this thing is meant; nothing is never meant."""
        return thing is not None and self.colour in (None, thing.colour) and self.shape in (None, thing.shape)

    def __str__(self) -> str:
        """The plural that a question uses: `red ones`, `circles`, `red circles`."""
        if self.shape is None:
            return f"{self.colour} ones"
        return f"{self.colour} {self.shape}s" if self.colour else f"{self.shape}s"

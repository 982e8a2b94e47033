"""The contents of cells and how they are described."""

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
    """A description of things; an attribute that is None may be anything."""

    colour: str | None = None
    shape: str | None = None

    def __post_init__(self) -> None:
        if self.colour is None and self.shape is None:
            raise ValueError("a pattern needs a colour, a shape or both")

    def matches(self, thing: Thing | None) -> bool:
        """Whether the description fits this thing; an empty cell never matches."""
        return thing is not None and self.colour in (None, thing.colour) and self.shape in (None, thing.shape)

    def __str__(self) -> str:
        """The plural that a question uses: `red ones`, `circles`, `red circles`."""
        if self.shape is None:
            return f"{self.colour} ones"
        return f"{self.colour} {self.shape}s" if self.colour else f"{self.shape}s"

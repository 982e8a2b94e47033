"""A scene: coloured shapes, bars or digits on a grid whose cells have names."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cogito_pl.playground.things import COLOURS, SHAPES, Bar, Digit, Pattern, Thing

EMPTY = "empty"
FOUND = "yes"
"""What a scan writes behind a thing that matches, so that matching is trained apart from counting."""
ROW_NAMES = "abcd"
Content = Thing | Bar | Digit | None
"""Content of a cell."""

GRIDS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((2, 2), (2, 3), (3, 2)),
    2: ((2, 3), (3, 2), (2, 4), (4, 2)),
    3: ((3, 3), (2, 4), (4, 2)),
    4: ((3, 4), (4, 3)),
    5: ((4, 4),),
}
"""Difficulty to its grids, each as rows and columns."""

VARIETY = {1: 3, 2: 4, 3: 5, 4: 5, 5: 5}
"""Difficulty to the number of colours, and of shapes, that occur."""

DIFFICULTIES = tuple(GRIDS)


@dataclass(frozen=True)
class Scene:
    """Things on a grid.

    Args:
        rows: Number of rows, named a, b, c, d from the top.
        columns: Number of columns, named 1, 2, 3, 4 from the left.
        things: One entry per cell, row by row; None where the cell is empty.
    """

    rows: int
    columns: int
    things: tuple[Content, ...]

    def __post_init__(self) -> None:
        if len(self.things) != self.rows * self.columns:
            raise ValueError(f"{len(self.things)} entries do not fill {self.rows} x {self.columns} cells")

    def cells(self) -> Iterator[tuple[str, Content]]:
        """Name and content of every cell, in reading order."""
        return ((self.name(index), thing) for index, thing in enumerate(self.things))

    def name(self, index: int) -> str:
        """The name of a cell, such as `b2` for the second row and column."""
        return f"{ROW_NAMES[index // self.columns]}{index % self.columns + 1}"


def describe(name: str, thing: Content) -> str:
    """A cell in full: `b2 red circle`, `b2 7` or `b2 empty`."""
    return f"{name} {thing or EMPTY}"


def glance(thing: Thing | None, *patterns: Pattern) -> str:
    """As much of the description of a thing as decides whether it matches.

    Its shape is named only where its colour does not decide, so that each word decides one attribute.
    """
    if thing is None:
        return EMPTY
    if all(pattern.colour is None for pattern in patterns):
        return thing.shape
    open_still = any(pattern.colour == thing.colour and pattern.shape is not None for pattern in patterns)
    return str(thing) if open_still else thing.colour


def scan(scene: Scene, patterns: Sequence[Pattern], note: Callable[[Thing | None], str]) -> str:
    """Every cell in reading order, each with the glance at its thing and a running note.

    Args:
        scene: What is scanned.
        patterns: What is looked for; all of them by colour, by shape or by both.
        note: Called once per cell, in order; returns what is written after the glance.
    """
    return " ".join(f"{name} {glance(thing, *patterns)} {note(thing)}" for name, thing in scene.cells())


def palette(difficulty: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The colours and the shapes that occur at a difficulty."""
    return COLOURS[: VARIETY[difficulty]], SHAPES[: VARIETY[difficulty]]


def every_thing(difficulty: int) -> list[Thing]:
    """All coloured shapes that occur at a difficulty."""
    colours, shapes = palette(difficulty)
    return [Thing(colour, shape) for colour in colours for shape in shapes]


def arrange(
    rng: random.Random, grid: tuple[int, int], wanted: Sequence[Thing], others: Sequence[Thing], filled: float = 0.7
) -> Scene:
    """A scene with exactly the wanted things, in random cells, and some others.

    Args:
        rng: Source of the arrangement.
        grid: Rows and columns.
        wanted: Things that the scene must have, at most one per cell.
        others: Things that the remaining cells are drawn from.
        filled: Probability that a remaining cell is not empty.

    Raises:
        ValueError: The wanted things do not fit.
    """
    rows, columns = grid
    spare = rows * columns - len(wanted)
    if spare < 0:
        raise ValueError(f"{len(wanted)} things do not fit into {rows} x {columns} cells")
    things = [*wanted, *(rng.choice(others) if others and rng.random() < filled else None for _ in range(spare))]
    rng.shuffle(things)
    return Scene(rows, columns, tuple(things))

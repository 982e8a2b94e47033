"""Family `table`: a table of digits whose rows are headed by coloured circles: one entry, or a total.

The careful solution finds the row by its head and keeps a running total along it.
"""

import random

from cogito_pl.playground.draft import Draft
from cogito_pl.playground.scene import FOUND, Scene, describe
from cogito_pl.playground.things import COLOURS, Digit, Thing

GRIDS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((2, 2), (3, 2)),
    2: ((3, 3), (3, 4), (4, 3)),
    3: ((2, 3), (3, 3)),
    4: ((3, 4), (4, 3)),
    5: ((4, 4),),
}
"""Difficulty to its grids, each as rows and columns; the first column holds the heads."""
LARGEST = 19
"""The largest total of a row or a column."""


def table(difficulty: int, rng: random.Random) -> Draft:
    """Asks for one entry up to difficulty 2, then for the total of a row, or of a column if there are more rows."""
    rows, columns = rng.choice(GRIDS[difficulty])
    digits = [[rng.randint(0, 9) for _ in range(columns - 1)] for _ in range(rows)]
    row, column = rng.randrange(rows), rng.randint(1, columns - 1)
    if difficulty >= 3:
        by_column = rows > columns
        addends = _split(rng, rows if by_column else columns - 1)
        for place, digit in enumerate(addends):
            line, position = (place, column - 1) if by_column else (row, place)
            digits[line][position] = digit
    scene = _scene(rng.sample(COLOURS, rows), digits)
    heads = [_cell(scene, place * columns) for place in range(row + 1)]
    head = f"the {scene.things[row * columns].colour} row"
    if difficulty <= 2:
        question = f"Which number is in {head}, column {column + 1}?"
        answer = str(digits[row][column - 1])
        steps = [*heads, FOUND, _cell(scene, row * columns + column)]
    elif by_column:
        question, answer = f"What does column {column + 1} add up to?", str(sum(addends))
        steps = _running_total(scene, [line * columns + column for line in range(rows)])
    else:
        question, answer = f"What does {head} add up to?", str(sum(addends))
        steps = [*heads, FOUND, *_running_total(scene, list(range(row * columns + 1, (row + 1) * columns)))]
    return Draft(question=question, answer=answer, kind="number", scenes=(scene,), steps=" ".join(steps))


def draw_table(rng: random.Random, grid: tuple[int, int]) -> Scene:
    """Random digits, for lessons that ask no question about them."""
    rows, columns = grid
    return _scene(rng.sample(COLOURS, rows), [[rng.randint(0, 9) for _ in range(columns - 1)] for _ in range(rows)])


def _split(rng: random.Random, parts: int) -> list[int]:
    """Random digits; their total is drawn first."""
    rest, digits = rng.randint(0, min(LARGEST, 9 * parts)), []
    for remaining in reversed(range(parts)):
        digits.append(rng.randint(max(0, rest - 9 * remaining), min(9, rest)))
        rest -= digits[-1]
    rng.shuffle(digits)
    return digits


def _scene(colours: list[str], digits: list[list[int]]) -> Scene:
    lines = [(Thing(colour, "circle"), *map(Digit, line)) for colour, line in zip(colours, digits, strict=True)]
    return Scene(len(lines), len(lines[0]), tuple(cell for line in lines for cell in line))


def _cell(scene: Scene, place: int) -> str:
    thing = scene.things[place]
    return describe(scene.name(place), thing).removesuffix(" circle")


def _running_total(scene: Scene, places: list[int]) -> list[str]:
    """As in the family `arithmetic`: the first number, then each with its sign and the total."""
    total = scene.things[places[0]].value
    entries = [_cell(scene, places[0])]
    for place in places[1:]:
        value = scene.things[place].value
        total += value
        entries.append(f"{scene.name(place)} +{value} {total}")
    return entries

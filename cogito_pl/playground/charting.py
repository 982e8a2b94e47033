"""Family `chart`: reading a bar chart whose bars are stacks of cells, one colour per column.

A solution finds a bar by its lowest cell, then goes up cell by cell with a running count.
"""

import random
from collections.abc import Sequence

from cogito_pl.playground.draft import Draft
from cogito_pl.playground.scene import FOUND, Scene, describe
from cogito_pl.playground.things import COLOURS, Bar

GRIDS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((2, 2), (2, 3), (3, 2)),
    2: ((3, 3), (4, 2)),
    3: ((3, 3), (3, 4), (4, 3)),
    4: ((3, 3), (3, 4), (4, 3)),
    5: ((4, 4),),
}
"""Difficulty to its grids, each as rows and columns; a bar is at most as tall as the grid."""


def chart(difficulty: int, rng: random.Random) -> Draft:
    """Asks for one height up to difficulty 2, the tallest or shortest bar at 3, a sum or difference from 4 on."""
    if difficulty <= 2:
        return _one_height(difficulty, rng)
    if difficulty == 3:
        return _extreme(difficulty, rng)
    return _two_heights(difficulty, rng)


def draw_chart(rng: random.Random, grid: tuple[int, int]) -> Scene:
    """Bars of random heights, for lessons that ask no question about them."""
    rows, columns = grid
    return _scene(rows, rng.sample(COLOURS, columns), [rng.randint(1, rows) for _ in range(columns)])


def _one_height(difficulty: int, rng: random.Random) -> Draft:
    rows, columns = rng.choice(GRIDS[difficulty])
    colours, heights = rng.sample(COLOURS, columns), [rng.randint(1, rows) for _ in range(columns)]
    column = rng.randrange(columns)
    scene, answer = _scene(rows, colours, heights), str(heights[column])
    steps = " ".join([*_foot(scene, column), *_climb(scene, column, 0, 1)])
    return Draft(
        question=f"How tall is the {colours[column]} bar?", answer=answer, kind="number", scenes=(scene,), steps=steps
    )


def _extreme(difficulty: int, rng: random.Random) -> Draft:
    """The tallest bar is the first one from above; the shortest has the first empty cell from below."""
    rows, columns = rng.choice(GRIDS[difficulty])
    colours, column, tallest = rng.sample(COLOURS, columns), rng.randrange(columns), rng.random() < 0.5
    if tallest:
        extreme = rng.randint(2, rows)
        heights = [rng.randint(1, extreme - 1) for _ in range(columns)]
    else:
        extreme = rng.randint(1, rows - 1)
        heights = [rng.randint(extreme + 1, rows) for _ in range(columns)]
    heights[column] = extreme
    scene = _scene(rows, colours, heights)
    order = list(range(rows)) if tallest else list(reversed(range(rows)))
    places = [row * columns + place for row in order for place in range(columns)]
    last = next(turn for turn, place in enumerate(places) if (scene.things[place] is not None) == tallest)
    steps = [_cell(scene, place) for place in places[: last + 1]] + [FOUND]
    if not tallest:
        steps.append(_cell(scene, (rows - 1) * columns + column))
    return Draft(
        question=f"Which bar is the {'tallest' if tallest else 'shortest'}?",
        answer=colours[column],
        kind="text",
        scenes=(scene,),
        steps=" ".join(steps),
    )


def _two_heights(difficulty: int, rng: random.Random) -> Draft:
    rows, columns = rng.choice(GRIDS[difficulty])
    colours, heights = rng.sample(COLOURS, columns), [rng.randint(1, rows) for _ in range(columns)]
    first, second = rng.sample(range(columns), 2)
    # Small answers are differences, large ones sums, those in between either.
    total = rng.randint(0, 2 * rows)
    together = total >= 2 and (total >= rows or rng.random() < 0.5)
    if together:
        heights[first] = rng.randint(max(1, total - rows), min(rows, total - 1))
        heights[second] = total - heights[first]
        question = f"How tall are the {colours[first]} and the {colours[second]} bar together?"
    else:
        heights[second] = rng.randint(1, rows - total)
        heights[first] = heights[second] + total
        question = f"How much taller is the {colours[first]} bar than the {colours[second]} bar?"
    scene = _scene(rows, colours, heights)
    climbs = _climb(scene, first, 0, 1), _climb(scene, second, heights[first], 1 if together else -1)
    steps = [*_foot(scene, first), *climbs[0], *_foot(scene, second), *climbs[1]]
    return Draft(question=question, answer=str(total), kind="number", scenes=(scene,), steps=" ".join(steps))


def _scene(rows: int, colours: Sequence[str], heights: Sequence[int]) -> Scene:
    bars = list(zip(colours, heights, strict=True))
    things = [Bar(colour) if height >= rows - row else None for row in range(rows) for colour, height in bars]
    return Scene(rows, len(bars), tuple(things))


def _cell(scene: Scene, place: int) -> str:
    return describe(scene.name(place), scene.things[place])


def _foot(scene: Scene, column: int) -> list[str]:
    """The cells of the lowest row before the one that is looked for."""
    lowest = (scene.rows - 1) * scene.columns
    return [_cell(scene, lowest + place) for place in range(column)]


def _climb(scene: Scene, column: int, start: int, step: int) -> list[str]:
    """The cells of a bar from the lowest up to the first empty one or the top, with a running count."""
    entries, running = [], start
    for row in reversed(range(scene.rows)):
        place = row * scene.columns + column
        if scene.things[place] is None:
            return [*entries, f"{_cell(scene, place)} {running}"]
        running += step
        entries.append(f"{_cell(scene, place)} {running}")
    return entries

"""Families `count` and `sum`: how many things match a description, or either of two.

The answer is drawn first, so that all counts are about equally frequent.
"""

import random

from cogito_pl.playground.draft import Draft
from cogito_pl.playground.scene import FOUND, GRIDS, Scene, arrange, every_thing, palette, scan
from cogito_pl.playground.things import Pattern, Thing

MOST = {1: 3, 2: 5, 3: 6, 4: 8, 5: 9}
"""Difficulty to the largest count; one digit, and at most the number of cells of a grid."""


def count(difficulty: int, rng: random.Random) -> Draft:
    """Asks for a colour or a shape up to difficulty 2, for both together from 3 on."""
    colours, shapes = palette(difficulty)
    if difficulty >= 3:
        pattern = Pattern(rng.choice(colours), rng.choice(shapes))
    else:
        pattern = rng.choice((Pattern(colour=rng.choice(colours)), Pattern(shape=rng.choice(shapes))))
    return _draft(difficulty, rng, (pattern,), f"How many {pattern}?")


def sum_of_two(difficulty: int, rng: random.Random) -> Draft:
    """Asks for two shapes, of any colour up to difficulty 3, of one colour from 4 on."""
    colours, shapes = palette(difficulty)
    colour = rng.choice(colours) if difficulty >= 4 else None
    first, second = rng.sample(shapes, 2)
    patterns = (Pattern(colour, first), Pattern(colour, second))
    return _draft(difficulty, rng, patterns, f"How many {patterns[0]} plus {patterns[1]}?")


def _draft(difficulty: int, rng: random.Random, patterns: tuple[Pattern, ...], question: str) -> Draft:
    answer = rng.randint(0, MOST[difficulty])
    grid = rng.choice([grid for grid in GRIDS[difficulty] if grid[0] * grid[1] >= answer])
    things = every_thing(difficulty)
    matching = [thing for thing in things if any(pattern.matches(thing) for pattern in patterns)]
    others = [thing for thing in things if thing not in matching]
    near = [thing for thing in others if _shares_an_attribute(thing, patterns)]
    # Half of the fillers share an attribute with the description, so that both attributes matter.
    fillers = others + near * (len(others) // max(len(near), 1))
    scene = arrange(rng, grid, [rng.choice(matching) for _ in range(answer)], fillers)
    return Draft(
        question=question, answer=str(answer), kind="number", scenes=(scene,), steps=_running_count(scene, patterns)
    )


def _running_count(scene: Scene, patterns: tuple[Pattern, ...]) -> str:
    seen = 0

    def note(thing: Thing | None) -> str:
        nonlocal seen
        found = any(pattern.matches(thing) for pattern in patterns)
        seen += found
        return f"{FOUND} {seen}" if found else str(seen)

    return scan(scene, patterns, note)


def _shares_an_attribute(thing: Thing, patterns: tuple[Pattern, ...]) -> bool:
    return any(thing.colour == pattern.colour or thing.shape == pattern.shape for pattern in patterns)

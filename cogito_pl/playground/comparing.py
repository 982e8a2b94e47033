"""Family `compare`: which of two descriptions matches more things, as a multiple choice.

The scan keeps the difference of the two counts (`+2`, `0`, `-1`): one number to carry instead of two.
"""

import random

from cogito_pl.playground.draft import Draft
from cogito_pl.playground.scene import GRIDS, Scene, arrange, every_thing, palette, scan
from cogito_pl.playground.things import Pattern, Thing

MOST = {1: 2, 2: 3, 3: 4, 4: 5, 5: 6}
"""Difficulty to the largest count of either description."""


def compare(difficulty: int, rng: random.Random) -> Draft:
    """Compares colours up to difficulty 2, colours or shapes at 3, two shapes of one colour from 4 on."""
    patterns = _two_patterns(difficulty, rng)
    answer = rng.choice("ABC")
    low, high = sorted(rng.sample(range(MOST[difficulty] + 1), 2))
    counts = {"A": (high, low), "B": (low, high), "C": (low, low)}[answer]
    grid = rng.choice([grid for grid in GRIDS[difficulty] if grid[0] * grid[1] >= sum(counts)])
    things = every_thing(difficulty)
    sides = [[thing for thing in things if pattern.matches(thing)] for pattern in patterns]
    wanted = [rng.choice(side) for side, count in zip(sides, counts, strict=True) for _ in range(count)]
    others = [thing for thing in things if not any(pattern.matches(thing) for pattern in patterns)]
    scene = arrange(rng, grid, wanted, others, filled=0.6)
    choices = (_name(patterns[0]), _name(patterns[1]), "same")
    listed = " ".join(f"{letter}. {choice}" for letter, choice in zip("ABC", choices, strict=True))
    return Draft(
        question=f"More {choices[0]} or {choices[1]}? {listed}",
        answer=answer,
        kind="choice",
        choices=choices,
        scenes=(scene,),
        steps=_running_lead(scene, patterns),
    )


def _two_patterns(difficulty: int, rng: random.Random) -> tuple[Pattern, Pattern]:
    colours, shapes = (rng.sample(names, 2) for names in palette(difficulty))
    if difficulty >= 4:
        return Pattern(colours[0], shapes[0]), Pattern(colours[0], shapes[1])
    if difficulty == 3 and rng.random() < 0.5:
        return Pattern(shape=shapes[0]), Pattern(shape=shapes[1])
    return Pattern(colour=colours[0]), Pattern(colour=colours[1])


def _name(pattern: Pattern) -> str:
    return str(pattern).removesuffix(" ones")


def _running_lead(scene: Scene, patterns: tuple[Pattern, Pattern]) -> str:
    lead = 0

    def note(thing: Thing | None) -> str:
        nonlocal lead
        side = next((letter for letter, pattern in zip("AB", patterns, strict=True) if pattern.matches(thing)), "")
        lead += {"A": 1, "B": -1, "": 0}[side]
        total = f"{lead:+d}" if lead else "0"
        return f"{side} {total}" if side else total

    return scan(scene, patterns, note)

"""Family `locate`: where a thing is, or what lies next to it.

The scan stops at the thing that is looked for; then the neighbour is named.
"""

import random

from cogito_pl.playground.draft import Draft
from cogito_pl.playground.scene import FOUND, GRIDS, Scene, arrange, describe, every_thing, glance
from cogito_pl.playground.things import Pattern

STEPS = {"left of": (0, -1), "right of": (0, 1), "above": (-1, 0), "below": (1, 0)}
"""Relation to the step, in rows and columns, from a thing to its neighbour."""


def locate(difficulty: int, rng: random.Random) -> Draft:
    """Asks for the cell of a thing up to difficulty 2, a neighbour in its row at 3, any neighbour from 4 on."""
    rows, columns = rng.choice(GRIDS[difficulty])
    things = every_thing(difficulty)
    target = rng.choice(things)
    others = [thing for thing in things if thing != target]
    near = [thing for thing in others if target.colour == thing.colour or target.shape == thing.shape]
    scene = arrange(rng, (rows, columns), [target], others + near, filled=0.75)
    place = scene.things.index(target)
    found = _scan_until(scene, place)
    if difficulty <= 2:
        answer = scene.name(place)
        return Draft(question=f"Where is the {target}?", answer=answer, kind="text", scenes=(scene,), steps=found)
    relation = rng.choice(_relations_within(scene, place, difficulty))
    down, right = STEPS[relation]
    beside = place + down * columns + right
    neighbour = rng.choice(others)
    scene = Scene(rows, columns, (*scene.things[:beside], neighbour, *scene.things[beside + 1 :]))
    step = f"{relation.split()[0]} {describe(scene.name(beside), neighbour)}"
    return Draft(
        question=f"What is {relation} the {target}?",
        answer=str(neighbour),
        kind="text",
        scenes=(scene,),
        steps=f"{_scan_until(scene, place)} {step}",
    )


def _relations_within(scene: Scene, place: int, difficulty: int) -> list[str]:
    """The relations whose neighbour is on the grid; as every grid has at least two columns, there is always one."""
    row, column = divmod(place, scene.columns)
    return [
        relation
        for relation, (down, right) in STEPS.items()
        if (difficulty >= 4 or down == 0) and 0 <= row + down < scene.rows and 0 <= column + right < scene.columns
    ]


def _scan_until(scene: Scene, place: int) -> str:
    target = scene.things[place]
    seen = list(scene.cells())[: place + 1]
    pattern = Pattern(target.colour, target.shape)
    return " ".join([*(f"{name} {glance(thing, pattern)}" for name, thing in seen), FOUND])

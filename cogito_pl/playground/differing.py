"""Family `differ`: two images, and what changed from the first to the second.

A solution goes through pairs of cells, `a1 red circle now red heart`, or scans both images with one running count.
Difficulties are ordered by how hard the questions are for models, not by the length of their careful solutions.
"""

import random

from cogito_pl.playground.draft import Draft
from cogito_pl.playground.scene import FOUND, Scene, arrange, describe, every_thing, glance, palette
from cogito_pl.playground.things import Pattern, Thing

GRIDS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((2, 3), (3, 2)),
    2: ((2, 4), (4, 2)),
    3: ((2, 2), (2, 3), (3, 2)),
    4: ((2, 4), (4, 2)),
    5: ((2, 3), (3, 2)),
}
"""Difficulty to its grids, each as rows and columns, the same for both images."""
VARIETY = {1: 3, 2: 5, 3: 1, 4: 2, 5: 4}
"""Difficulty to the difficulty of other families that has as many colours and shapes."""
MOST_CHANGES = 4
MOST_MORE = {1: 5, 2: 6}
"""Difficulty to the largest count in the second image, for questions that count."""
NOW = "now"
"""The word between the old and the new content of a cell."""


def differ(difficulty: int, rng: random.Random) -> Draft:
    """Asks how many more there are of something up to difficulty 2, which cell changed at 3 and 4, how many at 5."""
    if difficulty in MOST_MORE:
        return _how_many_more(difficulty, rng)
    variety = VARIETY[difficulty]
    before = arrange(rng, rng.choice(GRIDS[difficulty]), [], every_thing(variety), filled=0.75)
    cells = len(before.things)
    if difficulty <= 4:
        place = rng.randrange(cells)
        after = _changed(before, {place}, variety, rng)
        return Draft(
            question="Which cell changed?",
            answer=before.name(place),
            kind="text",
            scenes=(before, after),
            steps=" ".join([*(_pair(before, after, index) for index in range(place + 1)), FOUND]),
        )
    answer = rng.randint(0, MOST_CHANGES)
    after = _changed(before, set(rng.sample(range(cells), answer)), variety, rng)
    entries, seen = [], 0
    for index in range(cells):
        found = before.things[index] != after.things[index]
        seen += found
        entries.append(f"{_pair(before, after, index)} {FOUND} {seen}" if found else _pair(before, after, index, seen))
    return Draft(
        question="How many cells changed?",
        answer=str(answer),
        kind="number",
        scenes=(before, after),
        steps=" ".join(entries),
    )


def _changed(before: Scene, places: set[int], variety: int, rng: random.Random) -> Scene:
    """Changes colour or shape of the things at `places`, removes some of them, and fills empty cells."""
    colours, shapes = palette(variety)

    def other(thing: Thing | None) -> Thing | None:
        if thing is None:
            return rng.choice(every_thing(variety))
        if rng.random() < 0.2:
            return None
        if rng.random() < 0.5:
            return Thing(rng.choice([colour for colour in colours if colour != thing.colour]), thing.shape)
        return Thing(thing.colour, rng.choice([shape for shape in shapes if shape != thing.shape]))

    things = [other(thing) if place in places else thing for place, thing in enumerate(before.things)]
    return Scene(before.rows, before.columns, tuple(things))


def _pair(before: Scene, after: Scene, place: int, seen: int | None = None) -> str:
    entry = f"{describe(before.name(place), before.things[place])} {describe(NOW, after.things[place])}"
    return entry if seen is None else f"{entry} {seen}"


def _how_many_more(difficulty: int, rng: random.Random) -> Draft:
    """The solution counts up over the second image and down over the first."""
    colours, shapes = palette(VARIETY[difficulty])
    pattern = rng.choice((Pattern(colour=rng.choice(colours)), Pattern(shape=rng.choice(shapes))))
    grid = rng.choice(GRIDS[difficulty])
    answer = rng.randint(0, MOST_MORE[difficulty])
    fewer = rng.randint(0, min(2, MOST_MORE[difficulty] - answer))
    things = every_thing(VARIETY[difficulty])
    matching = [thing for thing in things if pattern.matches(thing)]
    others = [thing for thing in things if not pattern.matches(thing)]
    before, after = (
        arrange(rng, grid, [rng.choice(matching) for _ in range(count)], others) for count in (fewer, fewer + answer)
    )
    count, entries = 0, []
    for word, scene, step in (("second", after, 1), ("first", before, -1)):
        entries.append(word)
        for name, thing in scene.cells():
            found = pattern.matches(thing)
            count += step * found
            entries.append(f"{name} {glance(thing, pattern)} {f'{FOUND} {count}' if found else count}")
    return Draft(
        question=f"How many more {pattern} are in the second picture?",
        answer=str(answer),
        kind="number",
        scenes=(before, after),
        steps=" ".join(entries),
    )

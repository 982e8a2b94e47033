"""Lessons on which the base model is pretrained: naming cells, describing images, and careful solutions.

A lesson is a pure function of task, difficulty and seed. A task named like a family has that family's problems with
careful solutions, without tags; `caption` and `cell` train the descriptions that every scan consists of.
"""

import random
from dataclasses import dataclass

from PIL import Image

from cogito_pl.playground.charting import draw_chart
from cogito_pl.playground.draft import Draft, Kind
from cogito_pl.playground.drawing import draw_all
from cogito_pl.playground.families import FAMILIES, draft_problem
from cogito_pl.playground.randomness import keyed_random
from cogito_pl.playground.scene import EMPTY, GRIDS, arrange, describe, every_thing
from cogito_pl.playground.tabulating import draw_table

SHARES: dict[str, float] = {
    "caption": 0.04,
    "cell": 0.02,
    "count": 0.06,
    "sum": 0.06,
    "compare": 0.17,
    "locate": 0.18,
    "chart": 0.12,
    "table": 0.09,
    "differ": 0.14,
    "arithmetic": 0.12,
}
"""Task to its share of the lessons."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One lesson.

    Args:
        task: One of `SHARES`.
        difficulty: 1 (easy) to 5 (hard).
        seed: Its number among the lessons of its task and difficulty.
        question: The text, without an image marker.
        answer: The answer that the solution ends in.
        kind: Which verifier compares answers.
        choices: The options of a `choice`, in the order of their letters.
        solution: The text to train on, without tags.
        images: The images, RGB; empty for a lesson without images.
    """

    task: str
    difficulty: int
    seed: int
    question: str
    answer: str
    kind: Kind
    choices: tuple[str, ...]
    solution: str
    images: tuple[Image.Image, ...]


def draft_lesson(task: str, difficulty: int, seed: int) -> Draft:
    """The words and the scenes of a lesson.

    Raises:
        ValueError: There is no such task or difficulty.
    """
    if task in FAMILIES:
        return draft_problem(task, difficulty, seed)
    if task not in SHARES or difficulty not in GRIDS:
        raise ValueError(f"there is no lesson {task!r} of difficulty {difficulty}; tasks are {', '.join(SHARES)}")
    return _look(task, difficulty, keyed_random("words", task, difficulty, seed))


def make_lesson(task: str, difficulty: int, seed: int) -> Lesson:
    """The lesson of this key.

    Args:
        task: One of `SHARES`.
        difficulty: 1 (easy) to 5 (hard).
        seed: Any whole number.

    Raises:
        ValueError: There is no such task or difficulty.
    """
    draft = draft_lesson(task, difficulty, seed)
    rng = keyed_random("picture", task, difficulty, seed)
    return Lesson(
        task=task,
        difficulty=difficulty,
        seed=seed,
        question=draft.question,
        answer=draft.answer,
        kind=draft.kind,
        choices=draft.choices,
        solution=draft.worked_out if task in FAMILIES else draft.answer,
        images=draw_all(draft.scenes, rng),
    )


def _look(task: str, difficulty: int, rng: random.Random) -> Draft:
    grid = rng.choice(GRIDS[difficulty])
    kind = rng.random()
    if kind < 0.2:
        scene = draw_chart(rng, grid)
    elif kind < 0.4:
        scene = draw_table(rng, grid)
    else:
        scene = arrange(rng, grid, [], every_thing(difficulty), filled=0.75)
    if task == "caption":
        question, answer = "Describe.", " ".join(describe(name, thing) for name, thing in scene.cells())
    else:
        name, thing = rng.choice(list(scene.cells()))
        question, answer = f"What is at {name}?", str(thing or EMPTY)
    return Draft(question=question, answer=answer, kind="text", steps=answer, scenes=(scene,))

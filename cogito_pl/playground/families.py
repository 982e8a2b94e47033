"""Problems as a pure function of family, difficulty and seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from cogito_pl.playground.arithmetic import arithmetic
from cogito_pl.playground.charting import chart
from cogito_pl.playground.comparing import compare
from cogito_pl.playground.counting import count, sum_of_two
from cogito_pl.playground.differing import differ
from cogito_pl.playground.draft import Draft, Kind
from cogito_pl.playground.drawing import draw_all
from cogito_pl.playground.locating import locate
from cogito_pl.playground.randomness import keyed_random
from cogito_pl.playground.scene import DIFFICULTIES
from cogito_pl.playground.tabulating import table

FAMILIES: dict[str, Callable[[int, random.Random], Draft]] = {
    "count": count,
    "sum": sum_of_two,
    "compare": compare,
    "locate": locate,
    "chart": chart,
    "table": table,
    "differ": differ,
    "arithmetic": arithmetic,
}

GUESS = "looks like"
"""The whole reasoning of a hasty solution."""


@dataclass(frozen=True, kw_only=True)
class DrawnProblem:
    """One problem with its images and its two written solutions.

    Args:
        family: One of `FAMILIES`.
        difficulty: 1 (easy) to 5 (hard).
        seed: Its number among the problems of its family and difficulty.
        question: The text, without an image marker.
        answer: The correct answer, as it is to be written.
        kind: Which verifier compares answers.
        choices: The options of a `choice`, in the order of their letters.
        careful: Reasoning that goes through everything in order, until the answer can be read off; without tags.
        hasty: Reasoning of a solution that guesses the answer; without tags.
        images: The images, RGB; empty for a problem without images.
    """

    family: str
    difficulty: int
    seed: int
    question: str
    answer: str
    kind: Kind
    choices: tuple[str, ...]
    careful: str
    hasty: str
    images: tuple[Image.Image, ...]


def draft_problem(family: str, difficulty: int, seed: int) -> Draft:
    """The words and the scenes of a problem.

    Raises:
        ValueError: There is no such family or difficulty.
    """
    if family not in FAMILIES:
        raise ValueError(f"family {family!r} is unknown; it is one of {', '.join(FAMILIES)}")
    if difficulty not in DIFFICULTIES:
        raise ValueError(f"difficulty {difficulty} is not one of {', '.join(map(str, DIFFICULTIES))}")
    return FAMILIES[family](difficulty, keyed_random("words", family, difficulty, seed))


def make_problem(family: str, difficulty: int, seed: int) -> DrawnProblem:
    """The problem of this key, with the same words and the same pixels on every machine.

    Args:
        family: One of `FAMILIES`.
        difficulty: 1 (easy) to 5 (hard).
        seed: Any whole number.

    Raises:
        ValueError: There is no such family or difficulty.
    """
    draft = draft_problem(family, difficulty, seed)
    rng = keyed_random("picture", family, difficulty, seed)
    return DrawnProblem(
        family=family,
        difficulty=difficulty,
        seed=seed,
        question=draft.question,
        answer=draft.answer,
        kind=draft.kind,
        choices=draft.choices,
        careful=draft.steps,
        hasty=GUESS,
        images=draw_all(draft.scenes, rng),
    )

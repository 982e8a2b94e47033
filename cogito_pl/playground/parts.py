"""The parts of the data set, and which problem is row `i` of a part.

Row `i` is a pure function of part, base seed and `i`. Its problem has the seed

    ((base seed * 8 + place of the part in PARTS) * 10_000_000 + i) * 1_000 + attempt

so that no two parts share a seed, whatever the base seeds, as long as none has more than ten million rows. `attempt`
is the first number from zero whose problem belongs to the part's share (`shares.py`): a scene of `validation` or `test`
is in no other part of any base seed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from cogito_pl.playground.draft import Kind
from cogito_pl.playground.families import FAMILIES, DrawnProblem, draft_problem, make_problem
from cogito_pl.playground.lessons import SHARES, Lesson, draft_lesson, make_lesson
from cogito_pl.playground.randomness import keyed_random
from cogito_pl.playground.scene import DIFFICULTIES
from cogito_pl.playground.shares import belongs

PARTS = ("pretrain", "sft", "train", "validation", "test")
MOST_ROWS = 10_000_000
"""Rows that a part may have at most."""
MOST_ATTEMPTS = 1_000
"""Seeds that a row may choose from."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row, before its images are encoded.

    Args:
        id: `<family>-<difficulty>-<seed>`.
        question: The text, headed by one `<image>` per image.
        answer: The correct answer.
        kind: Which verifier compares answers.
        choices: The options of a `choice`.
        images: The images, RGB.
        solution: What supervised fine-tuning trains on.
        family: Family of the problem, or task of the lesson.
        difficulty: 1 (easy) to 5 (hard).
        seed: The problem's own seed.
    """

    id: str
    question: str
    answer: str
    kind: Kind
    choices: tuple[str, ...]
    images: tuple[Image.Image, ...]
    solution: str
    family: str
    difficulty: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class PartSpec:
    """What a part consists of.

    Args:
        part: One of `PARTS`.
        seed: Base seed, zero or more.
        families: Families, or tasks of the part `pretrain`, that occur; empty for all.
        difficulties: Difficulties that occur.
        hasty_share: Share of the problems with images in the part `sft` whose solution is a guess; problems without
            images, and the other parts, have careful solutions only.
    """

    part: str
    seed: int = 0
    families: Sequence[str] = ()
    difficulties: Sequence[int] = DIFFICULTIES
    hasty_share: float = 0.8

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise ValueError(f"part {self.part!r} is unknown; it is one of {', '.join(PARTS)}")
        if self.seed < 0:
            raise ValueError(f"seed {self.seed} is negative; choose zero or more")
        known = SHARES if self.part == "pretrain" else FAMILIES
        if unknown := [family for family in self.families if family not in known]:
            raise ValueError(f"part {self.part!r} has no {', '.join(unknown)}; it has {', '.join(known)}")
        if not self.difficulties or not set(self.difficulties) <= set(DIFFICULTIES):
            raise ValueError(f"difficulties {list(self.difficulties)} are not among {list(DIFFICULTIES)}")
        if not 0 <= self.hasty_share <= 1:
            raise ValueError(f"hasty_share={self.hasty_share} is not between 0 and 1")

    def row(self, index: int) -> Row:
        """Row `index`, counted from zero.

        Families and difficulties take turns; the lessons of the part `pretrain` are drawn by their shares.
        """
        seed = self.row_seed(index)
        return self._lesson_row(seed) if self.part == "pretrain" else self._problem_row(index, seed)

    def row_seed(self, index: int) -> int:
        """The number of a row among those of all parts and base seeds. Raises ValueError past the last one."""
        if not 0 <= index < MOST_ROWS:
            raise ValueError(f"row {index} is not below {MOST_ROWS}")
        return (self.seed * 8 + PARTS.index(self.part)) * MOST_ROWS + index

    def members(self, family: str, difficulty: int, seed: int) -> Iterator[int]:
        """Those of a row's seeds whose problems belong to the part, in order; ValueError when there are no more."""
        draft = draft_lesson if self.part == "pretrain" else draft_problem
        for own in range(seed * MOST_ATTEMPTS, (seed + 1) * MOST_ATTEMPTS):
            if belongs(draft(family, difficulty, own), self.part):
                yield own
        raise ValueError(
            f"{MOST_ATTEMPTS} problems {family}-{difficulty} do not hold enough for the part {self.part!r}"
        )

    def _lesson_row(self, seed: int) -> Row:
        rng = keyed_random("lesson", seed)
        tasks = [task for task in SHARES if not self.families or task in self.families]
        (task,) = rng.choices(tasks, [SHARES[task] for task in tasks])
        difficulty = rng.choice(list(self.difficulties))
        lesson = make_lesson(task, difficulty, next(self.members(task, difficulty, seed)))
        return _row(lesson, lesson.task, lesson.solution)

    def _problem_row(self, index: int, seed: int) -> Row:
        families = [family for family in FAMILIES if not self.families or family in self.families]
        turn, place = divmod(index, len(families))
        family, difficulty = families[place], self.difficulties[turn % len(self.difficulties)]
        problem = make_problem(family, difficulty, next(self.members(family, difficulty, seed)))
        guessable = self.part == "sft" and len(problem.images) > 0
        hasty = guessable and keyed_random("strategy", seed).random() < self.hasty_share
        return _row(problem, problem.family, tagged(problem.hasty if hasty else problem.careful, problem.answer))


def part_file(folder: str | Path, part: str) -> Path:
    """Where a data set in `folder` keeps a part."""
    return Path(folder) / "data" / f"{part}-00000-of-00001.parquet"


def tagged(reasoning: str, answer: str) -> str:
    """A solution in the required format; after a space, the answer has the same tokens as in running text."""
    return f"<think>{reasoning}</think><answer> {answer}</answer>"


def _row(source: DrawnProblem | Lesson, family: str, solution: str) -> Row:
    return Row(
        id=f"{family}-{source.difficulty}-{source.seed}",
        question="<image>" * len(source.images) + source.question,
        answer=source.answer,
        kind=source.kind,
        choices=source.choices,
        images=source.images,
        solution=solution,
        family=family,
        difficulty=source.difficulty,
        seed=source.seed,
    )

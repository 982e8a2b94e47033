"""Problems to compare methods on: with and without images, some unsolvable, some mislabelled, solved carelessly.

Row `i` is a pure function of the settings and `i`. Rows with and without images alternate in the share that is asked
for; in either, families and then difficulties take turns.
"""

import random
from dataclasses import dataclass
from typing import Literal

from cogito_pl.playground.draft import Draft
from cogito_pl.playground.drawing import draw_all
from cogito_pl.playground.families import FAMILIES, GUESS, draft_problem
from cogito_pl.playground.pacing import paced
from cogito_pl.playground.parts import PartSpec, Row, tagged
from cogito_pl.playground.randomness import keyed_random
from cogito_pl.playground.slips import careless

Modality = Literal["text", "image"]
FAMILIES_OF: dict[Modality, tuple[str, ...]] = {
    "text": ("arithmetic",),
    "image": tuple(family for family in FAMILIES if family != "arithmetic"),
}
"""Modality to its families."""


@dataclass(frozen=True, kw_only=True)
class LaboratoryRow(Row):
    """A row with further columns, by which results are broken down.

    Args:
        modality: `text` or `image`.
        solvable: False where no training on the playground's families teaches to solve the problem.
        label_correct: False where `answer` is wrong.
    """

    modality: Modality
    solvable: bool
    label_correct: bool


@dataclass(frozen=True, kw_only=True)
class Demonstrations:
    """How the solutions that a start imitates (part `sft`) differ from careful ones.

    Args:
        slips: Probability that a step goes wrong.
        repeats: Probability, at the end of a solution, that it is written once more.
        stops: Probability, after every entry, that the solution ends.
        guesses: Share of the solutions that guess instead.
    """

    slips: float = 0.0
    repeats: float = 0.0
    stops: float = 0.0
    guesses: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= 1 or (name, value) == ("repeats", 1):
                raise ValueError(f"{name}={value} is not a probability between 0 and 1; repeats=1 would never end")

    def solution(self, draft: Draft, rng: random.Random) -> tuple[str, str]:
        """Steps and answer of one solution."""
        if rng.random() < self.guesses:
            return GUESS, draft.answer
        steps, answer = careless(draft, self.slips, rng)
        return paced(draft, steps, answer, repeats=self.repeats, stops=self.stops, rng=rng)


@dataclass(frozen=True, kw_only=True)
class Laboratory:
    """What a part of the laboratory consists of.

    Args:
        part: Part, base seed, families and difficulties.
        text: Share of the rows without an image.
        unsolvable: Share of the rows that ask two questions at once and want both answers.
        mislabelled: Share of the rows whose answer is that of another problem of the same family and difficulty.
        demonstrations: The solutions in the part `sft`; those in other parts are careful.
    """

    part: PartSpec
    text: float = 0.5
    unsolvable: float = 0.0
    mislabelled: float = 0.0
    demonstrations: Demonstrations = Demonstrations()

    def __post_init__(self) -> None:
        if self.part.part == "pretrain":
            raise ValueError("part 'pretrain' has lessons and no problems; choose another part for the laboratory")
        if self.part.part == "sft" and self.unsolvable:
            raise ValueError(
                f"unsolvable={self.unsolvable} in the part 'sft' would teach what is to stay unsolvable; leave it out"
            )
        if self.part.part != "sft" and self.demonstrations != Demonstrations():
            raise ValueError(
                f"{self.demonstrations} is for the part 'sft'; the solutions of {self.part.part!r} are careful: leave "
                "slips, repeats, stops and guesses out"
            )
        for name in ("text", "unsolvable", "mislabelled"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise ValueError(f"share {name}={value} is not between 0 and 1")
        if (both := self.unsolvable + self.mislabelled) > 1:
            raise ValueError(f"unsolvable and mislabelled rows exclude each other, and their shares add up to {both}")
        for modality, share in (("text", self.text), ("image", 1 - self.text)):
            if share and not self._families(modality):
                raise ValueError(
                    f"share text={self.text} asks for {modality} problems, which families {list(self.part.families)} "
                    f"cannot have; add one of {', '.join(FAMILIES_OF[modality])}"
                )

    def row(self, index: int) -> LaboratoryRow:
        """Row `index`, counted from zero."""
        seed = self.part.row_seed(index)
        modality, family, difficulty = self._turn(index)
        seeds = self.part.members(family, difficulty, seed)
        own = next(seeds)
        draft = draft_problem(family, difficulty, own)
        flaw = keyed_random("flaw", seed).random()
        solvable, label_correct = flaw >= self.unsolvable, not 0 <= flaw - self.unsolvable < self.mislabelled
        answer = draft.answer
        if not solvable:
            draft = two_questions(draft, draft_problem(family, difficulty, next(seeds)))
            answer = draft.answer
        elif not label_correct:
            others = (draft_problem(family, difficulty, other).answer for other in seeds)
            answer = next(other for other in others if other != answer)
        steps, conclusion = draft.steps, draft.answer
        if self.part.part == "sft":
            steps, conclusion = self.demonstrations.solution(draft, keyed_random("demonstration", seed))
        return LaboratoryRow(
            id=f"{family}-{difficulty}-{own}",
            question="<image>" * len(draft.scenes) + draft.question,
            answer=answer,
            kind=draft.kind,
            choices=draft.choices,
            images=draw_all(draft.scenes, keyed_random("picture", family, difficulty, own)),
            solution=tagged(steps, conclusion),
            family=family,
            difficulty=difficulty,
            seed=own,
            modality=modality,
            solvable=solvable,
            label_correct=label_correct,
        )

    def _families(self, modality: Modality) -> list[str]:
        return [name for name in FAMILIES_OF[modality] if not self.part.families or name in self.part.families]

    def _turn(self, index: int) -> tuple[Modality, str, int]:
        """Modality, family and difficulty of a row; of the first n rows, a share `text` of n, rounded down, is text."""
        before, after = (int(self.text * rows + 1e-9) for rows in (index, index + 1))
        modality, number = ("text", before) if after > before else ("image", index - before)
        families = self._families(modality)
        turn, place = divmod(number, len(families))
        return modality, families[place], self.part.difficulties[turn % len(self.part.difficulties)]


def two_questions(first: Draft, second: Draft) -> Draft:
    """Both problems as one that wants both answers: unsolvable for who was trained to answer one question."""
    return Draft(
        question=f"{first.question} {second.question}",
        answer=f"{first.answer} {second.answer}",
        kind="text",
        steps=f"{first.steps} {second.steps}",
        scenes=first.scenes + second.scenes,
    )

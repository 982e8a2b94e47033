"""A problem in words, before anything is drawn: question, answer and the steps of its careful solution."""

from dataclasses import dataclass
from typing import Literal

from cogito_pl.playground.scene import Scene

Kind = Literal["number", "text", "choice"]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One problem in words.

    Args:
        question: What is asked, without an image marker.
        answer: The only correct answer, as it is to be written.
        kind: Which verifier compares answers.
        steps: The reasoning of the careful solution, from which the answer can be read off.
        scenes: What the images show, in order; empty for a problem without images.
        choices: The options of a `choice`, in the order of their letters.
    """

    question: str
    answer: str
    kind: Kind
    steps: str
    scenes: tuple[Scene, ...] = ()
    choices: tuple[str, ...] = ()

    @property
    def worked_out(self) -> str:
        """The steps and the conclusion without tags, as the lessons of the base have them."""
        return f"{self.steps} so {self.answer}"

"""What a family of problems hands over: question, answer and the long way there, before anything is drawn.

Knows the two ways of solving a problem as text; nothing of pixels, files or tags.
"""

from dataclasses import dataclass
from typing import Literal

from cogito_pl.playground.scene import Scene

Kind = Literal["number", "text", "choice"]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One problem in words.

    Args:
        question: What is asked, without an image marker.
        answer: The only right answer, as it is to be written.
        kind: Which verifier compares answers.
        steps: The long way, which ends in sight of the answer.
        scenes: What the images show, in order; none for a problem in text.
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
        """Every step, then the conclusion, in plain words: what the lessons of the base end in."""
        return f"{self.steps} so {self.answer}"

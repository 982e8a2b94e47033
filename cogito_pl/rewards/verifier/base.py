"""What a verifier is: it compares an answer that was found in a response with the gold answer of the problem."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing.extract import Candidate


class Verdict(NamedTuple):
    """What a verifier says about an answer that it could read.

    Args:
        correct: Whether the answer is correct.
        score: In [0, 1]; 1.0 or 0.0 unless the verifier gives partial credit.
        rule: The rule that compared answer and gold, for logs.
    """

    correct: bool
    score: float
    rule: str

    @classmethod
    def of(cls, correct: bool, rule: str) -> "Verdict":
        """All or nothing: the score is 1.0 or 0.0."""
        return cls(correct, float(correct), rule)


class Verifier(ABC):
    """Decides whether answers of one kind are correct. Subclasses are named in YAML under `reward.verifiers`.

    Verifiers are sent to the grading processes when these start, so they must be picklable: a class of a module that
    can be imported, and attributes that can be pickled.
    """

    reads_labels: ClassVar[bool] = False
    """Whether `judge` is also given what only labels of options are read from: the text after "option is" or "choice:"
    (rule "option-marker") and whole closing sentences (rule "closing")."""

    @abstractmethod
    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares an answer with the gold answer.

        Called for one place of a response after another, most reliable first, until there is a verdict. It may raise
        or take long: such a response counts as unparsed (rule "error" or "deadline").

        Args:
            answer: A text that may state the answer, and how it was found; `parsing.extract` lists the places.
            gold: The gold answer.
            choices: The options of the problem, in the order of their labels; empty unless the data have some.
            options: How strictly answers are compared, for problems of this source.

        Returns:
            The verdict, None when this place states no answer of this kind.
        """

    def check(self, gold: str, choices: Sequence[str] = ()) -> str | None:
        """Why answers cannot be compared with this gold answer, None when they can; asked when data are read."""
        return None

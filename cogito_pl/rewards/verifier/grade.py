"""Grades one response: finds the places that may state the answer, and takes the first one that the verifier can read.

A text of a response never makes grading raise: what a verifier raises is logged, and the response counts as unparsed.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from cogito_pl.rewards.verifier import symbolic
from cogito_pl.rewards.verifier.base import Verifier
from cogito_pl.rewards.verifier.options import STANDARD, GradeOptions
from cogito_pl.rewards.verifier.parsing.extract import Candidate, candidates
from cogito_pl.rewards.verifier.registry import SHIPPED, Verifiers, verifier_of

log = logging.getLogger(__name__)

VERDICTS = ("right", "wrong", "unparsed")
"""How files of completions write that an answer is correct, is not, or could not be read."""


@dataclass(frozen=True)
class Grade:
    """The verdict on a response.

    Args:
        correct: Whether the answer is correct.
        score: In [0, 1]; 1.0 or 0.0 unless the verifier gives partial credit, as for boxes.
        parsed: Whether an answer could be read at all; a response without one is unparsed, which is not wrong.
        extracted: The answer as extracted, empty when there is none.
        rule: The rule that found the answer and the one that compared it ("boxed/string"), or why there is no verdict:
            "none", "deadline", "died", "error".
    """

    correct: bool
    score: float
    parsed: bool
    extracted: str
    rule: str

    @classmethod
    def without_answer(cls, rule: str, extracted: str = "") -> "Grade":
        """The grade of a response whose answer could not be read, with the reason."""
        return cls(False, 0.0, False, extracted, rule)

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`."""
        return VERDICTS[0 if self.correct else 1 if self.parsed else 2]


def _is_place(candidate: Candidate, verifier: Verifier, options: GradeOptions) -> bool:
    """Whether the verifier is given what stands in a place."""
    place = candidate.rule.split(" ")[0]
    if place in ("option-marker", "closing") and not verifier.reads_labels:
        return False
    named = "statement" if place == "closing" else place
    return named in options.places if options.places else place != "bracketed"


def grade(
    response: str,
    gold: str,
    kind: str,
    choices: Sequence[str] = (),
    options: GradeOptions = STANDARD,
    verifiers: Verifiers = SHIPPED,
) -> Grade:
    """Grades a response in the calling process. No text of a response makes it raise; a hard formula may take long.

    Args:
        response: The response, special tokens already removed.
        gold: The gold answer.
        kind: Which verifier decides: math, number, choice, text, chart, boxes, or another key of `verifiers`.
        choices: The options of a choice problem, in the order of their labels.
        options: How strictly answers are compared.
        verifiers: By kind.

    Returns:
        The verdict by the first place of the cascade in `extract` that the verifier can read.

    Raises:
        ValueError: The kind has no verifier.
    """
    verifier = verifier_of(kind, verifiers)
    try:
        for candidate in candidates(response, options.markers):
            if not _is_place(candidate, verifier, options):
                continue
            if verdict := verifier.judge(candidate, gold, choices, options):
                score, rule = float(verdict.score), f"{candidate.rule}/{verdict.rule}"
                if not 0 <= score <= 1:
                    raise ValueError(f"the verifier for {kind} gave the score {score}, which is not in [0, 1]")
                return Grade(bool(verdict.correct), score, True, candidate.text[:500], rule)
    except TimeoutError:
        return Grade.without_answer("deadline")
    except symbolic.Costly:
        raise
    except Exception as error:  # nothing that a model writes may end a training run; it is counted and logged instead
        log.warning("grading raised %r on the response %.200r", error, response)
        return Grade.without_answer("error")
    return Grade.without_answer("none")


def grade_cheaply(
    response: str,
    gold: str,
    kind: str,
    choices: Sequence[str] = (),
    options: GradeOptions = STANDARD,
    verifiers: Verifiers = SHIPPED,
) -> Grade | None:
    """The verdict of `grade` where it needs no sympy, in well under a millisecond; None where it does.

    Args:
        response: The response, special tokens already removed.
        gold: The gold answer.
        kind: Which verifier decides.
        choices: The options of a choice problem, in the order of their labels.
        options: How strictly answers are compared.
        verifiers: By kind.

    Returns:
        The verdict, or None when formulas must be compared by meaning.

    Raises:
        ValueError: The kind has no verifier.
    """
    token = symbolic.ALLOWED.set(False)
    try:
        return grade(response, gold, kind, choices, options, verifiers)
    except symbolic.Costly:
        return None
    finally:
        symbolic.ALLOWED.reset(token)

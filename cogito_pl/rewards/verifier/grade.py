"""One verdict on one response. Knows which verifier serves which kind; nothing of how each one compares."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

from cogito_pl.rewards.verifier import boxes, chart, choice, math, number, text
from cogito_pl.rewards.verifier.options import STANDARD, GradeOptions
from cogito_pl.rewards.verifier.parsing import symbolic
from cogito_pl.rewards.verifier.parsing.extract import Candidate, candidates
from cogito_pl.rewards.verifier.text import Verdict

log = logging.getLogger(__name__)

_VERIFIERS = {"math": math, "number": number, "choice": choice, "text": text, "chart": chart, "boxes": boxes}


@dataclass(frozen=True)
class Grade:
    """The verdict on a response.

    Args:
        correct: Whether the answer is right.
        score: In [0, 1]; 1.0 or 0.0 except for boxes.
        parsed: Whether an answer could be read at all; a response without one is apart from a wrong one.
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
        """The verdict on a response whose answer could not be read, with the reason."""
        return cls(False, 0.0, False, extracted, rule)


def _verifier(kind: str) -> ModuleType:
    if kind not in _VERIFIERS:
        raise ValueError(f"kind {kind!r} has no verifier; it is one of {', '.join(_VERIFIERS)}")
    return _VERIFIERS[kind]


def _counts(candidate: Candidate, kind: str, options: GradeOptions) -> bool:
    """Whether a place may state an answer of this kind."""
    place = candidate.rule.split(" ")[0]
    if place in ("option-marker", "closing") and kind != "choice":
        return False
    named = "statement" if place == "closing" else place
    return named in options.places if options.places else place != "bracketed"


def grade(response: str, gold: str, kind: str, choices: Sequence[str] = (), options: GradeOptions = STANDARD) -> Grade:
    """Grades a response in the calling process. No text of a response makes it raise; a hard formula may take long.

    Args:
        response: The response, special tokens already removed.
        gold: The right answer.
        kind: Which verifier decides: math, number, choice, text, chart or boxes.
        choices: The options of a choice problem, in the order of their labels.
        options: How strictly answers are compared.

    Returns:
        The verdict by the first place of the cascade in `extract` that the verifier can read.

    Raises:
        ValueError: The kind is unknown.
    """
    judge: Callable[..., Verdict | None] = _verifier(kind).judge
    try:
        for candidate in candidates(response, options.markers):
            if not _counts(candidate, kind, options):
                continue
            if verdict := judge(candidate, gold, choices, *(() if kind == "boxes" else (options,))):
                rule = f"{candidate.rule}/{verdict.rule}"
                return Grade(verdict.correct, verdict.score, True, candidate.text[:500], rule)
    except TimeoutError:
        return Grade.without_answer("deadline")
    except symbolic.Costly:
        raise
    except Exception as error:  # nothing that a model writes may end a training run; it is counted and logged instead
        log.warning("grading raised %r on the response %.200r", error, response)
        return Grade.without_answer("error")
    return Grade.without_answer("none")


def grade_cheaply(
    response: str, gold: str, kind: str, choices: Sequence[str] = (), options: GradeOptions = STANDARD
) -> Grade | None:
    """The verdict of `grade` where it needs no sympy, in well under a millisecond; None where it does.

    Args:
        response: The response, special tokens already removed.
        gold: The right answer.
        kind: Which verifier decides.
        choices: The options of a choice problem, in the order of their labels.
        options: How strictly answers are compared.

    Returns:
        The verdict, or None when formulas must be compared by meaning.

    Raises:
        ValueError: The kind is unknown.
    """
    token = symbolic.ALLOWED.set(False)
    try:
        return grade(response, gold, kind, choices, options)
    except symbolic.Costly:
        return None
    finally:
        symbolic.ALLOWED.reset(token)


def check_gold(gold: str, kind: str, choices: Sequence[str] = ()) -> str | None:
    """Says whether an answer can be verified; asked once, when data are read.

    Args:
        gold: The right answer.
        kind: Which verifier decides.
        choices: The options of a choice problem.

    Returns:
        The reason why its verifier cannot use this gold, None when it can.

    Raises:
        ValueError: The kind is unknown.
    """
    verifier = _verifier(kind)
    return verifier.check(gold, choices) if gold.strip() else "the answer is empty"

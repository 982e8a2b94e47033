"""Makes multiple choice open-ended by rules: options leave the question, the correct option's text is the answer.

VL-Cogito (arXiv 2507.22607, section 4.1) reformulates most of its multiple choice, so that no option hints at the
answer, but does not publish how. Here a problem is rejected, with the reason, wherever the question may need its
options or the answer could not be verified without them. The rules are this file's, not the paper's:

* Options come from the problem's `choices`, and else from labels A, B, C, ... in the question. They are cut from the
  question together with a heading such as "Choices:"; so are sentences that ask for a letter or an option.
* The answer's kind is `number` where it is one number, with or without a unit; `math` where it has a sign or a command
  of mathematics; and `text` where it has at most `LONGEST_TEXT` words, since texts are compared for equality.
* A worked solution refers to letters and is left out.
"""

import re
from dataclasses import dataclass, replace
from string import ascii_uppercase

from cogito_pl.data.prepare.multiple_choice import LABEL, separated
from cogito_pl.problem import IMAGE_MARKER, Problem
from cogito_pl.rewards import check_gold
from cogito_pl.rewards.verifier.choice import read
from cogito_pl.rewards.verifier.parsing.extract import Candidate
from cogito_pl.rewards.verifier.parsing.quantity import parse

LONGEST_TEXT = 6
"""Most words of an answer that a response can be expected to repeat exactly."""

_SHOWN = (  # what "the following" may announce besides options
    "figure|diagram|picture|image|graph|chart|table|map|circuit|drawing|plot|photo|equation|expression|formula|function|"
    "system|data|information|passage|text|condition|reaction|triangle|rectangle|sequence|series|scenario|question|problem"
)
_QUESTION_NEEDS_OPTIONS = {
    "the question points to its options": re.compile(
        rf"\bfollowing\b(?! (?:\w+ )?(?:{_SHOWN})s?\b)|\b(?:options?|choices?|alternatives|choose|select|pick)\b"
        r"|\b(?:which|what|one|any|none|all|some|each) of (?:these|those)\b|\b(?:above|below) (?:answers|statements)\b"
        r"|\b(?:which|what) (?:statement|sentence|conclusion|claim|description|inference|answer|phrase)s?\b|以下|下列",
        re.IGNORECASE,
    ),
    "the question compares its options": re.compile(
        r"\b(?:best|closest|approximately|least likely|except)\b|(?-i:\bNOT\b)"
        r"|\bmost (?:likely|probable|accurate(?:ly)?|closely|appropriate)\b"
        r"|\bwhich\b[^.?!]*\b(?:not|cannot|isn't|aren't|doesn't|don't)\b",
        re.IGNORECASE,
    ),
}
_ANSWER_NEEDS_OPTIONS = re.compile(
    r"\b(?:all|none|both|neither|any|either)\b.*\b(?:above|below|these|those|them|(?-i:[A-H]))\b"
    r"|^(?:both|neither|none|all)$|\b(?:options?|choices?|answers?)\b"
    r"|^\W*[A-H]\W*(?:(?:and|or|&|,)\W*[A-H]\W*)+$|(?-i:\b[IV]{1,3}(?:,| and\b| only\b))",
    re.IGNORECASE,
)
_UNDECIDED = re.compile(
    r"\b(?:can(?:not|'t| not)|could not|impossible to|not possible to) (?:be )?(?:determine|tell|say|know|answer)"
    r"|\b(?:not enough|insufficient|no) (?:information|data)\b|\bno correct\b|^others?$",
    re.IGNORECASE,
)
_IMAGE = re.compile(
    rf"{IMAGE_MARKER}|\.(?:png|jpe?g|gif|webp|bmp)$|^\W*[A-H]?\W*$"
    r"|^\W*(?:figure|fig|image|picture|diagram|graph|panel|option|choice)\W*(?:[A-H]|\d+)\W*$",
    re.IGNORECASE,
)
_MATHS = re.compile(
    r"\\[a-zA-Z]|[\\^=<>≤≥±×÷√π∞∠°$]|\d\s*[-+*/:]\s*\w|\b\w\s*[+*/]\s*\w\b|^[(\[].*,.*[)\]]$|\d[a-z]\b"  # noqa: RUF001
)


@dataclass(frozen=True)
class Rejected:
    """Why a problem stays multiple choice: a reason, by which rejections are counted, and its detail."""

    reason: str
    detail: str = ""


def open_ended(problem: Problem) -> Problem | Rejected:
    """The problem without its options, or the reason why it needs them. Other kinds are returned as they are."""
    if problem.kind != "choice":
        return problem
    question, choices = separated(problem.question, problem.choices)
    if not choices:
        return Rejected("the options are not in the text")
    if image_options := [choice for choice in choices if _IMAGE.search(choice)]:
        return Rejected("an option is an image or only a letter", image_options[0])
    correct = read(Candidate(problem.answer, "gold"), choices)
    if correct is None or len(correct) != 1:
        return Rejected("the answer is not one of the options", problem.answer)
    gold = choices[ascii_uppercase.index(*correct)]
    if rejected := _needed(question, choices, gold):
        return rejected
    kind = answer_kind(gold)
    if kind is None:
        return Rejected(f"the answer has more than {LONGEST_TEXT} words", gold)
    if unverifiable := check_gold(gold, kind):
        return Rejected("the answer cannot be verified", unverifiable)
    try:
        meta = {**problem.meta, "was_choice": True}
        return replace(problem, question=question, answer=gold, kind=kind, choices=(), solution=None, meta=meta)
    except ValueError as error:  # a marker stood among the options
        return Rejected("without its options the question does not hold together", str(error))


def answer_kind(answer: str) -> str | None:
    """The kind of an answer that was an option; None for sentences."""
    if parse(answer):
        return "number"
    if _MATHS.search(answer):
        return "math"
    return "text" if len(answer.split()) <= LONGEST_TEXT else None


def _needed(question: str, choices: tuple[str, ...], gold: str) -> Rejected | None:
    """Why the question makes no sense without its options, None when it does."""
    for reason, pattern in _QUESTION_NEEDS_OPTIONS.items():
        if found := pattern.search(question):
            return Rejected(reason, found[0])
    named = [re.search(rf"(?<!\w){re.escape(choice)}(?!\w)", question, re.IGNORECASE) for choice in choices]
    numbers = all(map(parse, choices))  # which may well occur in a question
    if {mark[1] for mark in LABEL.finditer(question)} >= {"A", "B"} or (all(named) and not numbers):
        return Rejected("the options are part of the question's wording")
    if found := _ANSWER_NEEDS_OPTIONS.search(gold):
        return Rejected("the answer points to other options", gold)
    return Rejected("the answer is that nothing can be said", gold) if _UNDECIDED.search(gold) else None

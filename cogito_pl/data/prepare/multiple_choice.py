"""Separates the options of a multiple-choice problem from its question, as text."""

import re
from collections.abc import Sequence
from itertools import pairwise
from string import ascii_uppercase

from cogito_pl.problem import IMAGE_MARKER

_HEADING = r"(?:\b(?:answer )?(?:choices|options)\b(?: are)?\s*[:：]?\s*)"  # noqa: RUF001
LABEL = re.compile(r"(?:^|(?<=[\s>:：;,]))[(\[]?([A-H])[)\].:、]\s*(?=\S)")  # noqa: RUF001
_INSTRUCTION = re.compile(
    r"\b(?:option|choice)(?:['’]?s)? letters?\b|\bletters? of\b|\b(?:choose|select|pick|answer with|answer using)\b.*"  # noqa: RUF001
    r"\b(?:options?|choices?|letters?|(?:correct|right|best) (?:answer|one)|from|below)\b",
    re.IGNORECASE,
)


def separated(question: str, choices: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The question without options, headings and instructions, and the options without labels.

    Args:
        question: As in the data.
        choices: The options; if empty, they are searched for in the question.

    Returns:
        The question and the options; no options where none are found.
    """
    choices = _without_labels(choices)
    start, end, choices = _given(question, choices) if choices else _labelled(question)
    if not choices:
        return question, ()
    pieces = re.split(r"(?<=[.?!。])(\s+)|(\n)", question[:start].rstrip() + "\n" + question[end:].lstrip())
    kept = [p for p in pieces if p and ("?" in p or IMAGE_MARKER in p or not _INSTRUCTION.search(p))]
    return re.sub(r"\s*\n\s*", "\n", "".join(kept)).strip(), choices


def _without_labels(choices: Sequence[str]) -> tuple[str, ...]:
    marks = [
        re.match(rf"[(\[]?{label}[)\].:、]\s*", text) for label, text in zip(ascii_uppercase, choices, strict=False)
    ]
    if len(marks) == len(choices) and all(marks):
        choices = [text[mark.end() :] for mark, text in zip(marks, choices, strict=True)]
    return tuple(text.strip() for text in choices)


def _given(question: str, choices: tuple[str, ...]) -> tuple[int, int, tuple[str, ...]]:
    """Start and end of known options in the question, labelled or after a heading; its end where they are absent."""
    texts = [r"\s+".join(map(re.escape, choice.split())) for choice in choices]
    labels = (rf"[(\[]?{label}[)\].:、]\s*" for label in ascii_uppercase)
    listed = r"[\s,;./]*".join(label + text for label, text in zip(labels, texts, strict=False))
    bare = r"[\s,;/'\"]*(?:\bor\s)?['\"\s]*".join(texts)
    pattern = rf"{_HEADING}?{listed}[.;]?|{_HEADING}[\[('\"]*{bare}[\])'\".;]*"
    found = list(re.finditer(pattern, question, re.IGNORECASE))
    return (*(found[-1].span() if found else (len(question),) * 2), choices)


def _labelled(question: str) -> tuple[int, int, tuple[str, ...]]:
    """Start, end and texts of the last run of labels A, B, C, ...; the last option ends with its line."""
    marks = list(LABEL.finditer(question))
    first = max((place for place, mark in enumerate(marks) if mark[1] == "A"), default=len(marks))
    run = marks[first:]
    if len(run) < 2 or "".join(mark[1] for mark in run) != ascii_uppercase[: len(run)]:
        return len(question), len(question), ()
    end = question.find("\n", run[-1].end())
    end = len(question) if end < 0 else end
    texts = [question[one.end() : other.start()] for one, other in pairwise(run)] + [question[run[-1].end() : end]]
    heading = re.search(rf"{_HEADING}$", question[: run[0].start()], re.IGNORECASE)
    return heading.start() if heading else run[0].start(), end, tuple(text.strip(" \t\n,;") for text in texts)

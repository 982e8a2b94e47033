r"""Finds the places where a response may state its answer.

The cascade, best place first. `grade` takes the first place whose text the verifier of the problem's kind can read.

1. Only the text after the last `</think>` counts. A `<think>` that is never closed leaves no final answer, unless an
   `<answer>` follows it.
2. `answer-tag`: the last `<answer>...</answer>`: a box in it, a marked value in it, all of it, a sentence in it. When
   there is one, no other place is looked at.
3. `boxed`: the last `\boxed{...}` with balanced braces; boxes joined only by commas, "and" or "or" are one list. A
   marker that follows the box overrules it when it says "final answer", or when a correction ("Wait, no") is between.
4. `marker`: after the last "answer is", "Answer:", "final answer", or its like in other languages, unless that says
   "correct" or stands in a condition. When a correction follows it, the closing sentence goes first.
5. `option-marker`: after the last "option is", "choice:", "I choose"; only choices are read from it.
6. `lone`: the whole text, which the verifier accepts only when it is an answer and nothing else.
7. `statement`: the value that the closing sentence states (`answer_sentences`); `closing`: that sentence itself, for
   choices.
8. `bracketed`: the last `[...]`, only where the options name it.

Stray numbers and letters are never taken for an answer. The order follows the advice that comparing public extractors
(evalscope, lmms-eval, VLMEvalKit, MMMU, Math-Verify) on their own test cases gives: explicit markers, last one first.
"""
# ruff: noqa: RUF001

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cogito_pl.rewards.verifier.parsing import answer_sentences
from cogito_pl.rewards.verifier.parsing.answer_phrases import ANSWER, CONDITION, PRAISES
from cogito_pl.rewards.verifier.parsing.delimiters import SPAN, boxed, last_box, tagged, unwrapped

_MARKER = re.compile(
    rf"(?:{ANSWER.pattern})(?P<gap>[^.\n:：=?。]{{0,60}}?)"
    r"(?:\b(?:is|are|(?:must|should|would|will|to) be|est|es|son|ist|è|é)\b(?P<colon>\s*[:：])?|(?P<sign>[:：=])"
    r"|[是为は])"
    r"|(?<!\w)答(?P<han>[:：])|(?:^|\n)[#* ]*(?:the )?(?:final )?answer[*: ]*\n",
    re.IGNORECASE,
)
_OPTION = re.compile(
    r"\b(?:option|choice)\b[^.\n:]{0,100}?(?:\b(?:is|(?:must|should|would) be)\b\s*:?|:)"
    r"|\b(?:choose|chose|pick|select|go with|opt for)\b\s*:?"
    r"|(?<![不没])(?:故选|应选|选择?)(?!项)[:：是]?",
    re.IGNORECASE,
)
_NEGATION = re.compile(r"\b(?:not|no|never|cannot)\b|n't|[不没]", re.IGNORECASE)
_LISTED = re.compile(r"^\s*[(\[]?[A-Z][)\].:]\s", re.MULTILINE)
_CHAT = re.compile(r"<\|im_(?:start|end)\|>")
_BRACKETS = re.compile(r"\[([^\[\]]{1,200})\]")


class Candidate(NamedTuple):
    """A text that may state the answer, and the rule that found it."""

    text: str
    rule: str


def final_text(response: str) -> tuple[str, bool]:
    """What counts as the final part of a response.

    Args:
        response: The whole response.

    Returns:
        The text after the reasoning, and whether the reasoning was closed (or absent).
    """
    tail = _CHAT.split(response, maxsplit=1)[0].rpartition("</think>")[2]
    _, opened, unfinished = tail.rpartition("<think>")
    return (unfinished, False) if opened else (tail, True)


class Marked(NamedTuple):
    """What follows a marker, where the marker begins, and whether a whole sentence may follow it, as after a colon."""

    text: str
    start: int
    concluding: bool


def _marked(text: str, pattern: re.Pattern[str]) -> Marked | None:
    """The last marker that asserts a value."""
    last = None
    for found in pattern.finditer(text):
        gap = found.groupdict().get("gap") or ""
        denied = CONDITION.search(text[max(found.start() - 40, 0) : found.start()]) or _NEGATION.search(gap)
        if not denied and not PRAISES.match(text, found.end()) and text[found.end() : found.end() + SPAN].strip():
            last = found
    if last is None:
        return None
    colon = any(sign and sign.strip() in (":", "：") for sign in last.groupdict().values()) or last[0].endswith("\n")
    return Marked(text[last.end() : last.end() + SPAN].strip(), last.start(), colon)


def _after(marker: Marked, rule: str) -> Iterator[Candidate]:
    yield Candidate(marker.text, rule)
    for value in answer_sentences.values(answer_sentences.clause(marker.text), marker.concluding):
        yield Candidate(unwrapped(value), f"{rule} statement")


def _overrules(text: str, box: int, marker: int) -> bool:
    """Whether a marker after a box takes its place: a "final answer", or one that follows a correction."""
    final = re.search(r"\bfinal\s+$", text[max(marker - 10, 0) : marker], re.IGNORECASE)
    return bool(final or answer_sentences.corrected(text[box : marker + 1]))


def _in_tag(content: str) -> Iterator[Candidate]:
    whole = content.strip()
    if (box := boxed(content)) is not None:
        yield Candidate(unwrapped(box), "answer-tag")
        return
    if (marker := _marked(content[:SPAN], _MARKER)) is not None:
        yield from _after(marker, "answer-tag marker")
    if whole:
        yield Candidate(unwrapped(whole), "answer-tag")
    for value in answer_sentences.values(answer_sentences.closing(content)):
        yield Candidate(unwrapped(value), "answer-tag statement")


def _closing(text: str) -> Iterator[Candidate]:
    sentence = answer_sentences.closing(text)
    for value in answer_sentences.values(sentence):
        yield Candidate(unwrapped(value), "statement")
    if sentence and not (_LISTED.match(sentence) and len(_LISTED.findall(text[-SPAN:])) > 1):
        yield Candidate(sentence, "closing")


def _after_last(markers: Sequence[str], text: str) -> str:
    """What follows the last of some words; nothing where none occurs."""
    edges = [(r"(?<!\w)" * word[0].isalnum(), r"(?!\w)" * word[-1].isalnum()) for word in markers]
    whole = [before + re.escape(word) + after for word, (before, after) in zip(markers, edges, strict=True)]
    ends = [found.end() for word in whole for found in re.finditer(word, text, re.IGNORECASE)]
    return text[max(ends) :].strip()[: SPAN + 1] if ends else ""


def candidates(response: str, markers: Sequence[str] = ()) -> Iterator[Candidate]:
    """The places where a response may state its answer, best first, as the module describes.

    Args:
        response: The response, special tokens already removed.
        markers: Further words that announce an answer; see `GradeOptions`.

    Yields:
        Candidates with their rule; none when the response has no final answer at all.
    """
    text, closed = final_text(response)
    if (tag := tagged(text)) is not None:
        yield from _in_tag(tag)
        return
    if not closed:
        return
    if named := _after_last(markers, text):
        yield Candidate(unwrapped(named), "marker")
    box, marker = last_box(text), _marked(text, _MARKER)
    overruled = box and marker and marker.start >= box[1] and _overrules(text, box[1], marker.start)
    if box and not overruled:
        yield Candidate(unwrapped(box[0]), "boxed")
    if marker and answer_sentences.corrected(marker.text):
        yield from _closing(text)
    if marker:
        yield from _after(marker, "marker")
    if box and overruled:
        yield Candidate(unwrapped(box[0]), "boxed")
    if (option := _marked(text, _OPTION)) and not answer_sentences.corrected(option.text):
        yield Candidate(option.text, "option-marker")
    if text.strip():
        yield Candidate(text.strip()[: SPAN + 1], "lone")
    yield from _closing(text)
    if brackets := _BRACKETS.findall(text):
        yield Candidate(brackets[-1], "bracketed")

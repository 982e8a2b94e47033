r"""Where a response states its answer. Knows tags, boxes and markers; nothing of kinds of answers or of gold.

The cascade, best place first. `grade` takes the first place whose text the verifier of the problem's kind can read.

1. Only the text after the last `</think>` counts. A `<think>` that is never closed leaves no final answer, unless an
   `<answer>` follows it.
2. `answer-tag`: the last `<answer>...</answer>`. When there is one, no other place is looked at.
3. `boxed`: the last `\boxed{...}` with balanced braces; boxes joined only by commas, "and" or "or" are one list.
4. `marker`: after the last "answer is", "Answer:", "final answer", or its like in Chinese, French, Spanish, German.
5. `option-marker`: after the last "option is", "choice:".
6. `statement`: the closing sentence ends in "... is VALUE" or sets one VALUE in bold, and VALUE is an answer, no more.
7. `lone`: the whole text, which the verifier accepts only when it is an answer and nothing else.

Stray numbers and letters are never taken for an answer. The order follows the advice that comparing public extractors
(evalscope, lmms-eval, VLMEvalKit, MMMU, Math-Verify) on their own test cases gives: explicit markers, last one first.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

SPAN = 2000
"""Characters of a place that are looked at; a statement of an answer that is longer is not one."""

_BRACES = re.compile(r"\\+boxed\s*\{|\\[{}\\]|[{}]")
_JOINED = re.compile(r"(?:[ \t,;$]|\\quad|\\[()\[\],;!]|\\(?:text|mathrm)\{\s*(?:and|or)\s*\}|\band\b|\bor\b)*")
_MARKER = re.compile(
    r"(?:\banswers?\b|\bréponse\b|\brespuesta\b|\bantwort\b|答案)[^.\n:：=?]{0,60}?"  # noqa: RUF001
    r"(?:\b(?:is|are|be|est|es|ist)\b\s*[:：]?|[:：=]|[是为])|\bfinal answer[* ]*\n",  # noqa: RUF001
    re.IGNORECASE,
)
_OPTION = re.compile(r"\b(?:option|choice)\b[^.\n:]{0,100}?(?:\bis\b\s*:?|:)", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?=\s)|[。\n]")
_STATED = re.compile(r"\b(?:is|are|was|equals|est(?: de)?)\b|\bit's\b|\*\*(?=[^*]+\*\*)", re.IGNORECASE)
_CHAT = re.compile(r"<\|im_(?:start|end)\|>")


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


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for found in pattern.finditer(text):  # noqa: B007
        pass
    return found


def tagged(text: str) -> str | None:
    """The content of the last complete `<answer>...</answer>`, None when there is none."""
    end = text.rfind("</answer>")
    start = text.rfind("<answer>", 0, max(end, 0))
    return None if start < 0 or end < 0 else text[start + len("<answer>") : end]


def boxed(text: str) -> str | None:
    r"""The content of the last balanced `\boxed{...}`, or of the run of boxes that ends with it; None without a box."""
    boxes: list[tuple[int, int, int]] = []  # start of the command, start and end of the content, outermost only
    stack: list[tuple[int, int] | None] = []
    for brace in _BRACES.finditer(text):
        token = brace.group()
        if "boxed" in token:
            stack.append((brace.start(), brace.end()))
        elif token == "{":
            stack.append(None)
        elif token == "}" and stack and (opened := stack.pop()):
            while boxes and boxes[-1][0] > opened[0]:
                boxes.pop()
            boxes.append((*opened, brace.start()))
    run: list[str] = []
    following = None
    for start, inside, end in reversed(boxes):
        if following is not None and not _JOINED.fullmatch(text[max(end + 1, following - 60) : following]):
            break
        if text[inside:end] not in run:
            run.append(text[inside:end])
        following = start
    return ", ".join(reversed(run)) if run else None


def unwrapped(text: str) -> str:
    r"""The text with tags, a box inside, and enclosing `$`, `\(`, `\[`, `**` and quotes taken off."""
    text = text if len(text) <= SPAN else text[: SPAN + 1]
    for _ in range(4):
        inner = tagged(text)
        inner = boxed(text if inner is None else inner) or inner
        text = (text if inner is None else inner).strip()
        for left, right in (
            ("$$", "$$"),
            ("$", "$"),
            (r"\(", r"\)"),
            (r"\[", r"\]"),
            ("**", "**"),
            ('"', '"'),
            ("`", "`"),
        ):
            body = text[len(left) : len(text) - len(right)]
            if (
                len(text) > len(left) + len(right)
                and text.startswith(left)
                and text.endswith(right)
                and left not in body
            ):
                text = body.strip()
    return text


def clause(text: str) -> str:
    r"""The first formula or sentence of what follows a marker."""
    text = text.lstrip(" \t\n\r*:：").replace("**", "")  # noqa: RUF001
    for left, right in (("$$", "$$"), (r"\[", r"\]"), (r"\(", r"\)"), ("$", "$")):
        if text.startswith(left) and (end := text.find(right, len(left))) > 0:
            rest = _SENTENCE_END.split(text[end + len(right) :], maxsplit=1)[0]
            return text[: end + len(right)] + (rest if len(rest) < 60 else "")
    return _SENTENCE_END.split(text, maxsplit=1)[0].strip()


def candidates(response: str) -> Iterator[Candidate]:
    """The places where a response may state its answer, best first, as the module describes.

    Args:
        response: The response, special tokens already removed.

    Yields:
        Candidates with their rule; none when the response has no final answer at all.
    """
    text, closed = final_text(response)
    if (tag := tagged(text)) is not None:
        yield Candidate(unwrapped(tag), "answer-tag")
        return
    if not closed:
        return
    if (box := boxed(text)) is not None:
        yield Candidate(unwrapped(box), "boxed")
    for pattern, rule in ((_MARKER, "marker"), (_OPTION, "option-marker")):
        last = _last(pattern, text)
        if last is not None and (stated := text[last.end() : last.end() + SPAN].strip()):
            yield Candidate(stated, rule)
    text = text.strip()
    closing = next((part for part in reversed(_SENTENCE_END.split(text[-SPAN:])) if part.strip()), "")[-300:]
    if (verb := _last(_STATED, closing)) is not None:
        bold = verb.group() == "**"
        value = closing[verb.end() :].partition("**")[0] if bold else closing[verb.end() :]
        yield Candidate(unwrapped(value.strip().removesuffix(".")), "statement")
    if text:
        yield Candidate(text[: SPAN + 1], "lone")

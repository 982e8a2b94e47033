r"""Finds tags, boxes and other pairs of delimiters that enclose an answer."""

import re

SPAN = 2000
"""Characters of a place that are looked at; a statement of an answer that is longer is not one."""

_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)
_BRACES = re.compile(r"\\{1,4}(?:boxed|fbox)\s*\{|\\[{}\\]|[{}]")
_FILLER = re.compile(r"(?:[{}$\s]|\\(?:[()\[\],;!\s]|q?quad(?![a-z])|(?:text|mathrm|textbf)(?=\s*\{)))+")
_JOINED = re.compile(
    r"(?:(?:[^\W\d_]+|\([a-z]\)) ){0,4}(?:and|or)(?: [^\W\d_](?:_?\w)? ?=)?|[,;& ]*(?:[^\W\d_](?:_?\w)? ?=)?"
)
_TELLS = re.compile(
    r"\b(?:is|are|was|were|not|no|then|but|wrong|correct|right|first|final|finally|so|wait|hence|thus|now)\b", re.I
)
DELIMITED = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$|\\\(.+?\\\)|\\\[.+?\\\]", re.DOTALL)
"""A formula in its delimiters."""

_PAIRS = (
    ("$$", "$$"),
    ("$", "$"),
    (r"\(", r"\)"),
    (r"\[", r"\]"),
    ("**", "**"),
    ('"', '"'),
    ("`", "`"),
    ("“", "”"),
    (r"\"", r"\""),
)


def tagged(text: str) -> str | None:
    """The content of the last complete `<answer>...</answer>`, None when there is none."""
    content, end = None, None
    for tag in reversed(list(_TAG.finditer(text))):
        if tag[1]:
            end = tag.start() if end is None else end
        elif end is not None:
            content = text[tag.end() : end]
            break
    return content


def _boxes(text: str) -> list[tuple[int, int, int]]:
    """Start of the command, start and end of the content of each balanced box; outermost ones only."""
    boxes: list[tuple[int, int, int]] = []
    stack: list[tuple[int, int] | None] = []
    for brace in _BRACES.finditer(text):
        token = brace.group()
        if "box" in token:
            stack.append((brace.start(), brace.end()))
        elif token == "{":
            stack.append(None)
        elif token == "}" and stack and (opened := stack.pop()):
            while boxes and boxes[-1][0] > opened[0]:
                boxes.pop()
            boxes.append((*opened, brace.start()))
    return boxes


def _joins(between: str) -> bool:
    """Whether what stands between two boxes makes them one list: commas, "and", "or", a few words before "and"."""
    words = _FILLER.sub(" ", between)
    if _TELLS.search(words) or len(between) > 80 or re.search(r"[.:!?\n]", between.strip()):
        return False
    return bool(_JOINED.fullmatch(re.sub(r"[,;& ]+", " ", words).strip()))


def last_box(text: str) -> tuple[str, int] | None:
    r"""The last balanced `\boxed{...}`, or the run of boxes that ends with it.

    Args:
        text: A response, or part of one.

    Returns:
        The content, those of a run joined by commas, and the position after the last box; None without a box.
    """
    boxes = _boxes(text)
    run: list[str] = []
    following = None
    for start, inside, end in reversed(boxes):
        if following is not None and not _joins(text[end + 1 : following]):
            break
        if text[inside:end] not in run:
            run.append(text[inside:end])
        following = start
    return (", ".join(reversed(run)), boxes[-1][2] + 1) if run else None


def boxed(text: str) -> str | None:
    """The content of `last_box`."""
    box = last_box(text)
    return box[0] if box else None


def unwrapped(text: str) -> str:
    r"""The text with tags, a box inside, and enclosing `$`, `\(`, `\[`, `**` and quotes taken off."""
    text = text if len(text) <= SPAN else text[: SPAN + 1]
    for _ in range(4):
        inner = tagged(text)
        inner = boxed(text if inner is None else inner) or inner
        text = (text if inner is None else inner).strip()
        for left, right in _PAIRS:
            body = text[len(left) : len(text) - len(right)]
            enclosed = len(text) > len(left) + len(right) and text.startswith(left) and text.endswith(right)
            if enclosed and left not in body and not body.endswith("\\"):
                text = body.strip()
    return text

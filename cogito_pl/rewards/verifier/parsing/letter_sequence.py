r"""Reads sequences of single letters, in which the order counts: A, C, B or A-C-B or A \to C \to B.

Letters joined by "and" are a set when they are two, or stand in the order of the alphabet; so are those in `\{ \}`.
"""

import re

_SEPARATOR = re.compile(
    r"\s*(?:,\s*(?:and(?![a-z]))?|;|(?<![a-z])and(?![a-z])|-|\\(?:to|rightarrow|Rightarrow)(?![a-z]))\s*"
)
_LETTER = re.compile(r"[A-Za-z]'*")
_AND = re.compile(r"(?<![\\a-zA-Z])and(?![a-zA-Z])")


def letters(text: str) -> tuple[str, ...]:
    """The letters of a tidied formula that lists single letters and nothing else, brackets aside; empty for others.

    With hyphens there are three capitals at least: A - B and a - b - c are differences.
    """
    text = re.sub(r"^(?:\\\{|[(\[])(.*?)(?:\\\}|[)\]])$", r"\1", text.strip())
    if len(text) > 200:
        return ()
    found = tuple(_SEPARATOR.split(text))
    difference = "-" in text and (len(found) < 3 or text.upper() != text)
    return () if len(found) < 2 or difference or not all(map(_LETTER.fullmatch, found)) else found


def sequence(gold: str) -> tuple[str, ...]:
    """The letters of a gold in which their order counts; empty for other golds."""
    found = letters(gold)
    summed = _AND.search(gold) and (len(found) == 2 or list(found) == sorted(found))
    return () if summed or gold.strip()[:1] in ("\\", "(", "[") else found

"""Writes ordinal numbers in one way: third, 3rd and `3^{rd}` are one ordinal, which is not the number three."""

import re

_UNITS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]
_TEENS = [
    "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth",
    "nineteenth",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = (
    {word: n for n, word in enumerate([*_UNITS, *_TEENS], 1)}
    | {tens[:-1] + "ieth": 10 * n for n, tens in enumerate(_TENS, 2)}
    | {f"{tens} {word}": 10 * n + m for n, tens in enumerate(_TENS, 2) for m, word in enumerate(_UNITS, 1)}
)
_WORD = re.compile(rf"\b(?:(?:{'|'.join(_TENS)})[- ](?:{'|'.join(_UNITS)})|{'|'.join(_UNITS + _TEENS)}|\w+tieth)\b")
_RAISED = re.compile(r"(?<=[\da-z)]) ?\^ ?\{? ?(st|nd|rd|th) ?\}?(?![a-z])")


def raised(text: str) -> str:
    """A tidied formula with the endings of ordinals on the line: `3^{rd}` and `3 rd` as 3rd."""
    return re.sub(r"(?<=\d) (?=(?:st|nd|rd|th)\b)", "", _RAISED.sub(r"\1", text))


def in_figures(text: str) -> str:
    """A text in lower case with all ordinals up to the ninety-ninth as a figure and "th", whatever the English ending.

    Args:
        text: Words or figures; `3^{rd}` is read as well.

    Returns:
        The text, in which "second" and "2nd" are both "2th".
    """
    text = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "th", _RAISED.sub(r"\1", text))
    return _WORD.sub(lambda word: f"{_VALUES[key]}th" if (key := word[0].replace("-", " ")) in _VALUES else key, text)

"""Reads numbers that are written as words, in English or Chinese."""
# ruff: noqa: RUF001

import re
from fractions import Fraction

_SMALL = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
SCALES = {"dozen": 12, "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PARTS = {
    "half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10,
}  # fmt: skip
_HAN = {**{c: i for i, c in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2}
_HAN_SCALES = {"十": 10, "百": 100, "千": 1000}


def _han(text: str) -> Fraction | None:
    total = section = digit = 0
    for sign in text:
        if sign in _HAN:
            digit = _HAN[sign]
        elif sign in _HAN_SCALES:
            section, digit = section + (digit or 1) * _HAN_SCALES[sign], 0
        elif sign == "万":
            total, section, digit = (total + section + digit) * 10**4, 0, 0
    return Fraction(total + section + digit)


def _cardinal(words: list[str]) -> Fraction | None:
    """The value of a plain cardinal such as "two hundred and five"; None when it is not well formed."""
    total, section, last = 0, 0, 10**18  # `last` is the size of the previous word, so that "five twenty" is rejected
    for position, word in enumerate(words):
        if word == "and" and 0 < position < len(words) - 1 and last >= 100:
            continue
        if word in _SMALL and (last >= 100 or (last in _TENS.values() and 0 < _SMALL[word] < 10)):
            section, last = section + _SMALL[word], min(_SMALL[word], 19)
        elif word in _TENS and last >= 100:
            section, last = section + _TENS[word], _TENS[word]
        elif word in ("hundred", "dozen") and last < 100:
            section, last = section * SCALES[word], 100
        elif word in SCALES and SCALES[word] >= 1000 and section:
            total, section, last = total + section * SCALES[word], 0, SCALES[word]
        else:
            return None
    return Fraction(total + section) if words else None


def number_of(text: str) -> Fraction | None:
    """Reads a number that is written in words and nothing else.

    Args:
        text: "twenty-one", "minus three", "two and a half", "three quarters", "three point five", "a dozen", "二十一".

    Returns:
        The number, None when the text is not one.
    """
    text = text.strip().casefold()
    if len(text) > 100 or not text:
        return None
    if re.fullmatch(r"[零〇一二两三四五六七八九十百千万]{1,12}", text):
        return _han(text)
    words = re.sub(r"-(?=[a-z])", " ", text).split()
    if words and words[0] in ("minus", "negative"):
        rest = number_of(" ".join(words[1:]))
        return None if rest is None else -rest
    if words and words[0] in ("a", "an") and len(words) > 1 and (words[1] in SCALES or words[1] in _PARTS):
        words[0] = "one"
    if words and words[0] in ("half", "dozen"):
        words = ["one", *words]
    if "point" in words:
        whole, _, digits = " ".join(words).partition(" point ")
        figures = [_SMALL.get(word, 10) for word in digits.split()]
        value = _cardinal(whole.split())
        exact = value is not None and figures and all(figure < 10 for figure in figures)
        return value + Fraction(int("".join(map(str, figures))), 10 ** len(figures)) if exact else None
    if words and (part := _PARTS.get(words[-1].removesuffix("s")) or _PARTS.get(words[-1])):
        before, _, count = " ".join(words[:-1]).rpartition(" and ")
        parts = _cardinal(["one" if word == "a" else word for word in count.split()])
        whole = _cardinal(before.split()) if before else Fraction(0)
        ordinal = parts != 1 and not words[-1].endswith("s")  # twenty-fifth, not twenty fifths
        return None if parts is None or whole is None or ordinal else whole + parts / part
    return _cardinal(words)

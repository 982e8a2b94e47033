r"""Takes a formula apart: lists, tuples, sets, intervals, chains of equalities, names.

`a, b` is a list, `\{a, b\}` a set, `(a, b)` a tuple or an open interval, `[a, b)` an interval; invisible braces are
nothing. `and`, `or` and `;` separate like commas; where a `;` separates, commas are decimal signs or part of an item.
`\pm` makes two items.
"""

import re
from typing import NamedTuple

_SEPARATOR = re.compile(r"\s*(?:;|,(?:\s*(?:and|or)\b)?|(?<![\\a-zA-Z])(?:and|or)(?![a-z]))\s*")
_COMMAND = r"\\(?!sin|cos|tan|log|ln|frac|sqrt|pi\b)[a-z]{2,7}"
_SYMBOL = (
    r"(?:m?\\(?:angle|triangle|overline|vec|widehat)\s*\{?\s*)?"
    rf"(?:[A-Za-z]|[A-Z]{{2,5}}|{_COMMAND})\}}?(?:_(?:\{{[^{{}}]*\}}|\w))?'*"
)
_NAME = re.compile(
    rf"\|?{_SYMBOL}\|?(?:\([^=<>]*\))?|\\frac\{{{_SYMBOL}\}}\{{{_SYMBOL}\}}|{_SYMBOL}(?:[:/]{_SYMBOL})+"
    rf"|\(\s*{_SYMBOL}(?:\s*[,;]\s*{_SYMBOL}){{0,9}}\s*\)|[^\W\d_]{{3,40}}(?: [^\W\d_]{{1,40}}){{0,5}}"
)
_RELATION = re.compile(r"[<>]|\\(?:le|ge|ne|lt|gt|in|subset|to)(?![a-z])")
_ARITHMETIC = re.compile(r"(?:[\d\s.,+\-*/()^{}%!:]|\\(?:frac|cdot|times|div|sqrt|pi|binom|%)(?![a-z])|\\%)+")


class Collection(NamedTuple):
    """Items with the brackets around them; bare lists and single formulas have none."""

    opening: str
    items: tuple[str, ...]
    closing: str


class Chain(NamedTuple):
    """A formula read as "name = ... = value ≈ value"; an equation proper has no name and one value, itself."""

    name: str
    values: tuple[str, ...]


def _depths(text: str) -> list[int]:
    """For each character how many brackets of any kind are open after it."""
    depths, depth = [], 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        depths.append(depth)
    return depths


def _pieces(text: str, separator: re.Pattern[str]) -> list[str]:
    """The text split where a separator stands outside all brackets."""
    depths, pieces, start = _depths(text), [], 0
    for found in separator.finditer(text):
        if found.end() > found.start() and depths[found.start()] == 0:
            pieces.append(text[start : found.start()])
            start = found.end()
    return [*pieces, text[start:]]


def _enclosed(text: str) -> tuple[str, str, str]:
    """The brackets around a whole text and what is between; empty brackets when there are none."""
    width = 2 if text.startswith(r"\{") else 1
    opening, closing = text[:width], text[-width:]
    closes = r"\}" if width == 2 else {"(": ")]", "[": ")]", "{": "}"}.get(opening, "")
    if len(text) < 2 * width + 1 or not closes or closing not in ([closes] if width == 2 else list(closes)):
        return "", text, ""
    depths = _depths(text)
    if 0 in depths[width - 1 : -1] or depths[-1]:
        return "", text, ""
    return opening, text[width:-width].strip(), closing


def _signs(item: str) -> list[str]:
    r"""An item with \pm as its two values."""
    if r"\pm" not in item:
        return [item]
    plus = item.replace(r"\pm", "+", 1).replace(r"\mp", "-")
    return [plus.lstrip("+ ") if plus.startswith("+") else plus, item.replace(r"\pm", "-", 1).replace(r"\mp", "+")]


def collection(text: str) -> Collection:
    """Reads a formula as a collection.

    Args:
        text: The formula, tidied.

    Returns:
        Its items; one item, the formula itself, when it is no collection.
    """
    text = text.strip()
    opening, inside, closing = _enclosed(text)
    while opening == "{":
        opening, inside, closing = _enclosed(inside)
    pieces = _pieces(inside, re.compile(r"\s*;\s*")) if ";" in inside else []
    if len(pieces) < 2:
        pieces = _pieces(inside, _SEPARATOR)
    if len(pieces) < 2 and opening != r"\{":
        opening, closing, pieces = "", "", [inside if not opening else text]
    items = [signed for piece in pieces if piece.strip() for signed in _signs(piece.strip())]
    return Collection(opening, tuple(items), closing)


def chain(text: str) -> Chain:
    """Reads a formula as a chain of equalities.

    Args:
        text: The formula, tidied.

    Returns:
        The name on its left and what it is said to equal at last, exactly and approximately. An equation whose left
        side is neither a name nor arithmetic is returned whole, and so is a formula without equals sign.
    """
    text = text.strip()
    if len(_pieces(text, _SEPARATOR)) > 1 or _RELATION.search(re.sub(r"^[^=<>]{1,20}\\in(?![a-z])", "", text)):
        return Chain("", (text,))
    text = re.sub(rf"^({_SYMBOL})\s*\\in(?![a-z])", r"\1=", text)
    exact, *rough = _pieces(text, re.compile(r"\\approx(?![a-z])|\\simeq(?![a-z])"))
    sides = [side.strip() for side in _pieces(exact, re.compile("="))]
    named = bool(_NAME.fullmatch(sides[0]))
    if len(sides) == 1 and not rough:
        return Chain("", (text,))
    if not named and not all(_ARITHMETIC.fullmatch(side) for side in sides):
        return Chain("", (text,))
    values = [*([sides[-1]] if len(sides) > 1 or not named else []), *(side.strip() for side in rough)]
    if not all(values):
        return Chain("", (text,))
    return Chain(re.sub(r"\(.*\)$|[\s{}|]", "", sides[0]) if named else "", tuple(values))

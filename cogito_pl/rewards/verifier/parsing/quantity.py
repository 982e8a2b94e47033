r"""Reads numbers as they are written, exactly: figures, percent and units.

Read: sign, currency sign, thousands separators, decimals (also with a decimal comma where the comma cannot separate
thousands), powers of ten (`1e5`, `1.2 \times 10^5`), fractions (`3/4`, `\frac{3}{4}`), mixed numbers (`2 1/2`),
percent, the words thousand to trillion, numbers in words (`number_words`), and a trailing unit (`units`). There is no
floating point: 0.1 + 0.2 is 0.3 and 1/3 is not 0.333. NaN and infinity are no numbers.
"""
# ruff: noqa: RUF001

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from cogito_pl.rewards.verifier.parsing import units
from cogito_pl.rewards.verifier.parsing.delimiters import unwrapped
from cogito_pl.rewards.verifier.parsing.latex import STYLE, fold_width
from cogito_pl.rewards.verifier.parsing.number_words import SCALES, number_of

LONGEST = 200
"""Characters in which a number must be written."""

_GROUPED = (
    r"[1-9][0-9]{0,2}(?:(?:,[0-9]{3})+|(?:'[0-9]{3})+)(?:\.[0-9]+)?|[1-9][0-9]{0,2}(?: [0-9]{3})+(?:[.,][0-9]+)?"
    r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"
)
_EUROPEAN = r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+,[0-9]+|[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,}"
_FIGURE = rf"{_GROUPED}|{_EUROPEAN}|[0-9]+,[0-9]+|[0-9]+(?:\.[0-9]*)?|\.[0-9]+"
_NUMBER = re.compile(
    r"(?:(?:about|approximately|approx\.?|around|roughly|exactly|only|just)\s+|\\approx|≈|~|约|\s)*"
    r"(?P<sign>[-+]?)\s*(?P<money>[$€£¥])?\s*(?P<sign2>[-+]?)"
    rf"(?:(?P<whole>[0-9]+)\s+(?=[0-9]+/))?(?P<figure>{_FIGURE})"
    r"(?:[eE](?P<power>[-+]?[0-9]{1,3})(?![0-9.])"
    r"|\s*(?:[*xX·×]|\\times|\\cdot)\s*10\s*\^\s*\{?(?P<ten>[-+]?[0-9]{1,3})\}?(?![0-9]))?"
    rf"(?:\s*/\s*(?P<under>{_FIGURE}))?\s*(?P<percent>%|(?:percent|per cent|percentage|pct)\b)?\s*"
    r"(?P<scale>(?:hundred|thousand|million|billion|trillion|dozen)\b)?\s*"
    r"(?P<unit>(?:[^\W\d_]|[°$€£¥])[^0-9=+*<>,;:()\\]{0,40}(?:\^?\{?-?[0-9²³]\}?)?)?"
)
_LETTERS = "mgshlLNJWVAKCF"  # "5 m" is a length, "5x" is no number
_PRODUCT = re.compile(r"(?![b-df-hj-np-tv-z][aeiou][b-df-hj-np-tv-z]$)[A-Za-z]{1,3}")  # 5xy; but 5 men, 5 apples
_TEN = re.compile(r"(-?)10\s*\^\s*\{?([-+]?[0-9]{1,3})\}?")


@dataclass(frozen=True)
class Number:
    """A number as written: its exact value (a percentage already divided by 100), and its unit."""

    value: Fraction
    percent: bool
    unit: units.Unit | None


def _exact(figure: str) -> Fraction:
    if re.fullmatch(_EUROPEAN, figure):
        figure = figure.replace(".", "").replace(",", ".")
    elif re.fullmatch(_GROUPED, figure):
        figure = re.sub(r"[ ']" if " " in figure else r"[,']", "", figure)
    return Fraction(figure.replace(",", ".").rstrip(".") or "0")


def plain(text: str) -> str:
    r"""LaTeX spacing, `\text`, `\frac`, `\left` and a leading `x =` written plainly, full-width characters folded."""
    text = fold_width(unwrapped(text))[: LONGEST * 2]
    text = re.sub(r"(?<!\\)\$([^$]*[^$\\])\$", r"\1", text)
    text = re.sub(r"\s*\{\s*,\s*\}\s*|,\s*\\!\s*", ",", text).replace(r"\!", "").replace("’", "'")
    text = re.sub(r"\\(?:left|right|displaystyle)(?![a-zA-Z])|\\[,;: ]|[~\u202f]", " ", text)
    text = re.sub(r"\^\s*\{?\s*\\circ\s*\}?|\\degree", "°", text)
    text = re.sub(r"\\(?:text|textbf|textnormal|mathrm|mbox|mathbf)\s*\{([^{}]*)\}", r" \1", text)
    text = re.sub(r"\\[dtc]?frac\s*(?:\{([^{}]*)\}|(\d))\s*(?:\{([^{}]*)\}|(\d))", r" \1\2/\3\4", text)
    text = re.sub(r"^([-+]?)\s*\(\s*([-+]?[0-9][0-9./ ]*)\)", r"\1\2", text)
    text = text.replace("½", " 1/2").replace("¼", " 1/4").replace("¾", " 3/4")
    text = re.sub(r"\\([%$])", r"\1", re.sub(r"^[^\W\d_]\w{0,2}\s*=(?!=)\s*", "", text.strip()))
    text = re.sub(r"\s+", " ", re.sub(r"(?<=[-+]) (?=\d)", "", text)).strip().removesuffix(".")
    return text.strip(" *$" if text.count("$") > 1 else " *")


@lru_cache(maxsize=4096)
def parse(text: str) -> Number | None:
    """Reads a text that is one number and nothing else.

    Args:
        text: The number as written: LaTeX, figures or words.

    Returns:
        The number, None when the text is not one.
    """
    if len(text) > LONGEST:
        return None
    marked, text = bool(STYLE.search(text)), plain(text)
    if ten := _TEN.fullmatch(text):
        return Number(Fraction(10) ** int(ten[2]) * (-1 if ten[1] else 1), False, None)
    if not (found := _NUMBER.fullmatch(text)):
        return _worded(text)
    unit = (found["unit"] or "").strip(" .")
    read = units.read(unit or found["money"]) if unit or found["money"] else None
    if unit and (read is None or (len(unit) == 1 and unit.isascii() and unit.isalpha() and unit not in _LETTERS)):
        return None
    if read and not read.known and not marked and all(map(_PRODUCT.fullmatch, re.findall(r"[^\W\d_]+", unit))):
        return None
    value = _exact(found["figure"]) * Fraction(10) ** int(found["power"] or found["ten"] or 0)
    value *= SCALES.get(found["scale"] or "", 1)
    if found["under"]:
        below = _exact(found["under"])
        if not below:
            return None
        value /= below
        if found["whole"] and value >= 1:  # "3 5/2" is no mixed number
            return None
    value += int(found["whole"] or 0)
    value = -value if (found["sign"] == "-") != (found["sign2"] == "-") else value
    return Number(value / 100 if found["percent"] else value, bool(found["percent"]), read)


def _worded(text: str) -> Number | None:
    """A number in words, with or without a unit: the longest beginning that is a number."""
    words = text.split(" ")
    for end in range(len(words), max(len(words) - 3, 0), -1):
        rest = " ".join(words[end:])
        value = number_of(" ".join(words[:end]))
        unit = units.read(rest) if rest else None
        if value is not None and (unit or not rest or rest in ("percent", "%")):
            return Number(value / 100 if rest in ("percent", "%") else value, rest in ("percent", "%"), unit)
    return None


def readings(answer: Number, gold: Number) -> list[tuple[Fraction, Fraction]]:
    """The pairs of values in which an answer may agree with its gold; none when their units differ."""
    left, right = answer.value, gold.value
    if answer.unit and gold.unit:
        if not answer.unit.agrees(gold.unit):
            return []
        left, right = left * answer.unit.size, right * gold.unit.size
    if (answer.percent and gold.unit and gold.unit.powers) or (gold.percent and answer.unit and answer.unit.powers):
        return []
    pairs = [(left, right)]
    if answer.percent != gold.percent:
        pairs.append((left * (100 if answer.percent else 1), right * (100 if gold.percent else 1)))
    return pairs

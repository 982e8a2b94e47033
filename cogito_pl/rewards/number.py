r"""The verifier of numbers. Knows exact fractions; no floating point, so 0.1 + 0.2 is 0.3 and 1/3 is not 0.333.

Read: sign, currency sign, thousands separators, decimals (also with a decimal comma when the comma cannot separate
thousands), powers of ten (`1e5`), fractions (`3/4`, `\frac{3}{4}`), mixed numbers (`2 1/2`), percent, the words
thousand to trillion, and a trailing unit. A unit must agree only when both sides write one. `50%` is 0.5; when only
one side has the percent sign, the bare figure 50 agrees with it as well, since questions ask "how many percent". NaN
and infinity are no numbers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from cogito_pl.rewards.extract import Candidate, clause, unwrapped
from cogito_pl.rewards.text import Verdict, fold_width

LONGEST = 200
"""Characters in which a number must be written."""

_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_FIGURE = r"[1-9]\d{0,2}(?:[, ]\d{3})+(?:\.\d+)?|\d+,\d+|\d+(?:\.\d*)?|\.\d+"
_NUMBER = re.compile(
    rf"(?P<sign>[-+]?)\s*[$€£¥]?\s*(?P<sign2>[-+]?)(?:(?P<whole>\d+)\s+(?=\d+/))?(?P<figure>{_FIGURE})"
    rf"(?:[eE](?P<power>[-+]?\d{{1,3}})(?![\d.]))?(?:\s*/\s*(?P<under>{_FIGURE}))?\s*"
    r"(?P<percent>%|\b(?:percent|per cent|percentage|pct)\b)?\s*(?P<scale>(?:thousand|million|billion|trillion)\b)?\s*"
    r"(?P<unit>(?![abceinxyz]\b)(?:[^\W\d_]|[°$€£¥])[^\d=+*<>,;:()\\\s]{0,20}(?: [^\W\d_]{1,12})?(?:\^?[\d²³])?)?",
    re.ASCII,
)


@dataclass(frozen=True)
class Number:
    """A number as written: its exact value (a percentage already divided by 100), and its unit."""

    value: Fraction
    percent: bool
    unit: str


def _exact(figure: str) -> Fraction:
    grouped = re.fullmatch(r"[1-9]\d{0,2}(?:[, ]\d{3})+(?:\.\d+)?", figure)
    return Fraction((re.sub(r"[, ]", "", figure) if grouped else figure.replace(",", ".")).rstrip(".") or "0")


def plain(text: str) -> str:
    r"""LaTeX spacing, `\text`, `\frac`, `\left` and a leading `x =` written plainly, full-width characters folded."""
    text = fold_width(unwrapped(text))[: LONGEST * 2]
    text = re.sub(r"\{,\}|,\s*\\!\s*", ",", text).replace(r"\!", "")
    text = re.sub(r"\\(?:left|right|displaystyle)(?![a-zA-Z])|\\[,;: ]", " ", text)
    text = re.sub(r"\^\s*\{?\s*\\circ\s*\}?", "°", text)
    text = re.sub(r"\\(?:text|textbf|textnormal|mathrm|mbox|mathbf)\s*\{([^{}]*)\}", r" \1", text)
    text = re.sub(r"\\[dtc]?frac\s*(?:\{([^{}]*)\}|(\d))\s*(?:\{([^{}]*)\}|(\d))", r" \1\2/\3\4", text)
    text = re.sub(r"\\([%$])", r"\1", re.sub(r"^[^\W\d_]\w{0,2}\s*=(?!=)\s*", "", text.strip()))
    return re.sub(r"\s+", " ", re.sub(r"(?<=[-+]) (?=\d)", "", text)).strip().removesuffix(".").strip(" *")


def parse(text: str) -> Number | None:
    """Reads a text that is one number and nothing else.

    Args:
        text: The number as written, LaTeX or plain.

    Returns:
        The number, None when the text is not one.
    """
    if len(text) > LONGEST or not (found := _NUMBER.fullmatch(plain(text))):
        return None
    value = _exact(found["figure"]) * Fraction(10) ** int(found["power"] or 0) * _SCALES.get(found["scale"] or "", 1)
    if found["under"]:
        below = _exact(found["under"])
        if not below:
            return None
        value /= below
    value += int(found["whole"] or 0)
    value = -value if (found["sign"] == "-") != (found["sign2"] == "-") else value
    unit = (found["unit"] or "").strip(" .").casefold()
    unit = unit[:-1] if len(unit) > 2 and unit.endswith("s") else unit
    return Number(value / 100 if found["percent"] else value, bool(found["percent"]), unit)


def readings(answer: Number, gold: Number) -> list[tuple[Fraction, Fraction]]:
    """The pairs of values in which an answer may agree with its gold; none when their units differ."""
    if answer.unit and gold.unit and answer.unit != gold.unit:
        return []
    pairs = [(answer.value, gold.value)]
    if answer.percent != gold.percent:
        pairs.append((answer.value * (100 if answer.percent else 1), gold.value * (100 if gold.percent else 1)))
    return pairs


def stated(answer: Candidate) -> Number | None:
    """The number that a place states, None when it states none."""
    if (number := parse(answer.text)) or "marker" not in answer.rule:
        return number
    text = clause(answer.text)
    return parse(text) or parse(
        re.split(r"[,;]\s+(?=[^\W\d_]{2})|\s(?:because|since|which|as|so)\b|\s*[(=]", text, maxsplit=1)[0]
    )


def judge(answer: Candidate, gold: str, choices: Sequence[str] = ()) -> Verdict | None:
    """Compares a number with its gold, exactly.

    Args:
        answer: Where the response states its answer.
        gold: The right number.
        choices: Not used.

    Returns:
        The verdict, None when this place states no number.
    """
    number, target = stated(answer), parse(gold)
    if number is None or target is None:
        return None
    return Verdict.of(any(left == right for left, right in readings(number, target)), "number")


def check(gold: str, choices: Sequence[str] = ()) -> str | None:
    """Why this gold cannot be verified, None when it can."""
    return None if parse(gold) else f"the answer {gold[:60]!r} is not a number; use kind math or text"

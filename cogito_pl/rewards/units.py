"""Units of measurement. Knows sizes of units and their dimensions; nothing of numbers or of formulas.

A unit is a product of powers of names, "km/h" or "square centimeters". Names in the table have a size in the base of
their dimension, so that 0.5 m is 50 cm; any other word ("apples") is a dimension of its own with size 1.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

_BASES = {
    "m": "mm:1/1000 cm:1/100 dm:1/10 m:1 km:1000 in:254/10000 ft:3048/10000 yd:9144/10000 mi:1609344/1000 nm:1/1000000000",
    "g": "mg:1/1000 g:1 kg:1000 t:1000000 lb:45359237/100000 oz:45359237/1600000",
    "s": "ms:1/1000 s:1 min:60 h:3600 day:86400 week:604800",
    "month": "month:1 year:12",
    "l": "ml:1/1000 cl:1/100 dl:1/10 l:1",
    "J": "j:1 kj:1000",
    "N": "n:1 kn:1000",
    "W": "w:1 kw:1000",
    "Pa": "pa:1 kpa:1000",
    "V": "v:1 kv:1000 mv:1/1000",
    "A": "a:1 ma:1/1000",
    "ohm": "ohm:1 kohm:1000",
    "Hz": "hz:1 khz:1000 mhz:1000000",
    "dollar": "dollar:1 cent:1/100",
    "euro": "euro:1",
    "degree": "degree:1",
    "radian": "radian:1",
    "celsius": "celsius:1",
    "fahrenheit": "fahrenheit:1",
    "pound": "gbp:1",
    "yuan": "yuan:1",
    "yen": "yen:1",
    "kelvin": "k:1",
}  # fmt: skip
_SIZES = {
    name: (base, Fraction(size))
    for base, units in _BASES.items()
    for name, _, size in (unit.partition(":") for unit in units.split())
}
_ALIASES = {
    alias: name
    for name, aliases in {
        "mm": "millimeter millimetre 毫米", "cm": "centimeter centimetre 厘米", "dm": "decimeter decimetre 分米",
        "m": "meter metre mètre 米", "km": "kilometer kilometre 公里 千米", "in": "inch inche", "ft": "foot feet",
        "yd": "yard", "mi": "mile", "mg": "milligram", "g": "gram gramme gm 克", "kg": "kilogram kilo 公斤 千克",
        "t": "tonne ton 吨", "lb": "pound", "oz": "ounce", "ms": "millisecond", "s": "second sec 秒",
        "min": "minute 分钟", "h": "hour hr 小时", "day": "天", "week": "wk", "year": "yr 年", "ml": "milliliter millilitre 毫升",
        "l": "liter litre 升", "j": "joule", "kj": "kilojoule", "n": "newton", "kn": "kilonewton", "w": "watt", "kw": "kilowatt",
        "pa": "pascal", "kpa": "kilopascal", "v": "volt", "a": "ampere amp", "ohm": "Ω ω", "hz": "hertz",
        "dollar": "$ usd 美元", "cent": "¢ c", "euro": "€ eur", "degree": "° deg 度", "radian": "rad",
        "celsius": "°c degreecelsiu", "fahrenheit": "°f", "gbp": "£", "yuan": "元 rmb", "yen": "¥ jpy",
    }.items()
    for alias in aliases.split()
}  # fmt: skip
_WHOLE = {"mph": "mi/h", "kph": "km/h", "kmh": "km/h", "sqft": "ft^2", "cc": "cm^3"}
_NO_UNIT = frozenset(
    "is are was not or and wrong but no if to from than maybe perhaps probably minus plus times divided below above over "
    "under less more because since so correct incorrect right false true then when where which that with for in between "
    "approximately about by e i x y z pi ou oder et".split()
) - {"in"}  # fmt: skip
_QUALIFIERS = frozenset("long wide tall high deep old away apart total each of the in all unit".split())
_TOKEN = re.compile(r"(?:(square|sq|cubic|cu)\.? ?)?([^\W\d_]+|[$€£¥¢°](?:[cfCF]\b)?|%)\.?(?:\^?\{?(-?\d)\}?)?")


@dataclass(frozen=True)
class Unit:
    """A unit as written: its size in base units, and the powers of its dimensions."""

    size: Fraction
    powers: tuple[tuple[str, int], ...]
    known: bool

    def agrees(self, other: "Unit") -> bool:
        """Whether quantities in the two units can be compared; of unknown words one side may say more."""
        mine, theirs = {name for name, _ in self.powers}, {name for name, _ in other.powers}
        if not mine or not theirs or self.powers == other.powers:  # "units" says nothing
            return True
        return not self.known and not other.known and (mine <= theirs or theirs <= mine)


def _lookup(word: str) -> tuple[str, Fraction] | None:
    folded = word.casefold()
    for name in (folded, folded.removesuffix("s"), folded.removesuffix("es")):
        if (name := _ALIASES.get(name, name)) in _SIZES:
            return _SIZES[name]
    return None


@lru_cache(maxsize=1024)
def read(text: str, words: bool = True) -> Unit | None:
    """Reads a unit.

    Args:
        text: What follows a number: "cm^2", "kilometers per hour", "red apples".
        words: Whether words that are in no table may be a unit.

    Returns:
        The unit, None when the text is none.
    """
    text = re.sub(r"\s+per\s+", "/", re.sub(r"degrees?\s+(celsius|fahrenheit)", r"\1", text.strip(), flags=re.I))
    text = re.sub("²", "^2", re.sub("³", "^3", text.replace("平方", "square ").replace("立方", "cubic ")))
    text = _WHOLE.get(text.casefold(), text)
    powers: dict[str, int] = {}
    size, known, sign, position = Fraction(1), True, 1, 0
    for token in _TOKEN.finditer(text):
        joint = text[position : token.start()].strip()
        if joint not in ("", "/", "*", "·", "-") or len(powers) > 3:
            return None
        sign = -1 if joint == "/" else sign
        position, word = token.end(), token[2]
        power = int(token[3] or 1) * {"s": 2, "c": 3}.get((token[1] or "x")[0], 1)
        found = _lookup(word)
        if found is None:
            if word.casefold().removesuffix("s") in _QUALIFIERS:
                continue
            if not words or word.casefold() in _NO_UNIT or (len(word) < 2 and word < "\u0500"):
                return None
            known = False
            stem = word.casefold()
            found = stem[:-1] if len(stem) > 3 and stem.endswith("s") else stem, Fraction(1)
        powers[found[0]] = powers.get(found[0], 0) + sign * power
        size *= found[1] ** (sign * power)
    if position == 0 or text[position:].strip(" .") or (words and not known and len(powers) > 3):
        return None
    if powers.keys() == {"l"}:  # a litre is a cubic decimetre
        powers, size = {"m": 3 * powers["l"]}, size * Fraction(1, 1000) ** powers["l"]
    return Unit(size, tuple(sorted(powers.items())), known)

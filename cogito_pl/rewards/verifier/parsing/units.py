"""Reads units of measurement: their sizes and dimensions.

A unit is a product of powers of names, "km/h" or "square centimeters". Names in the table have a size in the base of
their dimension, so that 0.5 m is 50 cm; any other word ("apples") is a dimension of its own with size 1.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from cogito_pl.rewards.verifier.parsing.answer_phrases import words

_TABLE = """
m: 1/1000 mm millimeter millimetre 毫米; 1/100 cm centimeter centimetre 厘米; 1/10 dm decimeter decimetre 分米
m: 1 m meter metre mètre 米; 1000 km kilometer kilometre 公里 千米; 1/1000000000 nm nanometer nanometre
m: 254/10000 in inch inche; 3048/10000 ft foot feet; 9144/10000 yd yard; 1609344/1000 mi mile
l: 1/1000 ml milliliter millilitre 毫升; 1/100 cl centiliter; 1/10 dl deciliter; 1 l liter litre 升
g: 1/1000 mg milligram; 1 g gram gramme gm 克; 1000 kg kilogram kilo 公斤 千克; 1000000 t tonne ton 吨
g: 45359237/100000 lb pound; 45359237/1600000 oz ounce
s: 1/1000 ms millisecond; 1 s second sec 秒; 60 min minute 分钟; 3600 h hour hr 小时; 86400 day 天; 604800 week wk
month: 1 month; 12 year yr 年
joule: 1 j joule; 1000 kj kilojoule
newton: 1 n newton; 1000 kilonewton
watt: 1 w watt; 1000 kw kilowatt
pascal: 1 pascal; 1000 kpa kilopascal
volt: 1/1000 millivolt; 1 v volt; 1000 kv kilovolt
ampere: 1/1000 milliampere; 1 a ampere amp
ohm: 1 ohm ω; 1000 kohm
hertz: 1 hz hertz; 1000 khz kilohertz; 1000000 mhz megahertz
dollar: 1/100 cent ¢; 1 dollar $ usd 美元
euro: 1 euro € eur
pound sterling: 1 £ gbp
yuan: 1 yuan 元 rmb
yen: 1 yen ¥ jpy
degree: 1 degree ° deg 度
radian: 1 radian rad
celsius: 1 celsius °c
fahrenheit: 1 fahrenheit °f
kelvin: 1 kelvin k
piece: 1 piece pcs
point: 1 point pts
mole: 1 mol mole
rotation: 1 rpm
beat: 1 bpm
"""
_SIZES = {
    name: (base, Fraction(size))
    for base, _, row in (line.partition(": ") for line in _TABLE.split("\n"))
    for size, *names in (unit.split() for unit in row.split(";") if unit)
    for name in names
}
_SYMBOLS = {
    "meter": "m", "liter": "L", "gram": "g", "joule": "J", "newton": "N", "watt": "W", "pascal": "Pa", "volt": "V",
    "ampere": "A", "hertz": "Hz",
}  # fmt: skip
_CASED = {
    prefix + symbol: (_SIZES[name][0], _SIZES[name][1] * size)
    for name, symbol in _SYMBOLS.items()
    for prefix, size in (("", 1), ("m", Fraction(1, 1000)), ("k", 1000), ("M", 10**6))
}
"""Symbols that their case tells apart: mW is a thousandth of a watt, MW a million; mv is no mV but a product."""
_WHOLE = {"mph": "mi/h", "kph": "km/h", "kmh": "km/h", "sqft": "ft^2", "cc": "cm^3"}
_NO_UNIT = words(
    "is, are, was, not, or, and, wrong, but, no, if, to, from, than, maybe, perhaps, probably, minus, plus, times, "
    "divided, below, above, over, under, less, more, because, since, so, correct, incorrect, right, false, true, then, "
    "when, where, which, that, with, for, between, approximately, about, by, pi, ou, oder, et, st, nd, rd, th"
)
_QUALIFIERS = words("long, wide, tall, high, deep, old, away, apart, total, each, of, the, in, all, units?")
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
    if word in _CASED:
        return _CASED[word]
    folded = word.casefold()
    for name in (folded, folded.removesuffix("s"), folded.removesuffix("es")):
        if name in _SIZES:
            return _SIZES[name]
    return None


@lru_cache(maxsize=1024)
def read(text: str, any_words: bool = True) -> Unit | None:
    """Reads a unit.

    Args:
        text: What follows a number: "cm^2", "kilometers per hour", "red apples".
        any_words: Whether words that are in no table may be a unit.

    Returns:
        The unit, None when the text is none.
    """
    text = text.strip("() ")
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
            if _QUALIFIERS.fullmatch(word):
                continue
            if not any_words or _NO_UNIT.fullmatch(word) or (len(word) < 2 and word < "\u0500"):
                return None
            known = False
            stem = word.casefold() if len(word) > 3 or word.casefold() in ("am", "pm") else word
            found = stem[:-1] if len(stem) > 3 and stem.endswith("s") else stem, Fraction(1)
        powers[found[0]] = powers.get(found[0], 0) + sign * power
        size *= found[1] ** (sign * power)
    if position == 0 or text[position:].strip(" .") or (not known and len(powers) > 3):
        return None
    if powers.keys() == {"l"}:  # a litre is a cubic decimetre
        powers, size = {"m": 3 * powers["l"]}, size * Fraction(1, 1000) ** powers["l"]
    return Unit(size, tuple(sorted(powers.items())), known)

r"""Reads solved inequalities as the sets of numbers that they describe.

Solved is an inequality, or several joined by "or" or "and", in which one variable stands alone between constants:
1 < x \le 3 is (1,3], x < -1 or x \ge 4 is (-\infty,-1) \cup [4,\infty), x \ne 2 is everything else. 2x > 4 is not
solved: who repeats a question has not answered it.
"""

import re
from typing import NamedTuple

from cogito_pl.rewards.verifier.parsing import quantity

RELATION = re.compile(r"\\(?:le|ge|lt|gt|ne)(?![a-z])|[<>]")
"""A sign of order in a tidied formula."""

OR = re.compile(r"(?<![\\a-zA-Z])or(?![a-zA-Z])|\\(?:lor|vee)(?![a-z])")
AND = re.compile(r"(?<![\\a-zA-Z])and(?![a-zA-Z])|\\(?:land|wedge)(?![a-z])")

_FLIPPED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le", r"\ne": r"\ne"}
_GREEK = r"\\(?:theta|alpha|beta|gamma|lambda|phi|omega)(?![a-z])"
_VARIABLE = re.compile(rf"(?:[a-zA-Z]|{_GREEK})(?:_\{{?\w\}}?)?")
_VARYING = re.compile(rf"(?<![a-zA-Z\\])(?!e(?![a-zA-Z]))[a-zA-Z]|[=,;|]|{_GREEK}|\\in(?![a-z])|\\pm")


class Described(NamedTuple):
    """A set of numbers: the name of the variable, and intervals as LaTeX."""

    name: str
    intervals: tuple[str, ...]

    def latex(self) -> str:
        """The set as one union of intervals."""
        return r" \cup ".join(self.intervals)


class _Bounds(NamedTuple):
    """What a chain says of its variable; a side that it leaves open is infinite."""

    name: str
    opening: str
    low: str
    high: str
    closing: str

    def interval(self) -> str | None:
        low, high = quantity.parse(self.low), quantity.parse(self.high)
        if (
            low
            and high
            and (low.value > high.value or (low.value == high.value and self.opening + self.closing != "[]"))
        ):
            return None
        return f"{self.opening}{self.low},{self.high}{self.closing}"


def _bounds(text: str) -> tuple[_Bounds, ...]:
    """The bounds of one chain of signs of order: one, two for a value that is left out; none where it is not solved."""
    sides = [side.strip() for side in RELATION.split(text)]
    signs = [{r"\lt": "<", r"\gt": ">"}.get(sign, sign) for sign in RELATION.findall(text)]
    if signs and (signs[-1] in (">", r"\ge") if len(sides) == 3 else not _VARIABLE.fullmatch(sides[0])):
        sides, signs = sides[::-1], [_FLIPPED[sign] for sign in reversed(signs)]
    place = len(sides) - 2
    ends = sides[:place] + sides[place + 1 :]
    if len(sides) not in (2, 3) or not _VARIABLE.fullmatch(sides[place]):
        return ()
    if not all(ends) or any(map(_VARYING.search, ends)):
        return ()
    name, below = sides[place], (r"-\infty", r"\infty")
    if len(sides) == 3:
        opening, closing = ({"<": 0, r"\le": 1}.get(sign, 2) for sign in signs)
        return () if 2 in (opening, closing) else (_Bounds(name, "(["[opening], *ends, ")]"[closing]),)
    end = ends[0]
    lower, upper = _Bounds(name, "(", end, below[1], ")"), _Bounds(name, "(", below[0], end, ")")
    return {
        "<": (upper,), r"\le": (upper._replace(closing="]"),), ">": (lower,), r"\ge": (lower._replace(opening="["),),
        r"\ne": (upper, lower),
    }[signs[0]]  # fmt: skip


def described(text: str) -> Described | None:
    """Reads solved inequalities.

    Args:
        text: A tidied formula.

    Returns:
        The set that it describes, None when it is no solved inequality or describes no number at all.
    """
    joint = AND if AND.search(text) else OR
    parts = [_bounds(part) for part in joint.split(text)]
    if not all(parts) or (AND.search(text) and OR.search(text)):
        return None
    bounds = [bound for part in parts for bound in part]
    if len({bound.name for bound in bounds}) != 1:
        return None
    if joint is AND:
        lower = [bound for bound in bounds if bound.high == r"\infty"]
        upper = [bound for bound in bounds if bound.low == r"-\infty"]
        if len(parts) != 2 or len(lower) != 1 or len(upper) != 1 or len(bounds) != 2:
            return None
        bounds = [lower[0]._replace(high=upper[0].high, closing=upper[0].closing)]
    intervals = [bound.interval() for bound in bounds]
    return Described(bounds[0].name, tuple(intervals)) if all(intervals) else None

r"""Compares inequalities with the intervals that they describe.

An interval, or a union, answers a gold that is an inequality. An inequality answers a gold that can be nothing but a
set of numbers: one with a square bracket, an infinity or a union. A gold (1, 3) may be a point, and a gold
x \in [1, 3] asks for that notation; inequalities answer them only where the options allow it.
"""

import math
import re
from fractions import Fraction

from cogito_pl.rewards.verifier import symbolic
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing import quantity
from cogito_pl.rewards.verifier.parsing.formula_structure import chain
from cogito_pl.rewards.verifier.parsing.solved_inequality import AND, OR, RELATION, described

_INTERVAL = re.compile(r"[\[(][^\[\]]+,[^\[\]]+[\])](?:\s*\\cup\s*[\[(][^\[\]]+,[^\[\]]+[\])])*")
_INFINITE = {r"-\infty": -math.inf, r"\infty": math.inf, r"+\infty": math.inf}
_SURELY = re.compile(r"^\[|\]$|\\infty|\\cup")


_PIECE = re.compile(r"\s*([\[(])(.*),(.*)([\])])\s*")


def _ends(text: str) -> list[tuple[str, Fraction | float, Fraction | float, str]]:
    """The intervals of a union with their ends as exact numbers, in order; empty when an end is no number."""
    pieces = []
    for piece in text.split(r"\cup"):
        found = _PIECE.fullmatch(piece)
        ends = [_INFINITE.get(end.strip()) or quantity.parse(end) for end in found.groups()[1:3]] if found else [None]
        if None in ends:
            return []
        low, high = (end if isinstance(end, float) else end.value for end in ends)
        pieces.append((found[1], low, high, found[4]))
    return sorted(pieces, key=lambda piece: piece[1])


def _same_set(answer: str, gold: str, options: GradeOptions) -> bool:
    """Whether two unions of intervals are one set; most have plain ends, which need no sympy."""
    one, other = _ends(answer), _ends(gold)
    if one and other and (one == other or (len(one) == len(other) and "." not in answer + gold)):
        return one == other
    return symbolic.agree(answer, gold, options)


def sets_agree(answer: str, gold: str, options: GradeOptions) -> bool | None:
    """Compares two formulas of which one is a solved inequality.

    Args:
        answer: The formula of the response, tidied.
        gold: The gold formula, tidied.
        options: `relations` allows inequalities for every interval, `any_names` other names of the variable.

    Returns:
        Whether they describe the same numbers, None when this is no question of inequalities and intervals.
    """
    if not RELATION.search(answer + gold):
        return None
    one, other = described(answer), described(gold)
    if one and not other and not RELATION.search(gold):
        if options.relations:
            gold = chain(gold).values[0]
        return bool(_INTERVAL.fullmatch(gold) and (_SURELY.search(gold) or options.relations)) and _same_set(
            one.latex(), gold, options
        )
    if other and not one and not RELATION.search(answer) and _INTERVAL.fullmatch(value := chain(answer).values[0]):
        return _same_set(value, other.latex(), options)
    joined = [(bool(AND.search(text)), bool(OR.search(text))) for text in (answer, gold)]
    if not any(map(any, joined)) or not (RELATION.search(answer) and RELATION.search(gold)):
        return None
    if one and other:
        return (one.name == other.name or options.any_names) and _same_set(one.latex(), other.latex(), options)
    return False if joined[0] != joined[1] and all(map(any, joined)) else None

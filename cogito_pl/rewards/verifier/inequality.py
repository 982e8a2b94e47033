r"""Compares inequalities with the intervals that they describe.

An interval, or a union, answers a gold that is an inequality. An inequality answers a gold that can be nothing but a set
of numbers: one with a square bracket, an infinity or a union. A gold (1, 3) may be a point, and a gold x \in [1, 3] asks
for that notation; inequalities answer them only where the options allow it.
"""

import re

from cogito_pl.rewards.verifier import symbolic
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing.formula_structure import chain
from cogito_pl.rewards.verifier.parsing.solved_inequality import AND, OR, RELATION, described

_INTERVAL = re.compile(r"[\[(][^\[\]]+,[^\[\]]+[\])](?:\s*\\cup\s*[\[(][^\[\]]+,[^\[\]]+[\])])*")
_SURELY = re.compile(r"^\[|\]$|\\infty|\\cup")


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
        return bool(_INTERVAL.fullmatch(gold) and (_SURELY.search(gold) or options.relations)) and symbolic.agree(
            one.latex(), gold, options
        )
    if other and not one and not RELATION.search(answer) and _INTERVAL.fullmatch(value := chain(answer).values[0]):
        return symbolic.agree(value, other.latex(), options)
    joined = [(bool(AND.search(text)), bool(OR.search(text))) for text in (answer, gold)]
    if not any(map(any, joined)) or not (RELATION.search(answer) and RELATION.search(gold)):
        return None
    if one and other:
        return (one.name == other.name or options.any_names) and symbolic.agree(one.latex(), other.latex(), options)
    return False if joined[0] != joined[1] and all(map(any, joined)) else None

"""Which answers can be graded without a worker. Knows what the verifiers cost; nothing of processes."""

from cogito_pl.rewards.extract import candidates
from cogito_pl.rewards.formula import stated, target
from cogito_pl.rewards.latex import canonical
from cogito_pl.rewards.worker import GradeRequest

LONGEST = 20_000
"""Characters of a response that is still graded where a training step waits for it, without a deadline."""


def is_quick(request: GradeRequest) -> bool:
    """Whether grading takes linear time, and so less than the way to a worker and back.

    True for every kind but math, whose formulas are compared by sympy; and of those for the ones that spell the gold
    as it is, and for responses that state no formula at all.
    """
    if len(request.response) > LONGEST:
        return False
    if request.kind != "math":
        return True
    if request.options.places:
        return False
    formula = next((formula for place in candidates(request.response) if (formula := stated(place))), None)
    return formula is None or canonical(formula) == canonical(target(request.gold)) != ""

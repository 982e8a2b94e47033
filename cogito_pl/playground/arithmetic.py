"""Family `arithmetic`: a chain of sums and differences, without a picture; the careful way keeps the running total."""

import random
from itertools import pairwise

from cogito_pl.playground.draft import Draft

TERMS = {1: 2, 2: 3, 3: 4, 4: 5, 5: 6}
"""Difficulty to the length of the chain."""

LARGEST = {1: 9, 2: 9, 3: 12, 4: 16, 5: 19}
"""Difficulty to the largest total, on the way and at the end."""


def arithmetic(difficulty: int, rng: random.Random) -> Draft:
    """The last total is drawn first, then the way to it backwards."""
    totals = [rng.randint(0, LARGEST[difficulty])]
    for remaining in range(TERMS[difficulty] - 2, -1, -1):
        # The first term is one digit above zero, so the second total has to be within its reach.
        least, most = (
            (0, LARGEST[difficulty] if remaining > 1 else min(LARGEST[difficulty], 18)) if remaining else (1, 9)
        )
        totals.append(rng.choice([n for n in range(least, most + 1) if 1 <= abs(n - totals[-1]) <= 9]))
    totals.reverse()
    moves = [after - before for before, after in pairwise(totals)]
    question = " ".join([str(totals[0]), *(f"{'+' if move > 0 else '-'} {abs(move)}" for move in moves), "="])
    running = (f"{move:+d} {total}" for move, total in zip(moves, totals[1:], strict=True))
    return Draft(question=question, answer=str(totals[-1]), kind="number", steps=" ".join([str(totals[0]), *running]))

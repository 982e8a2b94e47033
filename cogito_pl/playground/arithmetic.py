"""Family `arithmetic`: a chain of sums and differences without an image; the solution keeps a running total."""

import random
from itertools import pairwise

from cogito_pl.playground.draft import Draft

TERMS = {1: 2, 2: 3, 3: 4, 4: 5, 5: 6}
"""Difficulty to the number of terms."""

LARGEST = 19
"""The largest intermediate and final total; two terms alone give some two hundred different problems."""


def arithmetic(difficulty: int, rng: random.Random) -> Draft:
    """Draws the last total first, then the terms backwards."""
    totals = [rng.randint(0, LARGEST)]
    for _ in range(TERMS[difficulty] - 1):
        totals.append(rng.choice([total for total in range(LARGEST + 1) if 1 <= abs(total - totals[-1]) <= 9]))
    totals.reverse()
    moves = [after - before for before, after in pairwise(totals)]
    question = " ".join([str(totals[0]), *(f"{'+' if move > 0 else '-'} {abs(move)}" for move in moves), "="])
    running = (f"{move:+d} {total}" for move, total in zip(moves, totals[1:], strict=True))
    return Draft(question=question, answer=str(totals[-1]), kind="number", steps=" ".join([str(totals[0]), *running]))

"""Draw orders for the tests."""

import random

from cogito_pl.data.draw_order import DrawContext, DrawOrder, Mixture, Pool
from tests.conftest import problem

PROBLEMS = [problem(id=f"p{index}") for index in range(40)]


def context(*, seed=5, stage=0, first=0, problems=PROBLEMS) -> DrawContext:
    return DrawContext(problems, [Pool(range(len(problems)))], seed=seed, stage=stage, first=first)


class Worst(DrawOrder):
    """Draws one of the problems with the lowest rewards so far; all of its state matters to every draw.

    Args:
        context: The stage.
        among: How many problems it chooses among.
    """

    def __init__(self, context: DrawContext, among: int = 8):
        self.pool, self.among = list(context.pools[0].indices), among
        self.random = random.Random(context.seed)
        self.scores = dict.fromkeys(self.pool, 0.0)
        self.calls: list[tuple[str, list[int]]] = []  # for tests: no part of the state

    def __call__(self, number):
        self.calls.append(("draw", [number]))
        return self.random.choice(sorted(self.pool, key=lambda index: (self.scores[index], index))[: self.among])

    def observe(self, outcomes):
        self.calls.append(("observe", [outcome.number for outcome in outcomes]))
        for outcome in outcomes:
            self.scores[outcome.index] += outcome.reward + outcome.accuracy

    def state_dict(self):
        return {"scores": dict(self.scores), "random": self.random.getstate()}

    def load_state_dict(self, state):
        self.scores = dict(state["scores"])
        self.random.setstate(state["random"])


class Unobserving(Mixture):
    """Takes no outcomes, under another name."""

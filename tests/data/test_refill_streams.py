"""Refills have streams of their own, and each observes what every other one does."""

from cogito_pl.data.draw_order import DrawContext, DrawOrder, DrawOutcome, Pool
from cogito_pl.data.draws import StageDraws


class Noting(DrawOrder):
    """Draws the problem of the draw's number, and notes the outcomes."""

    def __init__(self, context):
        self.context, self.seen = context, []

    def __call__(self, number):
        return number % len(self.context.problems)

    def observe(self, outcomes):
        self.seen += outcomes


def outcomes(first, attempts):
    return [DrawOutcome(number, 0, 0.5, 1.0, "", a) for a in range(attempts) for number in (first, first + 1)]


def test_a_stream_observes_all_outcomes_from_its_first_refill_on():
    draws = StageDraws(Noting, DrawContext([None] * 10, [Pool(range(10))], seed=3, stage=0, first=0))
    draws.draw(range(2))
    draws.observe(first := outcomes(0, 1))
    draws.draw(range(2, 4))
    draws.refill([3], 1)
    draws.observe(second := outcomes(2, 2))
    draws.draw(range(4, 6))
    draws.refill([4], 1)
    draws.refill([4], 2)
    draws.observe(third := outcomes(4, 3))
    seen = {attempt: stream.order.seen for attempt, stream in draws.streams.items()}
    assert seen == {0: first + second + third, 1: second + third, 2: third}
    assert len({stream.order.context.seed for stream in draws.streams.values()}) == 3

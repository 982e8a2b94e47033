"""A stage's draws are asked of the order once, repeated after a resume, and the same on any number of ranks."""

import io
from itertools import islice

import numpy as np
import pytest
import torch

from cogito_pl.data.draw_order import DrawOutcome, Mixture
from cogito_pl.data.draws import StageDraws
from cogito_pl.data.loading import RolloutSampler
from cogito_pl.seeds import stable_seed
from tests.data.orders import PROBLEMS, Unobserving, Worst, context

PROMPTS, SLOTS, ROLLOUTS = 4, 3, 5


def sampler(draws: StageDraws, rank=0, world=1) -> RolloutSampler:
    return RolloutSampler(
        draw=draws.draw, first=0, rollouts=ROLLOUTS, prompts=PROMPTS, repeats=SLOTS, rank=rank, world=world
    )


def outcomes(draws: StageDraws, rollout: int, attempt: int = 0, salt: object = "") -> list[DrawOutcome]:
    """Made-up results of a rollout, which depend on the problems that were drawn."""
    numbers = range(rollout * PROMPTS, (rollout + 1) * PROMPTS)
    seen = [(number, draws.index_of(number, attempt)) for number in numbers]
    return [
        DrawOutcome(n, index, accuracy=stable_seed(n, index, salt) % 9 / 8, reward=0.5 * attempt, attempt=attempt)
        for n, index in seen
    ]


def play(draws: list[StageDraws], start: int = 0, stop: int = ROLLOUTS * SLOTS, attempts: int = 0) -> list[list]:
    """Every batch from one slot to another, joined over the ranks; as a training loop asks for it."""
    loaders = [islice(sampler(mine, rank, len(draws)), start, None) for rank, mine in enumerate(draws)]
    played = []
    for slot in range(start, stop):
        shares = [next(loader) for loader in loaders]
        played.append([(draw.number, draw.index) for share in shares for draw in share])
        if slot % SLOTS == 0 or slot == start:  # a run that was resumed inside a rollout samples it again
            for rank, mine in enumerate(draws):
                refilled = [
                    mine.refill([draw.number for draw in shares[rank]], attempt) for attempt in range(1, attempts + 1)
                ]
                played[-1] += [("refill", index) for attempt in refilled for index in attempt] if rank == 0 else []
            for mine in draws:
                again = "" if slot % SLOTS == 0 else "other completions"
                every = [o for attempt in range(attempts + 1) for o in outcomes(mine, slot // SLOTS, attempt, again)]
                mine.observe(sorted(every, key=lambda outcome: outcome.number))
    return played


def through_a_file(state: dict) -> dict:
    """The state as a checkpoint gives it back."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("order", [Worst, Mixture])
@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 2), (2, 1), (4, 2)])
def test_from_every_slot_the_rest_of_the_draws_is_the_same_on_any_number_of_ranks(order, before, after):
    whole = play([StageDraws(order, context())])
    assert len({tuple(batch) for batch in whole}) == ROLLOUTS
    for slot in range(1, ROLLOUTS * SLOTS):
        first = [StageDraws(order, context()) for _ in range(before)]
        assert play(first, stop=slot) == whole[:slot]
        rest = [StageDraws(order, context()) for _ in range(after)]
        for mine in rest:
            mine.load_state_dict(through_a_file(first[-1].state_dict()))
        assert play(rest, start=slot) == whole[slot:], slot


def test_refills_go_on_the_same_after_a_resume_and_observe_what_all_streams_drew():
    whole = play([StageDraws(Worst, context())], attempts=2)
    assert whole != play([StageDraws(Worst, context())])
    for slot in range(SLOTS, ROLLOUTS * SLOTS, SLOTS):
        first = StageDraws(Worst, context())
        play([first], stop=slot, attempts=2)
        rest = StageDraws(Worst, context())
        rest.load_state_dict(through_a_file(first.state_dict()))
        assert {attempt: stream.order.scores for attempt, stream in rest.streams.items()} == {
            attempt: stream.order.scores for attempt, stream in first.streams.items()
        }
        assert play([rest], start=slot, attempts=2) == whole[slot:]


def test_a_resume_inside_a_rollout_repeats_its_refills():
    whole = StageDraws(Worst, context())
    play([whole], stop=SLOTS + 1, attempts=2)
    cut = StageDraws(Worst, context())
    cut.load_state_dict(through_a_file(whole.state_dict()))
    play([cut], start=SLOTS + 1, stop=SLOTS + 2, attempts=2)
    assert [s.drawn for s in cut.streams.values()] == [s.drawn for s in whole.streams.values()]
    assert len(cut.streams) == 3


def test_a_candidate_depends_on_seed_attempt_and_number_and_not_on_what_else_is_refilled():
    def refilled(numbers, attempt, *, seed=5, before=(), stage=0):
        draws = StageDraws(Mixture, context(seed=seed, stage=stage))
        draws.draw(range(4))
        for earlier in before:
            draws.refill([3], earlier)
        draws.draw(range(4, 8))
        return draws.refill(numbers, attempt)

    everything = refilled([4, 5, 6, 7], 1)
    assert refilled([6], 1, before=(1, 2)) == everything[2:3]
    assert refilled([7, 5], 1) == [everything[3], everything[1]]
    assert refilled([], 1) == []
    main = StageDraws(Mixture, context()).draw(range(4, 8))
    others = [refilled([4, 5, 6, 7], 2), refilled([4, 5, 6, 7], 1, seed=6), refilled([4, 5, 6, 7], 1, stage=1)]
    assert len({tuple(drawn) for drawn in [everything, main, *others]}) == 5


def test_a_refill_does_not_move_the_main_stream():
    draws = StageDraws(Worst, context())
    draws.draw(range(4))
    draws.refill([0, 1], 1)
    alone = StageDraws(Worst, context())
    alone.draw(range(4))
    assert draws.draw(range(4, 8)) == alone.draw(range(4, 8))


@pytest.mark.parametrize(("numbers", "attempt"), [([3], 1), ([8], 1), ([4], 0)])
def test_a_refill_outside_of_the_current_batch_is_an_error(numbers, attempt):
    draws = StageDraws(Mixture, context())
    draws.draw(range(4))
    draws.draw(range(4, 8))
    with pytest.raises(ValueError, match=r"current prompt batch are \[4, 5, 6, 7\]"):
        draws.refill(numbers, attempt)


def test_an_outcome_is_observed_once():
    draws = StageDraws(Worst, context())
    draws.draw(range(4))
    draws.observe(outcomes(draws, 0))
    seen = dict(draws.streams[0].order.scores)
    draws.observe(outcomes(draws, 0, salt="again"))
    assert draws.streams[0].order.scores == seen
    assert [call for call, _ in draws.streams[0].order.calls] == ["draw"] * 4 + ["observe"]


def test_only_an_order_that_overrides_observe_takes_outcomes():
    assert StageDraws(Worst, context()).observes
    assert not StageDraws(Unobserving, context()).observes


def test_forgotten_draws_leave_the_record_and_the_later_ones_stay():
    draws = StageDraws(Mixture, context())
    drawn = draws.draw(range(8))
    draws.refill([7], 1)
    draws.forget_before(5)
    assert draws.streams[0].drawn == dict(zip(range(5, 8), drawn[5:], strict=True))
    assert sorted(draws.streams[1].drawn) == [5, 6, 7]


@pytest.mark.parametrize("answer", [40, -1, "p3", 2.0, None])
def test_an_answer_that_is_no_index_is_an_error_that_names_the_order(answer):
    class Broken(Mixture):
        def __call__(self, number):
            return answer

    with pytest.raises(ValueError, match=r"data\.draw_order: Broken answers draw 0 with .* one of the 40 problems"):
        StageDraws(Broken, context()).draw(range(2))


def test_an_index_of_numpy_is_recorded_as_plain():
    class Numpy(Mixture):
        def __call__(self, number):
            return np.int64(number)

    assert [type(index) for index in StageDraws(Numpy, context()).draw(range(2))] == [int, int]


@pytest.mark.parametrize(
    ("order", "changed", "named"),
    [
        (Worst, {}, "draw_order 'cogito_pl.data.draw_order.Mixture' in the checkpoint, 'tests.data.orders.Worst' now"),
        (Mixture, {"first": 8}, "first draw 0 in the checkpoint, 8 now"),
        (Mixture, {"stage": 1}, "stage 0 in the checkpoint, 1 now"),
        (Mixture, {"seed": 6}, "seed 5 in the checkpoint, 6 now"),
        (Mixture, {"problems": PROBLEMS[:30]}, "problems 40 in the checkpoint, 30 now"),
    ],
)
def test_draws_that_cannot_be_continued_are_an_error_that_names_the_change(order, changed, named):
    state = StageDraws(Mixture, context()).state_dict()
    with pytest.raises(ValueError, match="cannot be continued") as caught:
        StageDraws(order, context(**changed)).load_state_dict(state)
    assert named in str(caught.value)

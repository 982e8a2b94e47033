"""Which prompts a rank gets, and when."""

import pytest

from cogito_pl.data.draw_order import DrawContext, Mixture, Pool
from cogito_pl.data.loading import InOrderSampler, RolloutSampler


def epoch(number, *, size=7, seed=1, **changes):
    sizes = {"rollouts": 3, "prompts": 4, "repeats": 2, "rank": 0, "world": 1} | changes
    order = Mixture(DrawContext((), [Pool(range(size))], seed=seed, stage=0, first=0))
    return list(RolloutSampler(draw=lambda asked: list(map(order, asked)), first=number * sizes["rollouts"], **sizes))


def test_the_draws_of_an_epoch_follow_those_of_the_one_before_without_gaps():
    numbers = [d.number for number in range(4) for batch in epoch(number)[::2] for d in batch]
    assert numbers == list(range(4 * 3 * 4))


def test_a_prompt_batch_comes_once_for_every_slot_of_its_rollout():
    batches = epoch(0, repeats=3)
    assert len(batches) == 9
    assert all(batches[i] == batches[i // 3 * 3] for i in range(9))


@pytest.mark.parametrize("world", [1, 2, 4])
def test_the_ranks_share_the_same_prompts_in_the_same_order(world):
    whole = epoch(2)
    shares = [epoch(2, rank=rank, world=world) for rank in range(world)]
    assert [[d for share in shares for d in share[i]] for i in range(len(whole))] == whole


def test_another_seed_draws_in_another_order():
    assert epoch(0, size=100, seed=1) != epoch(0, size=100, seed=2)


def test_data_smaller_than_a_prompt_batch_are_drawn_several_times_with_different_numbers():
    batch = epoch(0, size=3, prompts=8)[0]
    assert len({d.number for d in batch}) == 8
    assert {d.index for d in batch} == {0, 1, 2}


@pytest.mark.parametrize(("size", "world"), [(10, 1), (10, 3), (2, 4), (0, 2)])
def test_validation_takes_every_problem_once_and_gives_every_rank_as_many_batches(size, world):
    shares = [list(InOrderSampler(size=size, batch=2, rank=rank, world=world)) for rank in range(world)]
    assert sorted(d.index for share in shares for batch in share for d in batch) == list(range(size))
    assert len({len(share) for share in shares}) == 1

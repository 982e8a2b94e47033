"""Sizes of a rollout divide, or the error says which does not."""

import pytest

from cogito_pl.rl.schedule import RolloutSchedule


def test_vl_cogitos_sizes_give_four_steps_of_2048_sequences():
    schedule = RolloutSchedule(prompts=512, group_size=16, updates=4, micro_batch=4)
    assert schedule.sequences_per_update(1) == 2048
    assert schedule.updates_per_rollout == 4
    assert schedule.micro_batches_per_rollout(8) == 4 * 256 // 4


@pytest.mark.parametrize("world", [1, 2])
def test_every_pass_goes_through_every_row_once_update_by_update(world):
    schedule = RolloutSchedule(prompts=4, group_size=6, updates=3, epochs_per_rollout=2, micro_batch=2)
    slots = [schedule.rows(slot, world) for slot in range(schedule.micro_batches_per_rollout(world))]
    rows = [row for _, part in slots for row in part]
    assert rows == 2 * list(range(24 // world))
    assert [update for update, _ in slots] == sorted([0, 1, 2] * (len(slots) // 6)) * 2


@pytest.mark.parametrize(
    ("sizes", "named"),
    [
        ({"prompts": 4, "group_size": 3, "micro_batch": 8}, "micro_batch=8 does not divide the 12 sequences"),
        ({"prompts": 4, "group_size": 3, "updates": 5, "micro_batch": 1}, "updates=5 does not divide the 12"),
        ({"prompts": 0}, "prompts=0 must be at least 1"),
        ({"epochs_per_rollout": 0}, "epochs_per_rollout=0"),
    ],
)
def test_sizes_that_do_not_divide_are_refused_by_name_value_and_remedy(sizes, named):
    with pytest.raises(ValueError, match=named):
        RolloutSchedule(**sizes)


def test_a_number_of_ranks_that_does_not_divide_the_prompts_is_refused():
    with pytest.raises(ValueError, match="prompts=6 does not divide over 4 ranks"):
        RolloutSchedule(prompts=6, group_size=4, micro_batch=2).check(world=4)

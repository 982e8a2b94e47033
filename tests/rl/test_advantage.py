import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cogito_pl.rl.advantage import group_advantages

TRL = json.loads((Path(__file__).parents[1] / "golden" / "trl_losses.json").read_text())

# VL-Cogito's released functions (alibaba-damo-academy/VL-Cogito, commit 7ab7856), run on eight groups of four:
# rewards, the group's difficulty weight, and its weighted advantages, to the six digits recorded.
VL_COGITO = {
    "hard, mixed": ([1.5, 1.5, 0.25, 0.0], 1.0, [0.858955, 0.858955, -0.702781, -1.015128]),
    "hard, mostly right": ([1.5, 1.5, 1.5, -0.526777], 0.707107, [0.353553, 0.353553, 0.353553, -1.060659]),
    "hard, all wrong": ([0.260807, 0.375, 0.0, -0.05], 0.25, [0.139858, 0.279518, -0.179113, -0.240263]),
    "easy, mostly wrong": ([1.5, 0.5, 0.5, 0.5], 0.707107, [1.060658, -0.353553, -0.353553, -0.353553]),
    "medium, mostly wrong": ([1.5, 0.5, 0.5, 0.5], 0.707107, [1.060658, -0.353553, -0.353553, -0.353553]),
    "easy, all right": ([1.5, 1.5, 1.5, 1.0], 1.0, [0.499998, 0.499998, 0.499998, -1.499994]),
    "hard, all right": ([1.5, 1.5, 1.5, 1.0], 6e-17, [0.0, 0.0, 0.0, 0.0]),
    "easy, all wrong": ([0.5, 0.5, 0.5, 0.0], 0.0, [0.0, 0.0, 0.0, 0.0]),
}


@pytest.mark.parametrize(("rewards", "weight", "expected"), VL_COGITO.values(), ids=VL_COGITO.keys())
def test_advantages_are_those_of_vl_cogito(rewards, weight, expected):
    advantages = group_advantages(torch.tensor(rewards, dtype=torch.float64), 4, eps=1e-6)
    torch.testing.assert_close(advantages * weight, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=2e-6)


@pytest.mark.parametrize("case", TRL["advantages"], ids=lambda case: case["scale_rewards"])
def test_advantages_are_those_of_trl(case):
    advantages = group_advantages(
        torch.tensor(TRL["rewards"], dtype=torch.float64),
        case["group_size"],
        scale_by_std=case["scale_rewards"] == "group",
        eps=case["eps"],
    )
    expected = torch.tensor(case["advantages"], dtype=torch.float64)
    torch.testing.assert_close(advantages, expected, rtol=0, atol=1e-7)  # TRL's n / (n - 1) is a float32


@given(
    reward=st.floats(-1e6, 1e6),
    group_size=st.integers(2, 17),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
    scale_by_std=st.booleans(),
)
def test_equal_rewards_give_exactly_zero(reward, group_size, dtype, scale_by_std):
    rewards = torch.full((2 * group_size,), reward, dtype=dtype)
    assert (group_advantages(rewards, group_size, scale_by_std=scale_by_std, eps=0.0) == 0).all()


def test_rewards_that_differ_by_rounding_are_equal():
    rewards = torch.tensor([0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1, 0.6, 0.6], dtype=torch.float64)
    assert len(rewards.unique()) == 2
    assert (group_advantages(rewards, 4, eps=0.0) == 0).all()


def test_a_small_but_real_difference_is_kept():
    advantages = group_advantages(torch.tensor([1.0, 1.0, 1.0, 1.001]), 4)
    torch.testing.assert_close(advantages, torch.tensor([-0.5, -0.5, -0.5, 1.5]), rtol=0.01, atol=0)


@given(rewards=st.lists(st.floats(-3, 3, width=32), min_size=12, max_size=12), other=st.floats(-3, 3, width=32))
def test_a_group_depends_on_no_other_group_and_sums_to_zero(rewards, other):
    mine = group_advantages(torch.tensor(rewards), 4)
    theirs = group_advantages(torch.tensor([*rewards[:8], other, *rewards[9:]]), 4)
    assert torch.equal(mine[:8], theirs[:8])
    torch.testing.assert_close(mine.view(3, 4).sum(1), torch.zeros(3), rtol=0, atol=1e-4)


def test_integer_and_boolean_rewards_are_accepted():
    expected = torch.tensor([0.5, -0.5])
    assert torch.equal(group_advantages(torch.tensor([1, 0]), 2, scale_by_std=False), expected)
    assert torch.equal(group_advantages(torch.tensor([True, False]), 2, scale_by_std=False), expected)


@pytest.mark.parametrize("shape", [(10,), (2, 4), ()])
def test_incomplete_groups_are_refused_with_the_numbers(shape):
    with pytest.raises(ValueError, match=r"rewards of shape \(.*\) are not whole groups of group_size=4"):
        group_advantages(torch.zeros(shape), 4)


@pytest.mark.parametrize("group_size", [1, 0, -4])
def test_a_group_of_one_is_refused(group_size):
    with pytest.raises(ValueError, match=f"group_size={group_size} "):
        group_advantages(torch.zeros(4), group_size)

"""The record of a rollout is never changed in place, and its parts are its rows."""

import pytest
import torch

from cogito_pl.rewards import Grade
from cogito_pl.rl.rollout import Rollout
from tests.conftest import problem


@pytest.fixture
def rollout():
    lengths = torch.tensor([3, 1, 2, 5])
    mask = torch.arange(5) < lengths[:, None]
    right = [True, False, True, True]
    return Rollout(
        problems=(problem(seed=0), problem(seed=1)), draws=(0, 1), prompts=("first", "second"), policy_steps=(7, 7),
        completions=torch.arange(20).view(4, 5), mask=mask, finished=torch.ones(4, dtype=torch.bool),
        texts=("a", "b", "c", "d"), grades=tuple(Grade(r, float(r), True, "", "answer-tag") for r in right),
        rewards=torch.tensor([1.0, 0.0, 1.0, 1.0]), reward_terms={}, advantages=torch.tensor([1.0, -1.0, 0.0, 0.5]),
        sampled_log_probs=torch.zeros(4, 5),
    )  # fmt: skip


def test_the_accuracy_of_a_group_is_its_share_of_right_completions(rollout):
    assert rollout.group_accuracy().tolist() == [0.5, 1.0]
    assert rollout.problem_of(2).id == "p1"


def test_reweighting_multiplies_the_advantages_of_whole_groups_in_a_new_record(rollout):
    changed = rollout.reweighted(torch.tensor([0.5, 2.0])).reweighted(torch.tensor([1.0, 0.5]))
    assert changed.advantages.tolist() == [0.5, -0.5, 0.0, 0.5]
    assert changed.weights.tolist() == [0.5, 1.0]
    assert rollout.advantages.tolist() == [1.0, -1.0, 0.0, 0.5]


def test_a_micro_batch_has_its_rows_cut_to_their_longest_completion(rollout):
    micro = rollout.micro_batch(range(1, 3))
    assert micro.prompts == ("first", "second")
    assert micro.completions.tolist() == [[5, 6], [10, 11]]
    assert micro.mask.sum(1).tolist() == [1, 2]
    assert micro.old_log_probs is None


def test_a_rollout_cannot_be_changed_in_place(rollout):
    with pytest.raises(AttributeError):
        rollout.rewards = torch.zeros(4)

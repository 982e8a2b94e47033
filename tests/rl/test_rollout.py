"""The record of a rollout is never changed in place, checks its shapes, and its parts are its rows."""

from dataclasses import replace

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


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("problems", (problem(seed=0),) * 3), ("draws", (0,)), ("prompts", ("first",)), ("policy_steps", (7, 7, 7)),
        ("weights", torch.ones(4)), ("rewards", torch.ones(3)), ("counts", torch.ones(2, dtype=torch.long)),
        ("advantages", torch.ones(4, 1)), ("mask", torch.ones(4, 4, dtype=torch.bool)), ("texts", ("a",) * 5),
        ("trained", torch.ones(3, 5, dtype=torch.bool)), ("old_log_probs", torch.ones(4, 6)), ("grades", ()),
        ("reward_terms", {"length": torch.ones(2)}), ("sampled_log_probs", torch.zeros(4)),
    ],
)  # fmt: skip
def test_a_field_of_another_shape_is_an_error_that_names_it(rollout, field, value):
    named = "length" if field == "reward_terms" else field
    with pytest.raises(ValueError, match=rf"rollout\.({named}|\w+) has the shape|not one of whole groups"):
        replace(rollout, **{field: value})


def test_all_tokens_are_trained_and_all_rows_count_once_unless_it_is_said(rollout):
    assert rollout.trained is rollout.mask
    assert rollout.counts.tolist() == [1, 1, 1, 1]
    assert rollout.weights.tolist() == [1, 1]


def test_counts_multiply_and_rows_that_count_zero_times_have_no_loss(rollout):
    counted = rollout.counted(torch.tensor([2, 1, 3, 0])).counted(torch.tensor([2, 0, 1, 1]))
    assert counted.counts.tolist() == [4, 0, 3, 0]
    assert counted.has_loss(every_term=True, drop_zero_weight=False).tolist() == [True, False, True, False]
    assert counted.has_loss(every_term=False, drop_zero_weight=False).tolist() == [True, False, False, False]
    assert counted.micro_batch([2, 0]).counts.tolist() == [3, 4]


def test_a_selection_takes_whole_groups_with_all_that_belongs_to_them(rollout):
    rollout = replace(rollout, reward_terms={"length": torch.arange(4.0)}, old_log_probs=torch.randn(4, 5))
    turned = rollout.select([1, 0])
    assert [p.id for p in turned.problems] == ["p1", "p0"]
    assert turned.prompts == ("second", "first")
    assert turned.draws == (1, 0)
    assert turned.texts == ("c", "d", "a", "b")
    assert turned.reward_terms["length"].tolist() == [2, 3, 0, 1]
    assert torch.equal(turned.old_log_probs, rollout.old_log_probs[[2, 3, 0, 1]])
    assert turned.micro_batch([3]).prompts == ("first",)
    assert len(rollout.select([1, 1, 0])) == 6


def test_joined_rollouts_are_padded_to_the_wider_one_and_fall_apart_again(rollout):
    narrow = replace(
        rollout.select([0]),
        completions=torch.tensor([[1, 2, 3], [4, 0, 0]]),
        mask=torch.tensor([[True, True, True], [True, False, False]]),
        trained=torch.tensor([[False, True, True], [True, False, False]]),
        sampled_log_probs=torch.full((2, 3), -1.0),
        policy_steps=(9,),
    )
    joined = rollout.join(narrow)
    assert joined.policy_steps == (7, 7, 9)
    assert joined.policy_step == 9
    assert joined.lengths.tolist() == [3, 1, 2, 5, 3, 1]
    assert joined.trained.sum(1).tolist() == [3, 1, 2, 5, 2, 1]
    back = joined.select([2])
    assert torch.equal(back.completions[:, :3], narrow.completions)
    assert torch.equal(joined.select([0, 1]).completions, rollout.completions)


def test_rollouts_of_other_groups_or_terms_do_not_join(rollout):
    with pytest.raises(ValueError, match="do not join"):
        rollout.join(replace(rollout, reward_terms={"length": torch.ones(4)}))


def test_a_reward_term_enters_by_its_weight_and_is_kept_unweighted(rollout):
    added = rollout.with_reward_term("brevity", torch.tensor([1.0, 2.0, 3.0, 4.0]), 0.5)
    assert added.rewards.tolist() == [1.5, 1.0, 2.5, 3.0]
    assert added.reward_terms["brevity"].tolist() == [1, 2, 3, 4]

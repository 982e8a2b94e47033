"""The length reward, against values of the released code's functions and of the paper's equation."""

from dataclasses import replace

import pytest
import torch

from cogito_pl.rl.lengths import PRESETS, LengthRule, cosine_reward, length_rewards, target_lengths

OFFICIAL, PAPER = PRESETS["official"], PRESETS["paper"]


def rewarded(lengths, correct, rule, *, group=None, limit=4096):
    lengths = torch.tensor(lengths)
    return length_rewards(
        lengths, torch.tensor(correct, dtype=torch.bool), lengths < limit, group or len(lengths), rule
    )


def test_the_official_term_of_wrong_completions_is_the_clamped_cosine():
    lengths = [400, 1, 100, 200, 300, 400, 500, 600, 700, 800, 900]
    terms = rewarded(lengths, [1] + [0] * 10, OFFICIAL)
    expected = [0, -0.5, -0.426777, -0.25, -0.073223, 0, -0.073223, -0.25, -0.426777, -0.5, -0.5]
    assert terms.tolist() == pytest.approx(expected, abs=1e-5)


def test_the_official_term_where_all_are_wrong_rises_to_the_limit_and_falls_off_it():
    terms = rewarded([0, 375, 750, 2000, 4095, 4096], [0] * 6, OFFICIAL)
    assert terms.tolist() == pytest.approx([-0.25, -0.125, 0, 0, 0, -0.25], abs=1e-5)


def test_the_papers_cosine_swings_back_beyond_twice_the_target_unless_it_is_clamped():
    lengths = torch.tensor([0.0, 50, 100, 150, 200, 300])
    assert cosine_reward(lengths, 100.0, -1.0).tolist() == pytest.approx([-1, -0.5, 0, -0.5, -1, 0], abs=1e-5)
    for clamp, last in ((False, 0.0), (True, -1.0)):
        assert rewarded([100, 300], [1, 0], replace(PAPER, clamp=clamp))[1].item() == pytest.approx(last, abs=1e-5)


def test_the_paper_rewards_right_completions_too_and_aims_at_the_limit_where_all_are_wrong():
    assert rewarded([50, 150], [1, 1], PAPER).tolist() == pytest.approx([-0.5, -0.5], abs=1e-5)
    assert rewarded([375, 750, 1125, 4096], [0] * 4, replace(PAPER, clamp=True)).tolist() == pytest.approx(
        [-0.5, 0, -0.5, -1], abs=1e-5
    )


@pytest.mark.parametrize(("target", "expected"), [("mean", 300.0), ("minimum", 200.0), ("fixed", 750.0)])
def test_the_target_is_taken_from_the_right_completions_of_the_same_group(target, expected):
    lengths, correct = torch.tensor([200, 400, 50, 10, 20, 30]), torch.tensor([1, 1, 0, 0, 0, 0]).bool()
    assert target_lengths(lengths, correct, 3, LengthRule(target=target)).tolist() == [expected, 750.0]


def test_a_fixed_target_treats_every_group_as_one_without_right_completions():
    rule = LengthRule(target="fixed")
    mixed = rewarded([375, 375, 900, 4096, 4096], [0, 1, 0, 0, 1], rule)
    assert mixed.tolist() == pytest.approx([-0.125, 0, 0, -0.25, -0.25], abs=1e-5)


def test_in_a_mixed_group_a_right_completion_that_was_cut_is_not_punished():
    assert rewarded([4096, 100], [1, 0], OFFICIAL)[0] == 0


@pytest.mark.parametrize("rule", [OFFICIAL, PAPER], ids=["official", "paper"])
def test_groups_do_not_see_each_other_and_may_hold_one_completion(rule):
    lengths, correct = [100, 300, 250, 4096, 10, 60], [1, 0, 0, 0, 1, 1]
    together = rewarded(lengths, correct, rule, group=2)
    alone = [rewarded(lengths[i : i + 2], correct[i : i + 2], rule) for i in (0, 2, 4)]
    assert torch.equal(together, torch.cat(alone))
    singles = rewarded(lengths, correct, rule, group=1)
    assert torch.isfinite(singles).all()
    assert (singles[torch.tensor(correct) == 1] == 0).all()  # each is its own target


@pytest.mark.parametrize(
    ("change", "named"),
    [({"max_length": 0}, "max_length=0"), ({"r_min": 0.5}, "r_min=0.5"), ({"r_min_all_wrong": 1.0}, "r_min_all_wrong")],
)
def test_numbers_that_make_no_reward_are_refused_by_name(change, named):
    with pytest.raises(ValueError, match=named):
        LengthRule(**change)

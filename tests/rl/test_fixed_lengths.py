"""Rewards for length from fixed limits, against the numbers of ReVisual-R1 and DAPO."""

import pytest
import torch

from cogito_pl.rl.fixed_lengths import efficient_length, soft_overlong


def test_efficient_length_has_the_values_of_the_specification_around_the_budget():
    lengths = torch.tensor([1, 8092, 8192, 8291, 8292, 9000])
    values = efficient_length(lengths, 8192, slope=0.005, offset=0.5)
    assert values.tolist() == pytest.approx([1.0, 1.0, 0.5, 0.005, 0.0, 0.0], abs=1e-4)


def test_efficient_length_of_the_released_text_reward_is_full_up_to_8142_tokens():
    values = efficient_length(torch.tensor([8142, 8143, 8192]), 8192, slope=0.001, offset=0.95)
    assert values.tolist() == pytest.approx([1.0, 0.999, 0.95], abs=1e-4)


def test_efficient_length_is_clipped_to_bounds_of_ones_own():
    values = efficient_length(torch.tensor([0, 10, 20]), 10, slope=0.1, offset=0.0, least=-0.5, most=0.25)
    assert values.tolist() == pytest.approx([0.25, 0.0, -0.5])


def test_the_soft_penalty_falls_over_the_margin_as_in_dapos_equation_13():
    lengths = torch.tensor([100, 16384, 17408, 18432, 20480, 20481])
    assert soft_overlong(lengths, 20480, 4096).tolist() == pytest.approx([0.0, 0.0, -0.25, -0.5, -1.0, -1.0])

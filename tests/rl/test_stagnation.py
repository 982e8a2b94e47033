"""What is measured of stagnation, counted by hand."""

import pytest
import torch

from cogito_pl.rl.stagnation import stagnation

ADVANTAGES = torch.tensor([0.0, 0.0, 0.02, -0.02, 1.0, -1.0])


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([1] * 6, {"equal_groups": 1 / 3, "small_advantages": 4 / 6, "advantage": 0.0, "advantage_size": 2.04 / 6}),
        (
            [0, 0, 1, 0, 0, 3],
            {"equal_groups": 0, "small_advantages": 0.25, "advantage": -0.745, "advantage_size": 0.755},
        ),
    ],
)
def test_every_row_counts_as_often_as_it_stands_in_the_loss(counts, expected):
    found = stagnation(ADVANTAGES, torch.tensor(counts), 2, threshold=0.02)
    means = {name: ((value * weights).sum() / weights.sum()).item() for name, (value, weights) in found.items()}
    assert means == pytest.approx(expected, abs=1e-6)

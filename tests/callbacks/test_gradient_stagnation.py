"""What is logged of stagnation before and after rows are chosen."""

from dataclasses import replace

import pytest
import torch

from callbacks import GradientStagnation
from tests.callbacks.test_vl_cogito import Bench
from tests.rl.rollouts import graded


def test_what_was_sampled_and_what_is_trained_on_are_told_apart():
    bench, callback = Bench(), GradientStagnation(threshold=0.25)
    sampled = replace(graded([1, 0] * 3, 2), advantages=torch.tensor([0.0, 0.0, 0.25, -0.25, 1.0, -1.0]))
    callback.on_advantages(bench.trainer, bench.module, sampled)
    callback.on_rollout_end(bench.trainer, bench.module, sampled.counted(torch.tensor([0, 0, 1, 0, 2, 0])))
    logged = bench.logged
    before = {"equal_groups": 1 / 3, "small_advantages": 2 / 3, "advantage": 0.0, "advantage_size": 2.5 / 6}
    after = {"equal_groups": 0.0, "small_advantages": 1 / 3, "advantage": 0.75, "advantage_size": 0.75}
    numbers = {"sampled": {"completions": 6, "effective": 2}, "trained": {"completions": 3, "effective": 1}}
    expected = {
        f"stagnation/{part}/{name}": value
        for part, values in (("sampled", before), ("trained", after))
        for name, value in (values | numbers[part]).items()
    }
    assert logged == pytest.approx(expected, abs=1e-6)


def test_the_norm_is_that_of_the_gradient_of_all_parameters():
    bench, weights = Bench(), [torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(1))]
    weights[0].grad, weights[1].grad = torch.tensor([2.0, 3.0]), torch.tensor([6.0])
    optimizer = torch.optim.SGD([*weights, torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    GradientStagnation().on_before_optimizer_step(bench.trainer, bench.module, optimizer)
    assert bench.logged == {"policy/gradient_norm": 7.0}


def test_a_negative_threshold_is_refused():
    with pytest.raises(ValueError, match=r"GradientStagnation\.threshold=-1\.0 must be a number of 0 or more"):
        GradientStagnation(threshold=-1.0)

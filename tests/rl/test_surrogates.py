"""GSPO and CISPO, values and gradients worked out by hand."""

from math import exp

import pytest
import torch

from cogito_pl.rl.losses import SURROGATES, LossConfig, UpdateSize, policy_loss
from tests.rl.loss_batches import token_values


@pytest.fixture(autouse=True)
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def loss_and_gradient(log_ratios, log_probs, advantages, config, size):
    """Of rows of unequal lengths, given as lists."""
    width = max(map(len, log_ratios))
    log_ratios, log_probs = (
        torch.tensor([row + [0.0] * (width - len(row)) for row in rows]) for rows in (log_ratios, log_probs)
    )
    mask = log_probs != 0
    old = log_probs - log_ratios
    terms = policy_loss(log_probs.requires_grad_(), old, torch.tensor(advantages), mask, config=config, size=size)
    terms.total.backward()
    return terms, log_probs.grad


@pytest.mark.parametrize(
    ("aggregation", "weights"),  # of a token in each row: 7 tokens, 4 sequences, 5 tokens at most
    [("grpo", (1 / 8, 1 / 12, 1 / 4, 1 / 4)), ("dapo", (1 / 7,) * 4), ("dr_grpo", (1 / 20,) * 4)],
)
def test_gspo_is_the_clipped_geometric_mean_of_the_ratios_of_a_sequence(aggregation, weights):
    config = LossConfig(surrogate="gspo", aggregation=aggregation, clip_low=0.2, clip_high=0.3)
    log_ratios = [[0.3, -0.1], [1.1, 0.4, 0.0], [-0.5], [0.5]]
    log_probs = [[-1.0, -2.0], [-0.5, -0.7, -0.2], [-1.5], [-0.3]]
    terms, gradient = loss_and_gradient(log_ratios, log_probs, [2.0, 1.0, -1.0, -1.0], config, UpdateSize(4, 7, 5))

    # s = exp(0.1) is inside, exp(0.5) > 1.3 and A > 0, exp(-0.5) < 0.8 and A < 0, exp(0.5) with A < 0 is not clipped
    values = [-2 * exp(0.1), -1.3, 0.8, exp(0.5)]
    lengths = [2, 3, 1, 1]
    expected = sum(n * w * value for n, w, value in zip(lengths, weights, values, strict=True))
    assert terms.total.item() == pytest.approx(expected, abs=1e-12)
    # d loss / d logp_t = (sum of the row's weights) * -s A / |y| where s is not clipped
    first, last = -2 * exp(0.1) * weights[0], exp(0.5) * weights[3]
    wanted = torch.tensor([[first, first, 0.0], [0.0] * 3, [0.0] * 3, [last, 0.0, 0.0]])
    torch.testing.assert_close(gradient, wanted, rtol=0, atol=1e-12)
    assert (terms.sums["clip_low"], terms.sums["clip_high"], terms.sums["tokens"]) == (1, 3, 7)


def test_gspo_with_grpo_is_the_papers_mean_over_sequences_of_their_gradients():
    config = LossConfig(surrogate="gspo", aggregation="grpo", clip_low=3e-4, clip_high=4e-4)
    log_ratios = [[4e-4, 2e-4, 0.0], [-2e-4, 1e-4]]
    terms, gradient = loss_and_gradient(log_ratios, [[-1.0] * 3, [-2.0] * 2], [1.5, -0.5], config, UpdateSize(2, 5, 9))
    s = exp(2e-4), exp(-0.5e-4)
    assert terms.total.item() == pytest.approx((-1.5 * s[0] + 0.5 * s[1]) / 2, abs=1e-12)
    torch.testing.assert_close(gradient[0], torch.full((3,), -1.5 * s[0] / 3 / 2), rtol=0, atol=1e-12)
    torch.testing.assert_close(gradient[1, :2], torch.full((2,), 0.5 * s[1] / 2 / 2), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("aggregation", "weights"),
    [("grpo", (1 / 6, 1 / 4)), ("dapo", (1 / 5,) * 2), ("dr_grpo", (1 / 18,) * 2)],
)
@pytest.mark.parametrize(("clip_low", "lowest"), [(0.2, 0.8), (1.0, exp(-0.5))])
def test_cispo_weights_log_probs_by_the_clipped_ratio_without_its_gradient(aggregation, weights, clip_low, lowest):
    config = LossConfig(surrogate="cispo", aggregation=aggregation, clip_low=clip_low, clip_high=0.3)
    log_ratios = [[0.1, 0.5, -0.5], [0.5, -0.5]]
    log_probs = [[-1.0, -2.0, -0.5], [-0.7, -0.2]]
    terms, gradient = loss_and_gradient(log_ratios, log_probs, [2.0, -1.0], config, UpdateSize(2, 5, 9))

    expected = -weights[0] * 2 * (exp(0.1) * -1.0 + 1.3 * -2.0 + lowest * -0.5)
    expected += weights[1] * (1.3 * -0.7 + lowest * -0.2)
    assert terms.total.item() == pytest.approx(expected, abs=1e-12)
    first = [-2 * weights[0] * ratio for ratio in (exp(0.1), 1.3, lowest)]
    second = [weights[1] * 1.3, weights[1] * lowest, 0.0]
    torch.testing.assert_close(gradient, torch.tensor([first, second]), rtol=0, atol=1e-12)
    assert (terms.sums["clip_low"], terms.sums["clip_high"]) == (2 if clip_low == 0.2 else 0, 2)


def test_an_untrained_token_in_a_sequence_is_no_part_of_its_ratio():
    mask = torch.tensor([[True, False, True]])
    log_ratio = torch.tensor([[0.3, 0.0, -0.1]])  # policy_loss clears what is off the mask
    tokens = token_values(log_ratio, torch.zeros(1, 3), torch.ones(1), mask)
    value = SURROGATES["gspo"](tokens, clip_low=0.2, clip_high=0.2)
    torch.testing.assert_close(value, torch.full((1, 3), -exp(0.1)))


def test_a_ratio_that_overflows_is_clamped():
    log_probs = torch.tensor([[-1.0]], requires_grad=True)
    tokens = token_values(log_probs, torch.tensor([[-2000.0]]), torch.tensor([1.0]))
    for name, wanted in (("cispo", 1.3), ("gspo", 1.3)):
        value = SURROGATES[name](tokens, clip_low=0.2, clip_high=0.3)
        assert value.item() == pytest.approx(-wanted * (-1 if name == "cispo" else 1))
        value.sum().backward()
        assert torch.isfinite(log_probs.grad).all()

"""The dual-clipped surrogate, worked out by hand and against the formula of TRL's `delta`."""

import math

import pytest
import torch

from cogito_pl.rl.dual_clip import DualClippedSurrogate
from cogito_pl.rl.losses import ClippedSurrogate, LossConfig, UpdateSize, policy_loss
from tests.rl.loss_batches import golden_batch, token_values

CLIP = {"clip_low": 0.2, "clip_high": 0.25}  # of ReVisual-R1's released code, whose limit is 3


def test_a_bad_token_that_became_more_than_three_times_as_probable_costs_three_times_its_advantage():
    ratios = torch.tensor([[0.5, 1.1, 2.9, 3.5, 9.0]] * 2, dtype=torch.float64)
    log_probs = (ratios.log() - 5).requires_grad_()
    tokens = token_values(log_probs, torch.full_like(ratios, -5), torch.tensor([-2.0, 2.0], dtype=torch.float64))
    loss = DualClippedSurrogate()(tokens, **CLIP)
    loss.sum().backward()
    assert loss[0].tolist() == pytest.approx([1.6, 2.2, 5.8, 6.0, 6.0])
    assert loss[1].tolist() == pytest.approx([-1.0, -2.2, -2.5, -2.5, -2.5])
    assert log_probs.grad[0].tolist() == pytest.approx([0.0, 2.2, 5.8, 0.0, 0.0])
    low, high = DualClippedSurrogate().clipped(tokens, **CLIP)
    assert low.tolist() == [[True, False, False, False, False], [False] * 5]
    assert high.tolist() == [[False, False, False, True, True], [False, False, True, True, True]]


@pytest.mark.parametrize("limit", [1.1, 1.3])
def test_on_the_golden_batch_it_is_the_two_sided_clip_of_trl(limit):
    """TRL with `delta`: -min(min(rho, delta) A, clamp(rho, 1 - low, 1 + high) A)."""
    batch = golden_batch()
    tokens = token_values(**batch)
    ratio, gain = (tokens.log_probs - tokens.old_log_probs).exp(), tokens.advantages.unsqueeze(1)
    bounds = {"clip_low": 0.2, "clip_high": 0.05}
    expected = -torch.minimum(ratio.clamp(max=limit) * gain, ratio.clamp(0.8, 1.05) * gain)
    found = DualClippedSurrogate(limit)(tokens, **bounds)
    torch.testing.assert_close(found[batch["mask"]], expected[batch["mask"]], rtol=0, atol=1e-12)
    assert not torch.allclose(found, ClippedSurrogate()(tokens, **bounds))


def test_a_config_takes_it_as_its_surrogate():
    batch, size = golden_batch(), UpdateSize(8, 35, 12)
    arguments = (batch["log_probs"], batch["old_log_probs"] - 2, batch["advantages"], batch["mask"])
    plain, bounded = (
        policy_loss(*arguments, config=LossConfig(surrogate=surrogate), size=size).total
        for surrogate in ("clip", DualClippedSurrogate(limit=2.0))
    )
    assert bounded < plain


@pytest.mark.parametrize("limit", [1.0, math.nan])
def test_a_limit_that_would_take_gradients_of_unchanged_tokens_is_refused(limit):
    with pytest.raises(ValueError, match=rf"loss\.surrogate\.limit={limit} must be above 1"):
        DualClippedSurrogate(limit)

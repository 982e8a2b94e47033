"""k1, k2 and k3 of a token, and what their gradients estimate."""

from math import exp

import pytest
import torch

from cogito_pl.rl.losses import DIVERGENCES, LossConfig, UpdateSize, policy_loss
from tests.rl.loss_batches import golden_batch

BY_HAND = {"k1": (-0.5, 1.0), "k2": (0.125, -0.5), "k3": (exp(0.5) - 1.5, 1 - exp(0.5))}
"""Value and gradient with respect to log p, for d = log p_ref - log p = 0.5."""


@pytest.mark.parametrize("name", DIVERGENCES)
def test_value_and_gradient_are_those_worked_out_by_hand(name):
    log_probs = torch.tensor([[-1.5]], dtype=torch.float64, requires_grad=True)
    value = DIVERGENCES[name](log_probs, torch.tensor([[-1.0]], dtype=torch.float64))
    value.sum().backward()
    assert (value.item(), log_probs.grad.item()) == pytest.approx(BY_HAND[name], abs=1e-12)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_the_mean_gradient_over_the_policys_tokens_is_the_one_that_the_docstring_names(name):
    logits = torch.tensor([0.3, -1.0, 0.7, 0.1], dtype=torch.float64, requires_grad=True)
    reference = torch.tensor([1.0, 0.2, -0.5, 0.0], dtype=torch.float64).log_softmax(0)
    policy = logits.log_softmax(0)
    estimate = (policy.exp().detach() * DIVERGENCES[name](policy, reference)).sum()
    (found,) = torch.autograd.grad(estimate, logits, retain_graph=True)
    forward = (policy.exp() * (policy - reference)).sum()
    backward = (reference.exp() * (reference - policy)).sum()
    target = {"k1": 0 * forward, "k2": forward, "k3": backward}[name]
    (expected,) = torch.autograd.grad(target, logits)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_the_loss_has_the_estimator_that_is_set(name):
    batch, size = golden_batch(), UpdateSize(8, 35, 12)
    arguments = (batch["log_probs"], batch["old_log_probs"], batch["advantages"], batch["mask"])
    losses = [
        policy_loss(
            *arguments,
            config=LossConfig(kl_coef=coefficient, kl_estimator=name),
            size=size,
            ref_log_probs=batch["ref_log_probs"],
        )
        for coefficient in (0.0, 0.7)
    ]
    expected = DIVERGENCES[name](batch["log_probs"], batch["ref_log_probs"])[batch["mask"]].sum()
    assert losses[1].total.item() - losses[0].total.item() == pytest.approx(0.7 * expected.item() / 35, abs=1e-12)
    assert losses[1].sums["kl"].item() == pytest.approx(expected.item(), abs=1e-12)


def test_an_unknown_estimator_is_refused_with_the_choices():
    with pytest.raises(ValueError, match=r"loss\.kl_estimator='k4' is unknown; choose one of k1, k2, k3"):
        LossConfig(kl_estimator="k4")

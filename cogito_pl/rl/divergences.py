"""Estimates of KL(policy || reference) per sampled token, besides k3 of `losses`: k1 and k2 (Schulman, 2020).

With d = log p_ref(y) - log p(y) of a token y that the policy sampled:

    k1 = -d           unbiased, of either sign
    k2 = d^2 / 2      biased, never negative
    k3 = e^d - d - 1  unbiased, never negative

What matters in a loss is the gradient with respect to log p, averaged over the policy's samples. That of k1 is 1, which
is zero on average: k1 measures the divergence and does not hold the policy back. That of k2 is -d, whose average is the
gradient of KL(policy || reference). That of k3 is 1 - e^d, whose average is the gradient of KL(reference || policy).
Source: http://joschu.net/blog/kl-approx.html
"""

from torch import Tensor


def k1_divergence(log_probs: Tensor, ref_log_probs: Tensor) -> Tensor:
    """-d of each token, in the shape of `log_probs`."""
    return log_probs - ref_log_probs


def k2_divergence(log_probs: Tensor, ref_log_probs: Tensor) -> Tensor:
    """d^2 / 2 of each token, in the shape of `log_probs`."""
    return (ref_log_probs - log_probs).square() / 2

"""The policy loss: a list of per-token terms, summed with one weight per token. Knows nothing of models or trainers.

    loss = sum_bt w_bt (-min(rho A, clip(rho) A) + kl_coef k3 - entropy_coef H),    rho = exp(logp - logp_old)

The weights w (`token_weights`) belong to the whole optimiser step, so the totals of its micro-batches and ranks add up
to the step's loss, whoever split it. A trainer that averages over micro-batches or ranks has to multiply back.

Deviations: the log-ratio is capped at `LOG_RATIO_LIMIT`, so that no token of zero advantage becomes NaN. VL-Cogito's
code averages over the tokens of each micro-batch, which depends on the split, and caps k3 at 10; neither is done here.
The entropy is weighted like the other terms; TRL takes its token mean over each micro-batch, whatever the loss.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

LossKind = Literal["grpo", "dapo", "dr_grpo"]
LOG_RATIO_LIMIT = 20.0


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """What a policy update minimises.

    Args:
        kind: What the tokens' losses are divided by. `dapo`: all tokens of the update, so every token counts the same
            (arXiv 2503.14476). `grpo`: the tokens of their own sequence, so every sequence counts the same (arXiv
            2402.03300). `dr_grpo`: a constant, the most tokens that could have been sampled (arXiv 2503.20783).
        clip_low: A disliked token is left alone once its probability fell by this share.
        clip_high: A liked token is left alone once its probability rose by this share; above `clip_low`: clip-higher.
        kl_coef: Weight of the k3 estimate of the divergence from the reference policy; 0 needs no reference.
        entropy_coef: Weight of the entropy bonus; positive values keep the policy exploring.
    """

    kind: LossKind = "dapo"
    clip_low: float = 0.2
    clip_high: float = 0.2
    kl_coef: float = 0.0
    entropy_coef: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(LossKind):
            raise ValueError(f"kind={self.kind!r} is no loss; choose one of {', '.join(get_args(LossKind))}.")
        for name in ("clip_low", "clip_high", "kl_coef", "entropy_coef"):
            value = getattr(self, name)
            if not value >= 0:
                raise ValueError(f"{name}={value} must not be negative; use 0 or more.")


@dataclass(frozen=True)
class UpdateSize:
    """Size of a whole optimiser step: all its micro-batches on all ranks, sequences that were left out included."""

    sequences: int | Tensor
    tokens: int | Tensor  # of the completions
    max_tokens: int  # the sampling limit, which is the constant of `dr_grpo`


@dataclass(frozen=True)
class LossTerms:
    """A micro-batch's share of the update's loss, and what to log: plain sums over tokens, without gradient.

    Keys of `sums`: `surrogate`, `clip_low`, `clip_high`, `tokens` (divide by it), and `kl` and `entropy` where given.
    """

    total: Tensor
    sums: dict[str, Tensor]


def token_weights(mask: Tensor, kind: LossKind, size: UpdateSize, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Weight of each token's loss, [B, T]: zero off `mask` ([B, T], true on completion tokens)."""
    weights = mask.to(dtype)
    own_tokens = weights.sum(dim=1, keepdim=True).clamp(min=1)  # [B, 1]
    tokens, sequences = (torch.as_tensor(n, device=mask.device).clamp(min=1) for n in (size.tokens, size.sequences))
    divisor = {"grpo": own_tokens * sequences, "dapo": tokens, "dr_grpo": sequences * size.max_tokens}
    return weights / divisor[kind]


def clipped_surrogate(
    log_probs: Tensor,  # [B, T] under the policy being trained
    old_log_probs: Tensor,  # [B, T] under the policy that sampled
    advantages: Tensor,  # [B]
    *,
    clip_low: float,
    clip_high: float,
) -> Tensor:
    """Negative PPO objective of each token, [B, T] (arXiv 1707.06347, eq. 7, with two clipping ranges)."""
    ratio, gain = _ratio(log_probs, old_log_probs), advantages.unsqueeze(1)
    return -torch.minimum(ratio * gain, ratio.clamp(1 - clip_low, 1 + clip_high) * gain)


def clip_fraction(
    log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, *, clip_low: float, clip_high: float
) -> tuple[Tensor, Tensor]:
    """Tokens without a gradient because of the lower and of the upper bound, two boolean [B, T]; shapes as above."""
    ratio, gain = _ratio(log_probs, old_log_probs), advantages.unsqueeze(1)
    return (ratio < 1 - clip_low) & (gain < 0), (ratio > 1 + clip_high) & (gain > 0)


def k3_divergence(log_probs: Tensor, ref_log_probs: Tensor) -> Tensor:
    """Never negative, low-variance estimate of KL(policy || reference) per token: exp(d) - d - 1, d = ref - logp."""
    difference = ref_log_probs - log_probs
    return torch.expm1(difference) - difference


def policy_loss(
    log_probs: Tensor,  # [B, T] under the policy being trained
    old_log_probs: Tensor,  # [B, T] under the policy that sampled; log_probs.detach() on the first update
    advantages: Tensor,  # [B]
    mask: Tensor,  # [B, T] true on completion tokens; elsewhere anything may stand, NaN included
    *,
    config: LossConfig,
    size: UpdateSize,
    ref_log_probs: Tensor | None = None,  # [B, T] under the reference policy
    entropy: Tensor | None = None,  # [B, T] of the policy being trained, nats
) -> LossTerms:
    """The micro-batch's share of the update's loss, in float32 or better. New terms go into the list below.

    Raises:
        ValueError: A term is switched on and its input is missing.
    """
    if config.kl_coef and ref_log_probs is None:
        raise ValueError(f"kl_coef={config.kl_coef} needs ref_log_probs; pass them or set kl_coef to 0.")
    if config.entropy_coef and entropy is None:
        raise ValueError(f"entropy_coef={config.entropy_coef} needs entropy; pass it or set entropy_coef to 0.")
    mask, dtype = mask.bool(), torch.promote_types(log_probs.dtype, torch.float32)

    def clean(values: Tensor) -> Tensor:  # before any exp: neither values nor gradients of padding may leak
        return values.to(dtype).masked_fill(~mask, 0.0)

    log_probs, old_log_probs, advantages = clean(log_probs), clean(old_log_probs), advantages.to(dtype)
    clip = {"clip_low": config.clip_low, "clip_high": config.clip_high}
    terms = [("surrogate", 1.0, clipped_surrogate(log_probs, old_log_probs, advantages, **clip))]
    if ref_log_probs is not None:
        terms.append(("kl", config.kl_coef, k3_divergence(log_probs, clean(ref_log_probs))))
    if entropy is not None:
        terms.append(("entropy", -config.entropy_coef, clean(entropy)))

    weights = token_weights(mask, config.kind, size, dtype=dtype)  # [B, T]
    total = torch.stack([coef * (weights * values).sum() for _, coef, values in terms if coef]).sum()
    low, high = clip_fraction(log_probs.detach(), old_log_probs, advantages, **clip)
    logged = {name: values.detach() for name, _, values in terms} | {"clip_low": low, "clip_high": high, "tokens": mask}
    return LossTerms(total, {name: (values * mask).sum() for name, values in logged.items()})


def _ratio(log_probs: Tensor, old_log_probs: Tensor) -> Tensor:
    return (log_probs - old_log_probs).clamp(max=LOG_RATIO_LIMIT).exp()

"""The policy loss of a micro-batch: a surrogate and further terms per token, summed with one weight per token.

    loss = sum_bt c_b w_bt (surrogate_bt + kl_coef kl_bt - entropy_coef H_bt + sum_j weight_j term_jbt)

The weights w (`token_weights`) belong to the whole optimiser step, so the totals of its micro-batches and ranks add up
to the step's loss, however it was split; a trainer that averages over either has to multiply back. Row b counts c_b
times. Deviations: log-ratios, that of k3 included, are capped at `LOG_RATIO_LIMIT`. The entropy is weighted like the
other terms; TRL takes its token mean over each micro-batch, whatever the loss.
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from torch import Tensor

from cogito_pl.rl.divergences import k1_divergence, k2_divergence
from cogito_pl.rl.entropy_schedule import EntropySchedule
from cogito_pl.rl.loss_terms import LOG_RATIO_LIMIT, LossTerm, LossTerms, Surrogate, TokenValues, UpdateSize
from cogito_pl.rl.surrogates import SequenceSurrogate, WeightedLogProb

SurrogateName = Literal["clip", "gspo", "cispo"]
Aggregation = Literal["dapo", "grpo", "dr_grpo"]
LOGGED = ("surrogate", "kl", "entropy", "clip_low", "clip_high", "tokens")


class ClippedSurrogate(Surrogate):
    """PPO's clipped surrogate of each token (arXiv 1707.06347, eq. 7, with two clipping ranges).

    -min(rho A, clamp(rho, 1 - clip_low, 1 + clip_high) A),    rho = exp(logp - logp_old)
    """

    def __call__(self, tokens: TokenValues, *, clip_low: float, clip_high: float) -> Tensor:
        """The loss of each token, `[B, T]`."""
        ratio, gain = _ratio(tokens), tokens.advantages.unsqueeze(1)
        return -torch.minimum(ratio * gain, ratio.clamp(1 - clip_low, 1 + clip_high) * gain)

    def clipped(self, tokens: TokenValues, *, clip_low: float, clip_high: float) -> tuple[Tensor, Tensor]:
        """Tokens without a gradient because of the lower and of the upper bound, two boolean `[B, T]`."""
        ratio, gain = _ratio(tokens), tokens.advantages.unsqueeze(1)
        return (ratio < 1 - clip_low) & (gain < 0), (ratio > 1 + clip_high) & (gain > 0)


SURROGATES = {"clip": ClippedSurrogate(), "gspo": SequenceSurrogate(), "cispo": WeightedLogProb()}


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """What a policy update minimises.

    Args:
        surrogate: The loss that follows the advantages. `clip`: PPO's clipped surrogate per token (arXiv 1707.06347).
            `gspo`: one clipped ratio per sequence (arXiv 2507.18071, published with `aggregation: grpo`, clip_low 3e-4
            and clip_high 4e-4). `cispo`: log-probs weighted by the clipped ratio, which has no gradient (arXiv
            2506.13585, published with clip_low 1). Or a `Surrogate` of your own, by class_path.
        aggregation: What the tokens' losses are divided by. `dapo`: all tokens of the update, so every token counts the
            same (arXiv 2503.14476). `grpo`: the tokens of their own sequence, so every sequence counts the same (arXiv
            2402.03300). `dr_grpo`: a constant, the most tokens that could have been sampled (arXiv 2503.20783).
        clip_low: Lower clip range: the ratio is clamped to at least 1 - clip_low.
        clip_high: Upper clip range: the ratio is clamped to at most 1 + clip_high. Above `clip_low`: clip-higher.
        kl_coef: Weight of the divergence from the reference policy; 0 needs no reference.
        kl_estimator: Of the divergence, from each sampled token: k1, k2 or k3 (`cogito_pl.rl.divergences`).
        entropy_coef: Weight of the entropy bonus; positive values keep the policy exploring.
        entropy_schedule: How that weight changes over the optimiser steps of the run; constant when null.
        terms: Further terms, each a `LossTerm` of your own by class_path.
    """

    surrogate: SurrogateName | Surrogate = "clip"
    aggregation: Aggregation = "dapo"
    clip_low: float = 0.2
    clip_high: float = 0.2
    kl_coef: float = 0.0
    kl_estimator: Literal["k1", "k2", "k3"] = "k3"
    entropy_coef: float = 0.0
    entropy_schedule: EntropySchedule | None = None
    terms: tuple[LossTerm, ...] = ()

    def __post_init__(self) -> None:
        known = {"surrogate": SURROGATES, "aggregation": get_args(Aggregation), "kl_estimator": DIVERGENCES}
        for name, choices in known.items():
            if not isinstance(value := getattr(self, name), Surrogate) and value not in choices:
                raise ValueError(f"loss.{name}={value!r} is unknown; choose one of {', '.join(choices)}.")
        for name in ("clip_low", "clip_high", "kl_coef", "entropy_coef"):
            if not (value := getattr(self, name)) >= 0:
                raise ValueError(f"loss.{name}={value} must not be negative; use 0 or more.")
        if self.entropy_schedule is not None and not self.entropy_coef:
            raise ValueError("loss.entropy_schedule has no effect while loss.entropy_coef is 0; set it, or drop this.")
        names = [term.name for term in self.terms]
        if len({*names, *LOGGED}) < len(names) + len(LOGGED):
            raise ValueError(f"loss.terms are named {names}; use names that differ from each other and from {LOGGED}.")

    def at(self, step: int) -> "LossConfig":
        """The config at optimiser step `step`, counted from 0."""
        if self.entropy_schedule is None:
            return self
        return replace(self, entropy_coef=self.entropy_schedule(self.entropy_coef, step), entropy_schedule=None)

    @property
    def needs_reference(self) -> bool:
        """Whether `policy_loss` needs `ref_log_probs`."""
        return self.kl_coef > 0 or any(term.needs_reference for term in self.terms)

    @property
    def entropy_gradient(self) -> bool:
        """Whether `policy_loss` needs `entropy` with its gradient."""
        return self.entropy_coef > 0 or any(term.needs_entropy for term in self.terms)

    @property
    def reaches_every_row(self) -> bool:
        """Whether rows of zero advantage have a gradient too."""
        return self.kl_coef > 0 or self.entropy_coef > 0 or any(term.reaches_every_row for term in self.terms)


def update_size(counts: Tensor, tokens_per_row: Tensor, max_tokens: int) -> UpdateSize:
    """Size of an update of rows `[B]` counted so often, with so many trained tokens each; to be summed over ranks."""
    return UpdateSize(counts.sum(), (counts * tokens_per_row).sum(), max_tokens)


def token_weights(mask: Tensor, aggregation: Aggregation, size: UpdateSize, dtype: torch.dtype) -> Tensor:
    """Weight of each token's loss in a row that is counted once, `[B, T]`; zero off `mask` (`[B, T]`)."""
    weights = mask.to(dtype)
    own_tokens = weights.sum(dim=1, keepdim=True).clamp(min=1)  # [B, 1]
    tokens, sequences = (torch.as_tensor(n, device=mask.device).clamp(min=1) for n in (size.tokens, size.sequences))
    divisor = {"grpo": own_tokens * sequences, "dapo": tokens, "dr_grpo": sequences * size.max_tokens}
    return weights / divisor[aggregation]


def k3_divergence(log_probs: Tensor, ref_log_probs: Tensor) -> Tensor:
    """Never negative estimate of KL(policy || reference) per token: exp(d) - d - 1, d = min(ref - logp, 20)."""
    difference = (ref_log_probs - log_probs).clamp(max=LOG_RATIO_LIMIT)
    return torch.expm1(difference) - difference


DIVERGENCES = {"k1": k1_divergence, "k2": k2_divergence, "k3": k3_divergence}


def policy_loss(
    log_probs: Tensor,  # [B, T] under the policy being trained
    old_log_probs: Tensor,  # [B, T] under the policy that sampled; log_probs.detach() on the first update
    advantages: Tensor,  # [B]
    mask: Tensor,  # [B, T] true on trained tokens; elsewhere anything may stand, NaN included
    *,
    config: LossConfig,
    size: UpdateSize,
    counts: Tensor | None = None,  # [B] how often a row stands in the loss, 0 for not at all; once each by default
    ref_log_probs: Tensor | None = None,  # [B, T] under the reference policy
    entropy: Tensor | None = None,  # [B, T] of the policy being trained, nats
) -> LossTerms:
    """The micro-batch's share of the update's loss, in float32 or better.

    Raises:
        ValueError: A term is switched on and its input is missing, or a tensor has another shape than `[B, T]`.
    """
    given = {"log_probs": log_probs, "old_log_probs": old_log_probs, "ref_log_probs": ref_log_probs, "entropy": entropy}
    for name, needed in (("ref_log_probs", config.needs_reference), ("entropy", config.entropy_gradient)):
        if needed and given[name] is None:
            raise ValueError(f"{name} is missing and needed by {config}; pass it, or switch off what needs it.")
    dtype = torch.promote_types(log_probs.dtype, torch.float32)
    counts = torch.ones_like(advantages, dtype=torch.long) if counts is None else counts
    mask = mask.bool() & (counts > 0).unsqueeze(1)  # [B, T]

    def clean(name: str, values: Tensor | None) -> Tensor | None:  # neither values nor gradients off the mask may leak
        if values is not None and values.shape != mask.shape:
            raise ValueError(f"{name} has shape {tuple(values.shape)}; make it that of mask, {tuple(mask.shape)}.")
        return None if values is None else values.to(dtype).masked_fill(~mask, 0.0)

    advantages = advantages.to(dtype)
    tokens = TokenValues(**{name: clean(name, v) for name, v in given.items()}, advantages=advantages, mask=mask)
    surrogate = config.surrogate if isinstance(config.surrogate, Surrogate) else SURROGATES[config.surrogate]
    clip = {"clip_low": config.clip_low, "clip_high": config.clip_high}
    terms = [("surrogate", 1.0, clean("surrogate", surrogate(tokens, **clip)))]  # name, weight, values [B, T]
    if tokens.ref_log_probs is not None:
        divergence = DIVERGENCES[config.kl_estimator](tokens.log_probs, tokens.ref_log_probs)
        terms.append(("kl", config.kl_coef, divergence))
    if tokens.entropy is not None:
        terms.append(("entropy", -config.entropy_coef, tokens.entropy))
    terms += [(term.name, term.weight, clean(term.name, term(tokens))) for term in config.terms]
    copies = mask * counts.unsqueeze(1)  # [B, T] how often each token stands in the loss
    weights = copies * token_weights(mask, config.aggregation, size, dtype)
    total = torch.stack([weight * (weights * values).sum() for _, weight, values in terms if weight]).sum()
    low, high = surrogate.clipped(tokens, **clip)
    logged = {name: values.detach() for name, _, values in terms} | {"clip_low": low, "clip_high": high, "tokens": mask}
    return LossTerms(total, {name: (values * copies).sum() for name, values in logged.items()})


def _ratio(tokens: TokenValues) -> Tensor:
    return (tokens.log_probs - tokens.old_log_probs).clamp(max=LOG_RATIO_LIMIT).exp()

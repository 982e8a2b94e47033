"""Surrogates other than PPO's: one ratio per sequence (GSPO), and a clipped weight without gradient (CISPO)."""

import torch
from torch import Tensor

from cogito_pl.rl.loss_terms import LOG_RATIO_LIMIT, Surrogate, TokenValues


class SequenceSurrogate(Surrogate):
    """GSPO (arXiv 2507.18071, eq. 5 to 7): one ratio s per sequence y, clipped as a whole.

        -min(s A, clamp(s, 1 - clip_low, 1 + clip_high) A),    s = exp(mean_t (logp_t - logp_old_t))

    Each trained token carries its sequence's value and gradient s A / |y|. `aggregation: grpo` gives the paper's mean
    over sequences; `dapo` and `dr_grpo` weight a sequence by its length. The ratio moves by a mean over tokens, so the
    paper's ranges are small: 3e-4 and 4e-4.

    Deviation: the mean log-ratio is capped at `LOG_RATIO_LIMIT`. TRL counts clipped sequences; here each counts with
    its tokens.
    """

    def __call__(self, tokens: TokenValues, *, clip_low: float, clip_high: float) -> Tensor:
        """The loss of the sequence, at each of its tokens, `[B, T]`."""
        ratio, gain = _sequence_ratio(tokens), tokens.advantages.unsqueeze(1)
        loss = -torch.minimum(ratio * gain, ratio.clamp(1 - clip_low, 1 + clip_high) * gain)  # [B, 1]
        return loss.expand_as(tokens.log_probs)

    def clipped(self, tokens: TokenValues, *, clip_low: float, clip_high: float) -> tuple[Tensor, Tensor]:
        """Tokens of sequences without a gradient because of the lower and of the upper bound, two `[B, T]`."""
        ratio, gain = _sequence_ratio(tokens), tokens.advantages.unsqueeze(1)
        low, high = (ratio < 1 - clip_low) & (gain < 0), (ratio > 1 + clip_high) & (gain > 0)
        return low & tokens.mask, high & tokens.mask


class WeightedLogProb(Surrogate):
    """CISPO (arXiv 2506.13585, eq. 4 and 5): the advantage times the log-probability, weighted by the clipped ratio.

        -stop_gradient(clamp(rho, 1 - clip_low, 1 + clip_high)) A logp,    rho = exp(logp - logp_old)

    Every token keeps a gradient. The paper sets no lower bound: `clip_low: 1`; its mean over a group's tokens is
    `aggregation: dapo`.

    Deviations: the paper divides by the tokens of each group, `dapo` by those of the whole update. TRL has no lower
    bound and clamps to at most its `epsilon_high`, which is `1 + clip_high` here and in the paper.
    """

    def __call__(self, tokens: TokenValues, *, clip_low: float, clip_high: float) -> Tensor:
        """The loss of each token, `[B, T]`."""
        ratio = (tokens.log_probs.detach() - tokens.old_log_probs).exp()
        return -ratio.clamp(1 - clip_low, 1 + clip_high) * tokens.advantages.unsqueeze(1) * tokens.log_probs

    def clipped(self, tokens: TokenValues, *, clip_low: float, clip_high: float) -> tuple[Tensor, Tensor]:
        """Tokens whose ratio is clamped from below and from above, whatever their advantage, two `[B, T]`."""
        ratio = (tokens.log_probs - tokens.old_log_probs).exp()
        return ratio < 1 - clip_low, ratio > 1 + clip_high


def _sequence_ratio(tokens: TokenValues) -> Tensor:
    """Geometric mean of the ratios of a sequence's trained tokens, `[B, 1]`."""
    log_ratio = (tokens.log_probs - tokens.old_log_probs).sum(1, keepdim=True)
    return (log_ratio / tokens.mask.sum(1, keepdim=True).clamp(min=1)).clamp(max=LOG_RATIO_LIMIT).exp()

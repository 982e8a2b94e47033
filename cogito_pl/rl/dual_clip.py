"""PPO's clipped surrogate with a second bound, for tokens of negative advantage."""

from torch import Tensor

from cogito_pl.rl.loss_terms import TokenValues
from cogito_pl.rl.losses import ClippedSurrogate


class DualClippedSurrogate(ClippedSurrogate):
    """Dual-clip PPO (arXiv 1912.09729, eq. 5): the loss of a token of negative advantage is at most `limit` |A|.

        A >= 0    the clipped surrogate
        A <  0    min(clipped surrogate, -limit A)

    A token that the policy has made more than `limit` times as probable, although it was bad, then has no gradient: it
    would be as large as its ratio. ReVisual-R1's released code has `limit: 3`, `clip_low: 0.2` and `clip_high: 0.25`.
    The same as TRL's `delta`. Such tokens are logged under `policy/clip_high`.

    Args:
        limit: Bound of the ratio, above 1.
    """

    def __init__(self, limit: float = 3.0) -> None:
        if not limit > 1:
            raise ValueError(f"loss.surrogate.limit={limit} must be above 1; 3 is usual")
        self.limit = limit

    def __call__(self, tokens: TokenValues, *, clip_low: float, clip_high: float) -> Tensor:
        """The loss of each token, `[B, T]`."""
        loss, gain = super().__call__(tokens, clip_low=clip_low, clip_high=clip_high), tokens.advantages.unsqueeze(1)
        return loss.where(gain >= 0, loss.minimum(-self.limit * gain))

    def clipped(self, tokens: TokenValues, *, clip_low: float, clip_high: float) -> tuple[Tensor, Tensor]:
        """Tokens without a gradient because of the lower and of an upper bound, two boolean `[B, T]`."""
        low, high = super().clipped(tokens, clip_low=clip_low, clip_high=clip_high)
        beyond = (tokens.log_probs - tokens.old_log_probs).exp() > self.limit
        return low, high | (beyond & (tokens.advantages < 0).unsqueeze(1))

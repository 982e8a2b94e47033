"""Rewards for the length of a completion from limits that are the same for all: efficient length, soft overlong.

Both are piecewise linear in the tokens L of a completion:

    efficient length (ReVisual-R1, arXiv 2506.04207v1, eq. 5 and 6; version 2 of the paper leaves it out)

        r(L) = clip(slope (budget - L) + offset, least, most)

    soft overlong punishment (DAPO, arXiv 2503.14476, eq. 13)

        r(L) = 0                                  L <= limit - margin
        r(L) = (limit - margin - L) / margin      limit - margin < L <= limit
        r(L) = -1                                 L > limit
"""

from torch import Tensor


def efficient_length(
    lengths: Tensor, budget: float, *, slope: float, offset: float, least: float = 0.0, most: float = 1.0
) -> Tensor:
    """The reward of each of `lengths` tokens, from `least` to `most`; `offset` at the budget itself."""
    return (slope * (budget - lengths) + offset).clamp(least, most)


def soft_overlong(lengths: Tensor, limit: int, margin: int) -> Tensor:
    """The punishment of each of `lengths` tokens, from -1 to 0; it falls over the last `margin` tokens to `limit`."""
    return ((limit - margin - lengths) / margin).clamp(-1.0, 0.0)

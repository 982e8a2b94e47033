"""Gradient stagnation: how much of a rollout has an advantage to follow.

A group whose rewards are all equal has advantages of zero and no policy gradient. ReVisual-R1 (arXiv 2506.04207) calls
a batch in which most advantages are zero or nearly so stagnant, and does not measure it.
"""

from torch import Tensor


def stagnation(
    advantages: Tensor,  # [B]
    counts: Tensor,  # [B] how often a row counts
    group_size: int,
    threshold: float,
) -> dict[str, tuple[Tensor, Tensor]]:
    """Values by name, each with its weights in a mean over rows, both `[B]`; a row counts as often as `counts` says.

    `equal_groups`: 1 where all advantages of the row's group are zero. `small_advantages`: 1 where |A| is at most
    `threshold`. `advantage`: A itself, with its sign. `advantage_size`: |A|.
    """
    groups = advantages.view(-1, group_size)
    values = {
        "equal_groups": (groups == 0).all(1).repeat_interleave(group_size).to(advantages),
        "small_advantages": (advantages.abs() <= threshold).to(advantages),
        "advantage": advantages,
        "advantage_size": advantages.abs(),
    }
    return {name: (value, counts) for name, value in values.items()}

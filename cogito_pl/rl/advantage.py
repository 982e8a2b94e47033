"""Group-relative advantages.

A completion is as good as it is better than the other answers to the same question (GRPO, arXiv 2402.03300, eq. 3):

    A_i = (r_i - mean(r)) / (std(r) + eps)        std over the group, with ddof = 1

`scale_by_std=False` leaves out the division (Dr. GRPO, arXiv 2503.20783). VL-Cogito has eps = 1e-6, TRL 1e-4.
"""

import torch
from torch import Tensor

ROUNDING = 4
"""Rewards of a group that differ by no more than this many units in the last place count as equal."""


def group_advantages(
    rewards: Tensor,  # [B] prompt-major: sequence b belongs to group b // group_size
    group_size: int,
    *,
    scale_by_std: bool = True,
    eps: float = 1e-6,
) -> Tensor:
    """How much better each completion is than its group, [B].

    A group whose rewards are equal, up to the rounding of the sums they were made of, gets exactly zero: the residue
    of its mean would otherwise be scaled up to a gradient.

    Args:
        rewards: One number per sequence; integers and booleans are taken as float32.
        group_size: Completions per prompt, at least 2.
        scale_by_std: Divide by the group's standard deviation.
        eps: Added to the standard deviation.

    Raises:
        ValueError: `rewards` is not a vector of whole groups, or a group has a single completion.
    """
    if group_size < 2:
        raise ValueError(f"group_size={group_size} leaves nothing to compare a completion with; choose 2 or more.")
    if rewards.ndim != 1 or len(rewards) % group_size:
        raise ValueError(
            f"rewards of shape {tuple(rewards.shape)} are not whole groups of group_size={group_size}; "
            "pass a vector whose length is a multiple of group_size."
        )
    groups = rewards.reshape(-1, group_size)  # [B / G, G]
    if not groups.is_floating_point():
        groups = groups.float()
    advantages = groups - groups.mean(dim=1, keepdim=True)
    if scale_by_std:
        advantages = advantages / (groups.std(dim=1, keepdim=True) + eps)
    return advantages.masked_fill(_equal(groups), 0.0).flatten()


def _equal(groups: Tensor) -> Tensor:
    """Groups without a preference, [groups, 1]."""
    spread = groups.amax(dim=1, keepdim=True) - groups.amin(dim=1, keepdim=True)
    scale = groups.abs().amax(dim=1, keepdim=True)
    return spread <= ROUNDING * torch.finfo(groups.dtype).eps * scale

"""A reward for the length of a completion, from the lengths of its group's correct ones.

VL-Cogito's dynamic length reward (arXiv 2507.22607, eq. 5 and 6) for a completion of L tokens:

    r(L) = r_min + (r_max - r_min) / 2 * (1 - cos(pi L / T))          r_max at L = T, r_min at 0 and at 2T

T is the mean length of the group's correct completions, and `max_length` in a group without any. The paper and the
released code differ in everything else, so each difference is a field of `LengthRule`:

                        paper            official (the released code, and the default)
    r_min               -1               -0.5
    r_min_all_wrong     -1               -0.25
    scope               all              wrong: correct completions get no term
    clamp               False: r goes    True: r_min from 2T on
                        up again past 2T
    all_wrong           cosine           ramp: 0 from `max_length` on, and r_min where cut at the token limit

Under `ramp` the code takes a completion that ends with the very last token that the limit allows for a cut one; here
it counts as finished. The code's variant with the minimum as target also doubles the accuracy reward in groups with
p <= 1/4; that is no matter of length and is left out.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Variant = Literal["paper", "official"]


@dataclass(frozen=True, kw_only=True)
class LengthRule:
    """Which completions are rewarded for which length.

    Args:
        max_length: Target, in tokens, of groups without a correct completion.
        target: The length to reach: the `mean` or the `minimum` of the group's correct completions, or `fixed`, which
            treats every group as one without a correct completion.
        r_min: Least reward, at length 0 and at twice the target.
        r_max: Reward at the target.
        r_min_all_wrong: `r_min` in groups without a correct completion.
        scope: Which completions are rewarded: `wrong` ones or `all`.
        clamp: Completions longer than twice the target get `r_min`; without it the cosine goes up again.
        all_wrong: In groups without a correct completion: the same `cosine`, or a `ramp`: the cosine up to
            `max_length`, `r_max` from there on, and `r_min_all_wrong` for whatever was cut at the token limit.
    """

    max_length: int = 750
    target: Literal["mean", "minimum", "fixed"] = "mean"
    r_min: float = -0.5
    r_max: float = 0.0
    r_min_all_wrong: float = -0.25
    scope: Literal["wrong", "all"] = "wrong"
    clamp: bool = True
    all_wrong: Literal["cosine", "ramp"] = "ramp"

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting, its value and the remedy."""
        if self.max_length < 1:
            raise ValueError(f"max_length={self.max_length} is no length to aim at; choose 1 token or more")
        for name in ("r_min", "r_min_all_wrong", "r_max"):
            if not math.isfinite(value := getattr(self, name)):
                raise ValueError(f"{name}={value} makes no reward; choose a finite number")
            if value > self.r_max:
                raise ValueError(f"{name}={value} is above r_max={self.r_max}; choose at most that")


PRESETS: dict[Variant, LengthRule] = {
    "official": LengthRule(),
    "paper": LengthRule(r_min=-1.0, r_min_all_wrong=-1.0, scope="all", clamp=False, all_wrong="cosine"),
}


def cosine_reward(lengths: Tensor, target: Tensor | float, r_min: float, r_max: float = 0.0) -> Tensor:
    """`r(L)` of the module's docstring, unclamped, in the shape of `lengths`."""
    return r_min + 0.5 * (r_max - r_min) * (1 - torch.cos(torch.pi * lengths / target))


def target_lengths(
    lengths: Tensor,  # [B] tokens
    correct: Tensor,  # [B] bool
    group_size: int,
    rule: LengthRule,
) -> Tensor:
    """The length that each group should reach, [P] tokens; `max_length` without a correct completion."""
    lengths, correct = lengths.view(-1, group_size).float(), correct.view(-1, group_size)
    if rule.target == "minimum":
        found = lengths.masked_fill(~correct, torch.inf).amin(1)
    else:
        found = (lengths * correct).sum(1) / correct.sum(1)
    has_target = correct.any(1) & (rule.target != "fixed")
    return torch.where(has_target, found, float(rule.max_length))


def length_rewards(
    lengths: Tensor,  # [B] tokens
    correct: Tensor,  # [B] bool
    finished: Tensor,  # [B] bool, False where cut at the token limit
    group_size: int,
    rule: LengthRule,
) -> Tensor:
    """What each completion is worth for its length, [B], by `rule`."""
    rows = torch.arange(len(lengths), device=lengths.device) // group_size
    target = target_lengths(lengths, correct, group_size, rule)[rows]
    no_target = ~correct.view(-1, group_size).any(1)[rows] | (rule.target == "fixed")
    r_min = torch.where(no_target, rule.r_min_all_wrong, rule.r_min)
    rewards = cosine_reward(torch.minimum(lengths, 2 * target) if rule.clamp else lengths, target, r_min, rule.r_max)
    ramps = no_target & (rule.all_wrong == "ramp")
    rewards = torch.where(ramps & (lengths >= target), rule.r_max, rewards)
    if rule.scope == "wrong":
        rewards = torch.where(correct, 0.0, rewards)
    return torch.where(ramps & ~finished, rule.r_min_all_wrong, rewards)

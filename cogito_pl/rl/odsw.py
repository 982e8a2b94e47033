"""Online difficulty soft weighting (ODSW): the weight of a prompt from the accuracy of its group.

VL-Cogito (arXiv 2507.22607, eq. 4) multiplies the advantages of a prompt by F(p), p being the share of its completions
that are correct:

              p = 0     0 < p < 1/2    1/2 <= p < 1    p = 1
    easy      0         sin(pi p)      1               1
    medium    0         sin(pi p)      sin(pi p)       0
    hard      at_zero   1              sin(pi p)       0

and, for its ablation, weighs prompts by 1 within an interval, its ends included, and by 0 outside of it:
`binary_low` [0, 1/2] with `at_zero` at p = 0, `binary_middle` [1/4, 3/4], `binary_high` [1/2, 1].
`all_wrong_only` is `at_zero` at p = 0 and else 1: what the released code does where it has a length reward alone.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

Shape = Literal["easy", "medium", "hard", "binary_low", "binary_middle", "binary_high", "all_wrong_only"]
SHAPES: tuple[str, ...] = get_args(Shape)


def difficulty_weights(
    accuracy: Tensor,  # [P] share of correct completions of each prompt, in [0, 1]
    shape: Shape,
    *,
    at_zero: float,
) -> Tensor:
    """The weight F(p) of each prompt, [P]; zeros are exact.

    Args:
        accuracy: p of each prompt.
        shape: Which F.
        at_zero: F(0) of the shapes `hard`, `binary_low` and `all_wrong_only`; the others have a zero there.

    Raises:
        ValueError: The shape is unknown.
    """
    one, zero = torch.ones_like(accuracy), torch.zeros_like(accuracy)
    arch = torch.where(accuracy < 1, torch.sin(torch.pi * accuracy), zero)  # sin(pi) is 1e-16 at best
    all_but_zero = torch.where(accuracy > 0, one, at_zero)
    match shape:
        case "easy":
            return torch.where(accuracy < 0.5, arch, one)
        case "medium":
            return arch
        case "hard":
            return torch.where(accuracy > 0.5, arch, all_but_zero)
        case "binary_low":
            return torch.where(accuracy <= 0.5, all_but_zero, zero)
        case "binary_middle":
            return torch.where((accuracy >= 0.25) & (accuracy <= 0.75), one, zero)
        case "binary_high":
            return torch.where(accuracy >= 0.5, one, zero)
        case "all_wrong_only":
            return all_but_zero
    raise ValueError(f"shape {shape!r} is unknown; it is one of {', '.join(SHAPES)}")

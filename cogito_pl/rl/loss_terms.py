"""What the policy loss is made of: tensors per token, the interfaces of surrogate and further terms, and the result.

A class of your own may implement `Surrogate` or `LossTerm`; the loss itself is in `losses`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

LOG_RATIO_LIMIT = 20.0
"""Bound of log-ratios before `exp`, which overflows above 88 in float32: zero advantage times infinity would be NaN.

A ratio above e^20 = 4.9e8 counts as e^20 and has no gradient; all others stay exact.
"""


@dataclass(frozen=True, kw_only=True)
class TokenValues:
    """What a loss may use, in float32 or better. Entries `[B, T]` are zero off `mask`; row `b` is one completion.

    Args:
        log_probs: Under the policy being trained, `[B, T]`; has a gradient.
        old_log_probs: Under the policy that sampled, `[B, T]`.
        ref_log_probs: Under the reference policy, `[B, T]`; None where nothing needs a reference.
        entropy: Of the policy being trained, in nats, `[B, T]`; has a gradient where something needs one.
        advantages: Of each completion, `[B]`.
        mask: True on trained tokens, `[B, T]`.
    """

    log_probs: Tensor
    old_log_probs: Tensor
    ref_log_probs: Tensor | None
    entropy: Tensor | None
    advantages: Tensor
    mask: Tensor


class Surrogate(ABC):
    """The part of the loss that follows the advantages, named in YAML by `class_path` under `loss.surrogate`.

    Rows must not depend on each other, and the gradient of a row of zero advantage must be zero: such rows are left out
    of the forward unless another term needs them.
    """

    @abstractmethod
    def __call__(self, tokens: TokenValues, *, clip_low: float, clip_high: float) -> Tensor:
        """The loss of each token, `[B, T]`; anything may stand off the mask."""

    def clipped(self, tokens: TokenValues, *, clip_low: float, clip_high: float) -> tuple[Tensor, Tensor]:
        """Tokens to log as clipped by the lower and by the upper bound, two boolean `[B, T]`; none by default."""
        none = torch.zeros_like(tokens.mask)
        return none, none


class LossTerm(ABC):
    """A further term of the loss, named in YAML by `class_path` under `loss.terms`.

    `weight` times the term is added to the loss of every token; `aggregation` applies to the sum. Rows must not depend
    on each other. The term's mean over tokens is logged as `policy/<name>`.

    Attributes:
        name: Name in the log.
        needs_reference: `ref_log_probs` is needed.
        needs_entropy: `entropy` is needed, with its gradient.
        reaches_every_row: Rows of zero advantage have a gradient too. Where no term has one, they are left out of the
            forward.

    Args:
        weight: What the term is multiplied by.
    """

    name: str
    needs_reference: bool = False
    needs_entropy: bool = False
    reaches_every_row: bool = True

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    @abstractmethod
    def __call__(self, tokens: TokenValues) -> Tensor:
        """The term of each token, to be minimised, `[B, T]`; anything may stand off the mask."""


@dataclass(frozen=True)
class UpdateSize:
    """Size of a whole optimiser step: all its micro-batches on all ranks, sequences that were left out included."""

    sequences: int | Tensor
    tokens: int | Tensor  # trained ones
    max_tokens: int  # the sampling limit, which is the constant of `dr_grpo`


@dataclass(frozen=True)
class LossTerms:
    """A micro-batch's share of the update's loss, and what to log: plain sums over tokens, without gradient.

    Keys of `sums`: `surrogate`, `clip_low`, `clip_high`, `tokens` (divide by it), `kl` and `entropy` where given, and
    the names of the further terms. A row counted k times adds k times to each.
    """

    total: Tensor
    sums: dict[str, Tensor]

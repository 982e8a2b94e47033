"""Attention over a line of packed rows, row by row: no row sees another, and none of the work is masked away."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

PACKED = "cogito_packed"
"""Name of the attention implementation that the language model has with `policy.layout: packed`."""


def packed_attention(
    module: nn.Module,
    query: Tensor,  # [B, h, T, d]
    key: Tensor,  # [B, k, T, d]
    value: Tensor,
    attention_mask: Tensor | None,
    segments: Sequence[tuple[int, Tensor | None]] | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Fused attention, `[B, T, h, d]`; of each segment by itself where the forward was given `segments`.

    Args:
        module: The attention layer.
        query: Queries, positions rotated in.
        key: Keys.
        value: Values.
        attention_mask: For all tokens; without effect where there are segments.
        segments: Length and mask (None: causal) of each, which together are `T` long.
        kwargs: Of the fused attention.
    """
    if segments is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    lengths = [length for length, _ in segments]
    parts = zip(*(states.split(lengths, 2) for states in (query, key, value)), strict=True)
    found = [
        sdpa_attention_forward(module, *part, mask, **kwargs)[0]
        for part, (_, mask) in zip(parts, segments, strict=True)
    ]
    return torch.cat(found, 1), None


ALL_ATTENTION_FUNCTIONS.register(PACKED, packed_attention)
ALL_MASK_ATTENTION_FUNCTIONS.register(PACKED, sdpa_mask)

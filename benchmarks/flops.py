"""Counts floating-point operations, attention on the CPU included.

torch's counter has no formula for the CPU's fused attention kernels and takes them for free, so that a dense mask would
look cheap. Importing this module adds the formulas; whether half of a causal product is skipped is not considered.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, register_flop_formula, sdpa_backward_flop_count, sdpa_flop_count

_KERNEL = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_KERNEL_BACKWARD = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


def count_flops(function: Callable[[], Any]) -> int:
    """FLOPs of one call of `function`."""
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


def _per_query_head(shape: torch.Size, query: torch.Size) -> torch.Size:
    """Shape of keys or values with one head for every query head, as grouped attention reads them."""
    return torch.Size([shape[0], query[1], *shape[2:]])


@register_flop_formula(_KERNEL)
def _forward(query: torch.Size, key: torch.Size, value: torch.Size, *_: Any, out_shape: Any = None, **__: Any) -> int:
    return sdpa_flop_count(query, _per_query_head(key, query), _per_query_head(value, query))


@register_flop_formula(_KERNEL_BACKWARD)
def _backward(
    grad: torch.Size, query: torch.Size, key: torch.Size, value: torch.Size, *_: Any, out_shape: Any = None, **__: Any
) -> int:
    return sdpa_backward_flop_count(grad, query, _per_query_head(key, query), _per_query_head(value, query))

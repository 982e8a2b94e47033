"""The norm of the gradient of an optimiser step."""

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer


def gradient_norm(optimizer: Optimizer) -> Tensor:
    """Of all parameters together, over all shards. Collective where weights are sharded."""
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    return norm.full_tensor() if isinstance(norm, DTensor) else norm

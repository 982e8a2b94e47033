"""Several ranks: sharding with FSDP2, and equally many forwards on every rank.

A sharded module gathers its weights in every forward, and a rank that makes one forward fewer than the others leaves
them waiting. Batches differ between ranks (rows, decoding steps, images), so each asks how many forwards the busiest
one makes, and makes up the difference with dummies that contribute zero.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor


class Ranks:
    """Asks the other ranks, once `in_step` is set and there are several; answers for this rank alone otherwise."""

    def __init__(self) -> None:
        self.in_step = False

    @property
    def several(self) -> bool:
        """Whether gradients are averaged with other ranks, which all must have one for every parameter."""
        return dist.is_initialized() and dist.get_world_size() > 1

    def most(self, count: int) -> int:
        """The largest `count` of all ranks. Collective where ranks keep in step."""
        if not (self.in_step and self.several):
            return count
        value = torch.tensor(count, device="cuda" if dist.get_backend() == "nccl" else "cpu")
        dist.all_reduce(value, dist.ReduceOp.MAX)
        return int(value)


def shard(policy: nn.Module, mesh: DeviceMesh) -> None:
    """Shards a policy's weights over `mesh`: every decoder layer and vision block is a unit of its own."""
    for block in policy.family.blocks(policy.model):
        fully_shard(block, mesh=mesh)
    fully_shard(policy, mesh=mesh)
    policy.model.get_input_embeddings().register_forward_hook(_with_gradient)
    for method in ("log_probs", "sample"):
        register_fsdp_forward_method(policy, method)
    policy.ranks.in_step = True


def _with_gradient(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    """Makes the outputs of frozen embeddings require a gradient.

    With a trained vision tower, the first decoder layer's inputs have a gradient on ranks with images and none on ranks
    without. A layer whose inputs have none reduces its gradients at the end of the backward pass instead of in its
    turn, and the other ranks would wait for it.
    """
    return output if output.requires_grad or not torch.is_grad_enabled() else output.requires_grad_().clone()


def whole_weights(policy: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Name and value of each weight of the model; a sharded one is gathered when the iterator comes to it."""
    for name, value in policy.model.named_parameters():
        value = value.detach()
        yield name, value.full_tensor() if isinstance(value, DTensor) else value


@contextmanager
def gathered(policy: nn.Module) -> Iterator[None]:
    """Keeps weights gathered until the end of the block: sampling reads them at every token."""
    units = [module for module in policy.modules() if isinstance(module, FSDPModule)]
    for unit in units:
        unit.set_reshard_after_forward(False, recurse=False)
    try:
        yield
    finally:
        for unit in units:
            unit.set_reshard_after_forward(unit is not policy, recurse=False)
            unit.reshard()

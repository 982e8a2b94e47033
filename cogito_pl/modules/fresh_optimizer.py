"""A fresh start for an optimiser in the middle of a run."""

import lightning.pytorch as L
import torch
from torch.optim import Optimizer


def prime(optimizer: Optimizer) -> None:
    """Gives a fresh optimiser the state it would have before its first step; does nothing where there is state.

    Optimisers make their state at the first step, which saving a sharded run takes by itself, and a part that is frozen
    at first would have none for a resumed run to find. The step taken here has gradients, trained rate and weight
    decay of zero: it moves nothing but the count of steps, which is set back.
    """
    if optimizer.state:
        return
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    trained = [p.requires_grad for p in parameters]
    settings = [
        {name: group[name] for name in ("lr", "weight_decay") if name in group} for group in optimizer.param_groups
    ]
    for group, given in zip(optimizer.param_groups, settings, strict=True):
        group.update(dict.fromkeys(given, 0.0))
    for parameter in parameters:
        parameter.requires_grad_(True)
        parameter.grad = torch.zeros_like(parameter)
    type(optimizer).step(optimizer)  # not the instance's, which the scheduler counts
    for group, given in zip(optimizer.param_groups, settings, strict=True):
        group.update(given)
    for parameter, is_trained in zip(parameters, trained, strict=True):
        parameter.grad = None
        parameter.requires_grad_(is_trained)
        state = optimizer.state[parameter]
        if "step" in state:
            state["step"] = torch.zeros_like(state["step"]) if torch.is_tensor(state["step"]) else 0


def restart_optimizer(module: L.LightningModule) -> None:
    """A fresh optimiser over the same parameters, primed, with a fresh schedule."""
    for group in module.trainer.optimizers[0].param_groups:
        for parameter in group["params"]:
            parameter.requires_grad_(True)
            parameter.grad = None
    module.trainer.strategy.setup_optimizers(module.trainer)
    prime(module.trainer.optimizers[0])

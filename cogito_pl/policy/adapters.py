"""Low-rank adapters (LoRA, arXiv 2106.09685) through peft, injected into the model in place.

An adapted layer computes W x + (alpha / rank) B A x with W frozen; B starts at zero, so training starts at W.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from peft import LoraConfig
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from cogito_pl.policy.config import LoRAConfig
from cogito_pl.policy.families import Family

TRAINED, START = "default", "start"
"""peft's names of the adapters that are trained, and of a frozen copy of them as they were at the start."""
MARK = "lora_"
"""Part of the name of every weight of an adapter."""


def add_adapters(family: Family, model: nn.Module, config: LoRAConfig, frozen: Iterable[str]) -> None:
    """Adds an adapter to every linear layer of language model and vision tower, except in `frozen` parts.

    Only the adapters are trained afterwards. Their starting weights depend on `config.seed` alone.

    Raises:
        ValueError: Nothing is left to adapt.
    """
    names = {id(module): name for name, module in model.named_modules()}
    skipped = {id(module) for part in frozen for root in family.part(model, part) for module in root.modules()}
    targets = [
        names[id(module)]
        for part in ("language", "vision")
        for root in family.part(model, part)
        for module in root.modules()
        if isinstance(module, nn.Linear) and id(module) not in skipped
    ]
    if not targets:
        raise ValueError(f"policy.freeze={list(frozen)} leaves no layer for policy.lora; take a part out of the list")
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model.add_adapter(_peft_config(config, targets), TRAINED)


def keep_starting_adapters(model: nn.Module, config: LoRAConfig) -> None:
    """Adds a frozen copy of the adapters, for a reference policy that did not start at the plain model."""
    model.add_adapter(_peft_config(config, [name for name, _ in adapted_layers(model)]), START)
    for _, layer in adapted_layers(model):
        for matrices in (layer.lora_A, layer.lora_B):
            matrices[START].load_state_dict(matrices[TRAINED].state_dict())
    model.set_adapter(TRAINED)


@contextmanager
def with_starting_weights(model: nn.Module) -> Iterator[None]:
    """Gives the model its weights of the start of training: the frozen copy of the adapters, or no adapters at all."""
    kept = has_starting_adapters(model)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if kept:
        model.set_adapter(START)
    else:
        model.disable_adapters()
    try:
        yield
    finally:
        if kept:
            model.set_adapter(TRAINED)
        else:
            model.enable_adapters()
        model.requires_grad_(False)  # peft made every adapter trainable, those of frozen parts too
        for parameter in trained:
            parameter.requires_grad_(True)


def has_starting_adapters(model: nn.Module) -> bool:
    """Whether the model has a frozen copy of its adapters."""
    return any(START in layer.lora_A for _, layer in adapted_layers(model))


def adapted_layers(model: nn.Module) -> list[tuple[str, LoraLayer]]:
    """The layers that have adapters, by name."""
    return [(name, module) for name, module in model.named_modules() if isinstance(module, LoraLayer)]


def merge(model: nn.Module, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a plain model that equals the adapted one: W + (alpha / rank) B A, summed in float32.

    Args:
        model: The adapted model; not changed.
        weights: Its state dict, whole.
    """
    merged = {plain_name(name): value for name, value in weights.items() if MARK not in name}
    for name, layer in adapted_layers(model):
        low, high = (weights[f"{name}.lora_{side}.{TRAINED}.weight"].float() for side in "AB")
        whole = merged[f"{name}.weight"]
        merged[f"{name}.weight"] = (whole.float() + layer.scaling[TRAINED] * (high @ low)).to(whole.dtype)
    return merged


def plain_name(name: str) -> str:
    """The name that a weight has in the model without adapters."""
    return name.replace(".base_layer.", ".")


def _peft_config(config: LoRAConfig, targets: list[str]) -> LoraConfig:
    return LoraConfig(r=config.rank, lora_alpha=config.alpha, target_modules=targets, lora_dropout=0.0, bias="none")

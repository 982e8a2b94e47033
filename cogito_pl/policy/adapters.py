"""Low-rank adapters (LoRA, arXiv 2106.09685) through peft, injected in place: all else finds the model as it was.

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

LEARNING, STARTING = "default", "start"
MARK = "lora_"
"""In the names of an adapter's weights."""


def add_adapters(family: Family, model: nn.Module, config: LoRAConfig, frozen: Iterable[str]) -> None:
    """Puts an adapter beside every linear layer of language model and vision tower, but for `frozen` parts.

    Only the adapters learn afterwards. Their starting weights depend on `config.seed` alone.

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
        model.add_adapter(_peft_config(config, targets), LEARNING)


def keep_start(model: nn.Module, config: LoRAConfig) -> None:
    """Adds a frozen copy of the adapters as they are now, for a reference that did not start at the plain model."""
    model.add_adapter(_peft_config(config, [name for name, _ in adapted_layers(model)]), STARTING)
    for _, layer in adapted_layers(model):
        for matrices in (layer.lora_A, layer.lora_B):
            matrices[STARTING].load_state_dict(matrices[LEARNING].state_dict())
    model.set_adapter(LEARNING)


@contextmanager
def at_start(model: nn.Module) -> Iterator[None]:
    """Inside, the model is what it was when training started: the kept copy of the adapters, or none at all."""
    kept = has_start(model)
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if kept:
        model.set_adapter(STARTING)
    else:
        model.disable_adapters()
    try:
        yield
    finally:
        if kept:
            model.set_adapter(LEARNING)
        else:
            model.enable_adapters()
        model.requires_grad_(False)  # peft has let every adapter learn, those of frozen parts too
        for parameter in learning:
            parameter.requires_grad_(True)


def has_start(model: nn.Module) -> bool:
    """Whether a copy of the adapters is kept for the reference."""
    return any(STARTING in layer.lora_A for _, layer in adapted_layers(model))


def adapted_layers(model: nn.Module) -> list[tuple[str, LoraLayer]]:
    """The layers that have adapters, by name."""
    return [(name, module) for name, module in model.named_modules() if isinstance(module, LoraLayer)]


def merge(model: nn.Module, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The plain model's weights out of those of the adapted one: W + (alpha / rank) B A, summed in float32.

    Args:
        model: Tells which layers are adapted; left as it is.
        weights: Its state dict, whole.
    """
    merged = {plain_name(name): value for name, value in weights.items() if MARK not in name}
    for name, layer in adapted_layers(model):
        low, high = (weights[f"{name}.lora_{side}.{LEARNING}.weight"].float() for side in "AB")
        whole = merged[f"{name}.weight"]
        merged[f"{name}.weight"] = (whole.float() + layer.scaling[LEARNING] * (high @ low)).to(whole.dtype)
    return merged


def plain_name(name: str) -> str:
    """The name that a weight has in the model without adapters."""
    return name.replace(".base_layer.", ".")


def _peft_config(config: LoRAConfig, targets: list[str]) -> LoraConfig:
    return LoraConfig(r=config.rank, lora_alpha=config.alpha, target_modules=targets, lora_dropout=0.0, bias="none")

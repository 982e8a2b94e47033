"""Which parameters are trained: all but those of the parts that are frozen."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from torch import nn

from cogito_pl.policy.families import Family

PARTS = ("vision", "projector", "language", "embeddings", "head")
"""Parts of a model that can be frozen; a family says where they are."""


def freeze_parts(
    family: Family, model: nn.Module, parts: Iterable[str], trained: Iterable[nn.Parameter] | None = None
) -> None:
    """Freezes the named parts of a model and makes its other parameters trainable.

    `vision` leaves a projector inside the vision tower trainable; name that too.

    Args:
        family: Says which modules the parts are.
        model: The transformers model.
        parts: What is frozen.
        trained: Parameters that are set at all, such as those of an optimiser; all of the model's when None.

    Raises:
        ValueError: A part that the model does not have, or nothing is left to train.
    """
    trained, parts = list(model.parameters() if trained is None else trained), list(parts)
    frozen = {id(parameter) for part in parts for parameter in parameters_of(family, model, part)}
    if "vision" in parts and "projector" not in parts and family.part(model, "projector"):
        frozen -= {id(parameter) for parameter in parameters_of(family, model, "projector")}
    if all(id(parameter) in frozen for parameter in trained):
        raise ValueError(f"policy.freeze={parts} leaves nothing to train; take a part out of the list")
    for parameter in trained:
        parameter.requires_grad_(id(parameter) not in frozen)


def parameters_of(family: Family, model: nn.Module, part: str) -> list[nn.Parameter]:
    """The parameters of a part. Raises ValueError, listing the parts there are, for one the model does not have."""
    modules = family.part(model, part)
    if not modules:
        found = [name for name in PARTS if family.part(model, name)]
        raise ValueError(f"policy.freeze: {type(model).__name__} has no part {part!r}; it has {', '.join(found)}")
    return [parameter for module in modules for parameter in module.parameters()]


def frozen_in_all(choices: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Parts that are frozen in every one of `choices`."""
    return tuple(part for part in choices[0] if all(part in choice for choice in choices))


@contextmanager
def gradients_off(model: nn.Module) -> Iterator[None]:
    """Freezes every parameter of a model until the end of the block; those that were trained are trained again."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    model.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)

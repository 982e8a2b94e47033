"""Which parameters a named part of a vision-language model has."""

from collections.abc import Iterable, Sequence

from torch import nn

PATHS = {
    "vision": ("visual", "vision_tower", "vision_model", "vision_encoder"),
    "projector": ("visual.merger", "multi_modal_projector", "connector", "aligner", "mm_projector"),
    "language": ("language_model", "text_model"),
    "embeddings": ("language_model.embed_tokens", "text_model.embed_tokens"),
    "head": ("lm_head",),
}
"""Where transformers' families keep each part, below the model or its `.model`."""


def find_part(model: nn.Module, part: str) -> nn.Module:
    """The module that `part` names. Raises ValueError, naming the parts there are, when the model has none."""
    for root in ("model.", ""):
        for path in PATHS[part]:
            try:
                return model.get_submodule(root + path)
            except AttributeError:
                continue
    found = [name for name in PATHS if name != part and _has(model, name)]
    raise ValueError(f"policy.freeze: {type(model).__name__} has no part {part!r}; it has {', '.join(found)}")


def freeze_parts(model: nn.Module, parts: Iterable[str]) -> None:
    """Lets everything learn but the named parts. `vision` leaves a projector inside it learning; name that too.

    Raises:
        ValueError: A part the model does not have, or nothing left to learn.
    """
    let_learn(model, model.parameters(), parts)


def let_learn(model: nn.Module, learnable: Iterable[nn.Parameter], parts: Iterable[str]) -> None:
    """Of the `learnable` parameters, lets all learn but those of the named parts; see `freeze_parts`."""
    learnable, parts = list(learnable), list(parts)
    frozen = {id(parameter) for part in parts for parameter in find_part(model, part).parameters()}
    if "vision" in parts and "projector" not in parts and _has(model, "projector"):
        frozen -= {id(parameter) for parameter in find_part(model, "projector").parameters()}
    if all(id(parameter) in frozen for parameter in learnable):
        raise ValueError(f"policy.freeze={parts} leaves nothing to learn; take a part out of the list")
    for parameter in learnable:
        parameter.requires_grad_(id(parameter) not in frozen)


def frozen_in_all(choices: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Parts that are frozen in every one of `choices`."""
    return tuple(part for part in choices[0] if all(part in choice for choice in choices))


def _has(model: nn.Module, part: str) -> bool:
    return any(name.removeprefix("model.") in PATHS[part] for name, _ in model.named_modules())

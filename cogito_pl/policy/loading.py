"""Loads a transformers model and its weights: all of them, or an error."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoModelForImageTextToText

from cogito_pl.policy.adapters import MARK, START, adapted_layers, add_adapters, keep_starting_adapters, plain_name
from cogito_pl.policy.config import PolicyConfig
from cogito_pl.policy.freezing import freeze_parts
from cogito_pl.policy.model_folder import check_same_architecture
from cogito_pl.policy.new_tokens import check_new_tokens, start_rows, still_new
from cogito_pl.policy.prompt_encoder import PromptEncoder
from cogito_pl.policy.trained_weights import SUFFIX, load_trained_weights, start_of

CHECKPOINT_PREFIX = "policy.model."


def load_model(config: PolicyConfig, encoder: PromptEncoder) -> nn.Module:
    """The transformers model of `config`, with the weights of `init_from` where that is set.

    Args:
        config: Which model.
        encoder: Its family, and its tokenizer with the new tokens.

    Raises:
        FileNotFoundError: Neither a folder nor a file at `init_from`.
        ValueError: `init_from` holds the weights of another model.
    """
    model = _load(config, encoder)
    if config.lora is not None and config.init_from and Path(config.init_from).is_file():
        keep_starting_adapters(model, config.lora)
    if config.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return model


def _load(config: PolicyConfig, encoder: PromptEncoder) -> nn.Module:
    family, new = encoder.family, encoder.new_tokens
    start = Path(config.init_from) if config.init_from else None
    if start is not None and not start.exists():
        raise FileNotFoundError(
            f"policy.init_from={config.init_from}: no such model folder, Lightning checkpoint or weights file of a "
            "hand-off; correct it"
        )
    if start is not None and start.is_file() and start.suffix == SUFFIX:
        model = _load(start_of(config), encoder)
        load_trained_weights(model, start)
        return model
    folder = str(start) if start is not None and start.is_dir() else config.name
    if folder != config.name:
        check_same_architecture(config.name, folder, max(new, default=0) + 1)
        new = still_new(encoder.tokenizer, new, folder)
    try:
        model = AutoModelForImageTextToText.from_pretrained(
            folder, dtype=getattr(torch, config.dtype), attn_implementation=config.attention
        )
    except ImportError as error:
        reason = str(error).split("\n")[0]
        raise ValueError(
            f"policy.attention={config.attention} needs a package that is missing; use sdpa, or install it ({reason})"
        ) from error
    start_rows(model, new)
    freeze_parts(family, model, config.freeze)
    if config.lora is not None:
        add_adapters(family, model, config.lora, config.freeze)
    if start is not None and start.is_file():
        load_checkpoint_weights(model, start, config.new_tokens)
    return model


def load_checkpoint_weights(model: nn.Module, path: Path, new_tokens: Sequence[str] = ()) -> None:
    """Copies the policy's weights out of a Lightning checkpoint; every one must be there and fit, new tokens too."""
    if not zipfile.is_zipfile(path):
        raise ValueError(f"policy.init_from={path} is neither a model folder nor a Lightning checkpoint; correct it")
    checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    check_new_tokens(f"policy.init_from={path}", checkpoint.get("new_tokens"), new_tokens)
    state = checkpoint.get("state_dict", {})
    weights = {
        key.removeprefix(CHECKPOINT_PREFIX): value for key, value in state.items() if key.startswith(CHECKPOINT_PREFIX)
    }
    weights = {key: value for key, value in weights.items() if f".{START}." not in key}
    expected = model.state_dict()
    if any(MARK in key for key in weights):
        if not adapted_layers(model):
            raise ValueError(f"policy.init_from={path} holds LoRA adapters; set policy.lora as that run did")
    else:  # of a plain model, for a model with new adapters
        names = {plain_name(key): key for key in expected}
        weights = {names.get(key, key): value for key, value in weights.items()}
        expected = {key: value for key, value in expected.items() if MARK not in key}
    if problem := mismatch(expected, weights):
        raise ValueError(f"policy.init_from={path} holds another model than policy.name: {problem}")
    model.load_state_dict(weights, strict=False)


def mismatch(expected: dict[str, Tensor], found: dict[str, Tensor]) -> str | None:
    """What keeps `found` from being the weights of a model with the weights `expected`, or None."""
    if not found:
        return f"it has no weights under {CHECKPOINT_PREFIX!r}"
    missing, extra = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing or extra:
        return f"{len(missing)} weights are missing {missing[:3]}, {len(extra)} are not of this model {extra[:3]}"
    for key, value in expected.items():
        if value.shape != found[key].shape:
            return f"{key} has shape {list(found[key].shape)}, expected {list(value.shape)}"
    return None

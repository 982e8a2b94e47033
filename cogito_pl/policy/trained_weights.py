"""A file of the weights that a run trained, which the hand-off writes and `policy.init_from` takes.

It has no weights that were frozen all along: it names the model that they are of.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from cogito_pl.policy.adapters import MARK, adapted_layers, plain_name
from cogito_pl.policy.config import PolicyConfig
from cogito_pl.policy.new_tokens import check_new_tokens

SUFFIX = ".safetensors"
KEY = "trained_from"
PREFIX = "model."
"""The model in the policy, in the names of weights."""


def trained_from(policy: nn.Module, names: Iterable[str]) -> dict[str, str]:
    """What the file of the weights `names` of a policy says of it, as safetensors' metadata.

    `init_from` is what the others come from: null where there are none.
    """
    config, whole = policy.config, {name for name, _ in policy.named_parameters()} <= set(names)
    start = None if whole else config.init_from
    about = {"name": config.name, "init_from": start, "whole": whole, "new_tokens": config.new_tokens}
    return {KEY: json.dumps(about, sort_keys=True)}


def start_of(config: PolicyConfig) -> PolicyConfig:
    """`config` with the start of the run that wrote the file `init_from`, for the weights which that lacks.

    Raises:
        ValueError: It is no such file, or of another model.
        FileNotFoundError: That start is gone.
    """
    file = Path(config.init_from)
    try:
        with safe_open(file, "pt") as weights:
            about = json.loads((weights.metadata() or {})[KEY])
    except (SafetensorError, KeyError) as error:
        raise ValueError(
            f"policy.init_from={file} is no weights file of a hand-off; name the folder of a model, a checkpoint, or a "
            "file of the folder `handoff` of a run"
        ) from error
    name, start = about["name"], about["init_from"]
    same = name == config.name or Path(name).resolve() == Path(config.name).resolve()
    if same:
        check_new_tokens(f"policy.init_from={file}", about.get("new_tokens"), config.new_tokens)
    if not about["whole"] and not same:
        raise ValueError(
            f"policy.init_from={file} holds only what was trained of policy.name={name}, and this run has "
            f"policy.name={config.name}; set policy.name={name}"
        )
    if start is not None and not Path(start).exists():
        raise FileNotFoundError(
            f"policy.init_from={file} holds only what was trained of policy.init_from={start}, which is gone; put it "
            "back, or name the folder of a model"
        )
    return replace(config, init_from=start)


def load_trained_weights(model: nn.Module, path: Path) -> None:
    """Copies the weights of the file into the model.

    Raises:
        ValueError: It holds weights of another model.
    """
    into = dict(model.named_parameters())
    names = {plain_name(name): name for name in into}
    with safe_open(path, "pt") as weights, torch.no_grad():
        for key in weights.keys():  # noqa: SIM118  it is no mapping
            name = key.removeprefix(PREFIX)
            if MARK in name and not adapted_layers(model):
                raise ValueError(f"policy.init_from={path} holds LoRA adapters; set policy.lora as that run did")
            parameter = into.get(name, into.get(names.get(name)))
            if parameter is None or list(parameter.shape) != weights.get_slice(key).get_shape():
                raise ValueError(
                    f"policy.init_from={path} holds another model than policy.name: its weight {name} "
                    f"{weights.get_slice(key).get_shape()} has no place"
                )
            parameter.copy_(weights.get_tensor(key))

"""Exports the policy as a complete transformers folder, atomically."""

import shutil
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

from cogito_pl.files import plain_mode
from cogito_pl.policy.adapters import merge
from cogito_pl.policy.policy import Policy


def export(policy: Policy, target: Path) -> None:
    """Writes weights, configuration, tokenizer and image processor to the folder `target`. Collective over ranks.

    The folder is written under another name and renamed when it is complete, so that a full disk or a killed process
    never leaves half a model at `target`.

    Args:
        policy: Adapters are added into the weights, sharded weights are gathered.
        target: Folder; replaced where it holds an earlier export.

    Raises:
        FileExistsError: `target` is a folder without a config.json, and thus not an earlier export.
    """
    model = plain_model(policy.model)
    if dist.is_initialized() and dist.get_rank():
        return
    check_target(target)
    draft, old = target.with_name(target.name + ".partial"), target.with_name(target.name + ".old")
    for leftover in (draft, old):
        shutil.rmtree(leftover, ignore_errors=True)
    draft.parent.mkdir(parents=True, exist_ok=True)
    try:
        model.save_pretrained(draft)
        policy.encoder.processor.save_pretrained(draft)
        mode = plain_mode(draft)
        for file in draft.iterdir():  # safetensors writes for the owner alone
            file.chmod(mode)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    if target.exists():
        target.rename(old)
    draft.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def check_target(target: Path) -> None:
    """Raises FileExistsError for a path that holds something else than an earlier export."""
    if target.exists() and not (target / "config.json").exists():
        raise FileExistsError(f"HFExport.path={target} exists and is no model folder; choose another path")


def plain_model(model: nn.Module) -> nn.Module:
    """The model with whole weights and without adapters; shares what memory it can with `model`. Collective."""
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    weights = merge(model, get_model_state_dict(model, options=options))
    with torch.device("meta"):
        plain = type(model)(model.config)
    if weights:  # of the other ranks, a gathered state dict is empty
        plain.load_state_dict(weights, assign=True)
        plain.tie_weights()
    plain.generation_config = model.generation_config
    return plain

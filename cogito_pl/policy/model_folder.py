"""Checks of the model folders that `policy.name` and `policy.init_from` name; transformers' own words name neither."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import AutoConfig

SIZES = (
    "model_type", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads", "vocab_size", "depth", "num_heads", "out_hidden_size", "patch_size",
)  # fmt: skip
"""What two folders of one architecture agree on."""


@contextmanager
def read_for(setting: str, name: str) -> Iterator[None]:
    """Says of an error in the block which setting names the model that could not be read.

    Raises:
        OSError: There is no such model, or it lacks a file.
    """
    folder = Path(name)
    if not folder.is_dir() and (folder.is_absolute() or name.startswith(".") or name.count("/") != 1):
        raise FileNotFoundError(f"{setting}={name} is not a folder; correct the path of the model")
    try:
        yield
    except (OSError, ValueError) as error:
        reason = str(error).strip().split("\n")[0]
        where = (
            "is a folder that lacks a part of a model"
            if folder.is_dir()
            else "is neither a model folder nor a model of the Hugging Face Hub that can be reached"
        )
        raise OSError(f"{setting}={name} {where}; correct the path, or complete the files ({reason})") from error


def check_same_architecture(name: str, init_from: str, tokens: int = 0) -> None:
    """Raises ValueError where the model folder `init_from` has another type or other sizes than `name`.

    Its vocabulary may be larger where it has new tokens, of which there are `tokens` with those of `name`.
    """
    with read_for("policy.name", name):
        ours = dict(_sizes(AutoConfig.from_pretrained(name).to_dict()))
    with read_for("policy.init_from", init_from):
        theirs = dict(_sizes(AutoConfig.from_pretrained(init_from).to_dict()))
    grown = {key for key, size in ours.items() if key.endswith("vocab_size") and theirs.get(key) == max(size, tokens)}
    if different := [key for key in sorted({*ours, *theirs} - grown) if ours.get(key) != theirs.get(key)]:
        first = different[0]
        raise ValueError(
            f"policy.init_from={init_from} holds another model than policy.name={name}: {first} is "
            f"{theirs.get(first)} there and {ours.get(first)} here; name a folder of the same architecture"
        )


def _sizes(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _sizes(value, f"{prefix}{key}.")
        elif key in SIZES:
            yield prefix + key, value

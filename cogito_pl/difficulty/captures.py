"""Captured attention on disk: one safetensors file per problem, complete as soon as it exists. Knows no model."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor


@dataclass(frozen=True)
class Capture:
    """What a response's balance is computed from, by whatever variant.

    Args:
        sums: Attention on each token set, mean over heads, float32 `[layers, T, S]`; see `TokenSets` for the sets.
        sizes: Tokens of each set, `[S]`.
    """

    sums: Tensor
    sizes: Tensor


def capture_path(folder: str | Path, problem_id: str) -> Path:
    """Where a problem's capture lies; an id may hold anything, a file name may not."""
    return Path(folder) / f"{hashlib.blake2b(problem_id.encode(), digest_size=16).hexdigest()}.safetensors"


def save_capture(folder: str | Path, problem_id: str, capture: Capture) -> Path:
    """Writes the capture in place of an earlier one and returns where."""
    path = capture_path(folder, problem_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
    tensors = {"sums": capture.sums.contiguous(), "sizes": capture.sizes.contiguous()}
    save_file(tensors, unfinished, metadata={"id": problem_id})
    unfinished.replace(path)
    return path


def load_capture(folder: str | Path, problem_id: str) -> Capture:
    """Reads a problem's capture.

    Raises:
        FileNotFoundError: It was never captured.
        ValueError: The file is of another problem.
    """
    path = capture_path(folder, problem_id)
    if not path.exists():
        raise FileNotFoundError(f"{folder} holds no attention of problem {problem_id!r} ({path.name})")
    with safe_open(path, "pt") as file:
        found = (file.metadata() or {}).get("id")
        if found != problem_id:
            raise ValueError(f"{path} is of problem {found!r}, not of {problem_id!r}")
        return Capture(file.get_tensor("sums"), file.get_tensor("sizes"))

"""Chooses how many threads torch uses on the CPU by the size of the model."""

import math
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from lightning.pytorch.utilities import rank_zero_info
from safetensors import safe_open

SETTING = "OMP_NUM_THREADS"
SMALL = 20_000_000
"""Parameters below which one thread is used: operations are then so short that threads mostly wait for each other."""


def threads_for(parameters: int | None, cores: int, environment: Mapping[str, str]) -> int | None:
    """Threads to use; None leaves what torch chooses, or what the user has set.

    Args:
        parameters: Of the model; None where they are not known.
        cores: That this process may use.
        environment: Variables of the process; a user sets `OMP_NUM_THREADS` there.
    """
    small = parameters is not None and parameters < SMALL
    return 1 if small and cores > 1 and not environment.get(SETTING) else None


def parameters_in(folder: Path) -> int | None:
    """Parameters in the safetensors files of a model folder, by their headers; None where there are none."""
    total = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="pt") as tensors:
            total += sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    return total or None


def choose_threads(model: str) -> None:
    """Sets torch's threads for the model folder of a run, says so, and tells it to the processes that this one starts.

    Args:
        model: `policy.name`; a model of the Hub, which is no folder, leaves torch's choice.
    """
    threads = threads_for(parameters_in(Path(model)), torch.get_num_threads(), os.environ)
    if threads is not None:
        os.environ[SETTING] = str(threads)  # before Lightning, which would share all cores out between the ranks
        torch.set_num_threads(threads)
        rank_zero_info(f"torch uses {threads} CPU thread, since the model is small; {SETTING} sets another number")

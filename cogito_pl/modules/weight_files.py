"""Weights that pass from one stage to the next: written and read whole, without rounding, by any number of ranks.

All ranks call these functions together. A failure of the first rank is raised on every rank, so that none waits for it.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from filecmp import cmp
from itertools import count
from pathlib import Path
from typing import TypeVar

import lightning.pytorch as L
import torch
import torch.distributed as dist
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor, distribute_tensor

from cogito_pl.files import plain_mode
from cogito_pl.policy.trained_weights import trained_from

Result = TypeVar("Result")


def trained_weights(module: L.LightningModule) -> dict[str, nn.Parameter]:
    """The policy's parameters that its optimiser has, by name: all that ever changes."""
    for unit in module.policy.modules():
        if isinstance(unit, FSDPModule):
            unit.reshard()
    known = {id(p) for group in module.trainer.optimizers[0].param_groups for p in group["params"]}
    return {name: p for name, p in module.policy.named_parameters() if id(p) in known}


def write_weights(trainer: L.Trainer, weights: Mapping[str, nn.Parameter], name: str, written: set[str]) -> str:
    """Writes weights to a file of the run's log folder, with what `policy.init_from` needs to take it.

    Args:
        trainer: Of the run.
        weights: By name.
        name: Of the file.
        written: The file is added if it is new: one that held these weights already is that of another run, whose
            checkpoints may name it.

    Returns:
        The file's name below `trainer.default_root_dir`: `name`, numbered where that file holds other weights already,
        which a run that was resumed from the same checkpoint may need.

    Raises:
        OSError: The file could not be written; nothing is left of it.
    """
    root, logs = Path(trainer.default_root_dir).absolute(), Path(trainer.log_dir or trainer.default_root_dir).absolute()
    folder = (logs if logs.is_relative_to(root) else root) / "handoff"
    about = trained_from(trainer.lightning_module.policy, weights)
    whole: dict[str, Tensor] = {}
    for key, parameter in weights.items():
        value = parameter.detach()
        value = value.full_tensor() if isinstance(value, DTensor) else value
        if trainer.is_global_zero:
            whole[key] = value.cpu().contiguous()

    def write() -> tuple[str, bool]:
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"{name}.tmp"
        try:
            save_file(whole, draft, metadata=about)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            target = next(path for path in _candidates(folder, name) if not path.exists() or cmp(path, draft, False))
            new = not target.exists()
            draft.chmod(plain_mode(folder))
            draft.replace(target)
        except (OSError, SafetensorError) as error:
            draft.unlink(missing_ok=True)
            free = shutil.disk_usage(folder).free / 2**20
            raise OSError(f"{folder / name} could not be written ({error}); {free:.0f} MiB are free there") from error
        return target.relative_to(root).as_posix(), new

    file, new = on_first_rank(trainer, write)
    written |= {file} if new else set()
    return file


def _candidates(folder: Path, name: str) -> Iterator[Path]:
    """`name`, `name-2`, `name-3` and so on."""
    yield folder / f"{name}.safetensors"
    yield from (folder / f"{name}-{number}.safetensors" for number in count(2))


def read_weights(trainer: L.Trainer, weights: Mapping[str, nn.Parameter], name: str) -> None:
    """Overwrites weights, sharded or whole, with those of a file that `write_weights` named.

    Raises:
        FileNotFoundError: The file is gone.
        ValueError: It holds the weights of another model.
    """
    path = Path(trainer.default_root_dir) / name

    def check() -> list[str]:
        if not path.exists():
            raise FileNotFoundError(
                f"{path} is gone: it holds weights that a validation found best, and the run needs them. Put it "
                "back (it lies below trainer.default_root_dir, which must be that of the run), or resume from a "
                "checkpoint of before it was written, or begin the stages that are left with policy.init_from"
            )
        with safe_open(path, "pt") as file:
            for key in file.keys():  # noqa: SIM118  it is no mapping
                held = file.get_slice(key)
                if key not in weights or list(weights[key].shape) != held.get_shape():
                    raise ValueError(f"{path} holds another model: its weight {key} {held.get_shape()} has no place")
            return list(file.keys())

    keys = on_first_rank(trainer, check)
    file = safe_open(path, "pt").__enter__() if trainer.is_global_zero else None
    for key in keys:
        parameter = weights[key]
        value = (
            file.get_tensor(key).to(parameter.dtype) if file else torch.empty(parameter.shape, dtype=parameter.dtype)
        )
        with torch.no_grad():
            parameter.copy_(_spread(value, parameter, trainer))


def on_first_rank(trainer: L.Trainer, work: Callable[[], Result]) -> Result:
    """The result of `work` on the first rank, or its error, on every rank."""
    outcome: tuple[Result | None, Exception | None] = (None, None)
    if trainer.is_global_zero:
        try:
            outcome = (work(), None)
        except (OSError, ValueError) as error:
            outcome = (None, type(error)(str(error)))
    result, error = trainer.strategy.broadcast(outcome)
    if error is not None:
        raise error
    return result


def _spread(value: Tensor, parameter: nn.Parameter, trainer: L.Trainer) -> Tensor:
    """The first rank's `value`, whole or sharded as `parameter` is, on all ranks."""
    if trainer.world_size == 1:
        return value
    value = value.to(trainer.strategy.root_device)
    dist.broadcast(value, src=0)
    if isinstance(parameter, DTensor):
        return distribute_tensor(value, parameter.device_mesh, parameter.placements, src_data_rank=None)
    return value

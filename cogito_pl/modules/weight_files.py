"""Weights that pass from one stage to the next: written and read whole, without rounding, by any number of ranks.

All ranks call these functions together. A failure of the first rank is raised on every rank, so that none waits for it.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from filecmp import cmp
from functools import lru_cache
from itertools import count
from pathlib import Path
from pickle import UnpicklingError
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

Result = TypeVar("Result")


def trained_weights(module: L.LightningModule) -> dict[str, nn.Parameter]:
    """The policy's parameters that its optimiser has, by name: all that ever changes."""
    for unit in module.policy.modules():
        if isinstance(unit, FSDPModule):
            unit.reshard()
    known = {id(p) for group in module.trainer.optimizers[0].param_groups for p in group["params"]}
    return {name: p for name, p in module.policy.named_parameters() if id(p) in known}


def write_weights(trainer: L.Trainer, weights: Mapping[str, nn.Parameter], name: str) -> tuple[str, bool]:
    """Writes weights to a file of the run's log folder.

    Returns:
        The file's name below `trainer.default_root_dir`: `name`, numbered where that file holds other weights already,
        which a run that was resumed from the same checkpoint may need. And whether the file is new: one that held these
        weights already is that of another run, whose checkpoints may name it.

    Raises:
        OSError: The file could not be written; nothing is left of it.
    """
    root, logs = Path(trainer.default_root_dir).absolute(), Path(trainer.log_dir or trainer.default_root_dir).absolute()
    folder = (logs if logs.is_relative_to(root) else root) / "handoff"
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
            save_file(whole, draft)
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

    return on_first_rank(trainer, write)


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


def remove_weights(trainer: L.Trainer, names: set[str], key: str) -> set[str]:
    """Deletes those files of `names` that no checkpoint on disk needs.

    Args:
        trainer: Its checkpoint callbacks tell where checkpoints lie.
        names: As `write_weights` returned them.
        key: Under which checkpoints hold the state that names files.

    Returns:
        The names that are done with.
    """

    def remove() -> set[str]:
        try:
            done = names - (names_in_checkpoints(trainer, key) if names else set())
        except (OSError, EOFError, RuntimeError, UnpicklingError):  # a checkpoint is unreadable: keep what it may need
            return set()
        for name in done:
            (Path(trainer.default_root_dir) / name).unlink(missing_ok=True)
        return done

    return on_first_rank(trainer, remove)


def names_in_checkpoints(trainer: L.Trainer, key: str) -> set[str]:
    """Every text in the state `key` of the checkpoints on disk; the files they need are among them."""
    folders = {getattr(callback, "dirpath", None) for callback in trainer.checkpoint_callbacks} - {None}
    folders |= {Path(trainer.ckpt_path).parent} if trainer.ckpt_path else set()
    paths = {path for folder in folders for path in Path(folder).glob("**/*.ckpt")}
    return {name for path in paths for name in _texts_in(path, path.stat().st_mtime_ns, key)}


@lru_cache(maxsize=1024)
def _texts_in(path: Path, modified: int, key: str) -> frozenset[str]:
    """The texts in the state `key` of a checkpoint, a file or a folder, as it was when `modified` last."""
    single = path.is_file()
    state = torch.load(path if single else path / "meta.pt", map_location="cpu", weights_only=True, mmap=single)
    return frozenset(value for value in state.get("callbacks", {}).get(key, {}).values() if isinstance(value, str))


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

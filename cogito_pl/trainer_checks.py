"""Checks of settings that Lightning and jsonargparse refuse late, in many lines or without naming them."""

import difflib
import pickle
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import lightning.pytorch as L
import torch
from lightning.pytorch.accelerators import CUDAAccelerator, MPSAccelerator, XLAAccelerator
from lightning.pytorch.strategies import StrategyRegistry

from cogito_pl.config_files import where_given

ACCELERATORS: dict[str, Callable[[], bool]] = {
    "auto": lambda: True,
    "cpu": lambda: True,
    "gpu": lambda: CUDAAccelerator.is_available() or MPSAccelerator.is_available(),
    "cuda": lambda: CUDAAccelerator.is_available(),
    "mps": lambda: MPSAccelerator.is_available(),
    "tpu": lambda: XLAAccelerator.is_available(),
}
LOW_PRECISION = ("16-true", "bf16-true")


def check_trainer(settings: Any) -> None:
    """Raises ValueError for trainer settings that cannot work here.

    Args:
        settings: The section `trainer` of a parsed configuration.
    """
    if str(settings.precision) in LOW_PRECISION:
        raise ValueError(
            f"trainer.precision={settings.precision} keeps the weights in 16 bits, where most updates of a learning "
            "rate such as 1e-6 round to nothing; use bf16-mixed, or 32-true"
        )
    if str(settings.precision) in ("64", "64-true"):
        raise ValueError(
            f"trainer.precision={settings.precision}: Lightning cannot convert prompts to 64 bits; use 32-true"
        )
    if settings.gradient_clip_val is not None and settings.gradient_clip_val < 0:
        raise ValueError(
            f"trainer.gradient_clip_val={settings.gradient_clip_val} clips nothing; leave it out, or use 1.0"
        )
    if settings.check_val_every_n_epoch == 0:
        raise ValueError(
            "trainer.check_val_every_n_epoch=0 is no interval; use 1 or more, or limit_val_batches=0 to skip validation"
        )
    check_accelerator(settings.accelerator)
    check_devices(settings.accelerator, settings.devices)
    known = ["auto", *StrategyRegistry.available_strategies()]
    if isinstance(settings.strategy, str) and settings.strategy not in known:
        raise ValueError(
            f"trainer.strategy={settings.strategy} is unknown; {_nearest(settings.strategy, known)}, or name a class "
            "by class_path as configs/strategy/fsdp2.yaml does"
        )


def check_seed(seed: int | bool) -> None:
    """Raises ValueError for a seed that numpy's generators do not take."""
    if not 0 <= int(seed) < 2**32:
        raise ValueError(f"seed_everything={seed} is out of range; choose a number from 0 to {2**32 - 1}")


def check_linked(args: Sequence[str]) -> None:
    """Raises ValueError for a module's own seed on the command line `args`, which the link would replace unsaid."""
    if given := where_given(args, ["model", "seed"]):
        origin = f" (in {given.origin})" if given.origin else ""
        raise ValueError(
            f"{given.place}={given.value}{origin} has no effect; set seed_everything, for draws and samples"
        )


def check_accelerator(name: Any) -> None:
    """Raises ValueError for an accelerator that is unknown or that this machine lacks."""
    if not isinstance(name, str):
        return
    if name not in ACCELERATORS:
        raise ValueError(f"trainer.accelerator={name} is unknown; {_nearest(name, list(ACCELERATORS))}")
    if not ACCELERATORS[name]():
        raise ValueError(
            f"trainer.accelerator={name}: this process finds none; set trainer.accelerator=cpu, or check the driver, "
            "CUDA_VISIBLE_DEVICES and that PyTorch was installed for this accelerator"
        )


def check_devices(accelerator: Any, devices: Any) -> None:
    """Raises ValueError for a number of devices that is none, or larger than the number of GPUs."""
    indices = [text.strip() for text in str(devices).strip("[]() ").split(",")]
    if devices == "auto" or indices == ["-1"]:
        return
    if not all(text.lstrip("-").isdigit() for text in indices):
        raise ValueError(
            f"trainer.devices={devices} is no number of devices; set 1 or more, a list of indices, or auto"
        )
    wanted = int(indices[0]) if len(indices) == 1 and not isinstance(devices, list) else len(indices)
    if wanted < 1:
        raise ValueError(f"trainer.devices={devices} leaves nothing to run on; set 1 or more, or auto")
    if accelerator in ("gpu", "cuda", "auto") and CUDAAccelerator.is_available():
        there = CUDAAccelerator.auto_device_count()
        if wanted > there:
            raise ValueError(
                f"trainer.devices={devices} is more than the {there} GPUs that this process sees; set at most {there}, "
                "or check CUDA_VISIBLE_DEVICES"
            )


def check_command(command: str, class_path: str, data: Any) -> None:
    """Raises ValueError for a command that the module or the data have nothing for."""
    package, _, name = class_path.rpartition(".")
    module = getattr(import_module(package), name)
    if command == "predict" and module.predict_step is L.LightningModule.predict_step:
        raise ValueError(
            f"model.class_path={class_path} does not score problems, which predict is for; set it to "
            "cogito_pl.modules.ScoreModule, or run fit or validate"
        )
    if command == "validate" and not (data.validation or data.benchmarks):
        raise ValueError("data.validation is empty; name at least one source to validate on, or set data.benchmarks")


def check_sections(model: Any) -> None:
    """Raises ValueError where a value stands in place of a group of settings, which jsonargparse passes on.

    Args:
        model: The section `model` of a parsed configuration.
    """
    module, _, name = model.class_path.rpartition(".")
    for setting, hint in get_type_hints(getattr(import_module(module), name).__init__).items():
        value = model.init_args.get(setting)
        if is_dataclass(hint) and not hasattr(value, "items"):
            raise ValueError(
                f"model.init_args.{setting}={value} is not a group of settings; write {{name: value}} of "
                f"{', '.join(field.name for field in fields(hint))}"
            )


def check_checkpoint(path: str | None) -> None:
    """Raises an error for a `--ckpt_path` that is no checkpoint; folders are those of sharded strategies."""
    if path is None or path in ("last", "best", "hpc") or "://" in path or path.startswith("registry"):
        return
    file = Path(path)
    if not file.exists():
        there = sorted(str(other) for other in file.parent.glob("*.ckpt")) if file.parent.is_dir() else []
        remedy = (
            f"that folder has {', '.join(there[-3:])}" if there else "correct the path, or leave it out to start anew"
        )
        raise FileNotFoundError(f"--ckpt_path={path} does not exist; {remedy}")
    if file.is_file():
        _check_checkpoint_file(file)
    if file.is_dir() and (file / "config.json").is_file():
        raise ValueError(
            f"--ckpt_path={path} is a model folder, which has no optimiser to resume; start from it by "
            "--model.init_args.policy.init_from"
        )


def _check_checkpoint_file(file: Path) -> None:
    wrong = ValueError(f"--ckpt_path={file} is not a checkpoint of a run, or was cut off; name another file")
    if not zipfile.is_zipfile(file):
        raise wrong
    try:
        content = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise wrong from error
    if not isinstance(content, dict) or "pytorch-lightning_version" not in content:
        raise wrong


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}"

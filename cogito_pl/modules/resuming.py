"""What a resumed run finds: its newest checkpoint, its logs, and the lines of its journals that it writes again."""

import shlex
import sys
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import lightning.pytorch as L
import torch
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from cogito_pl.files import atomic, read_jsonl, whole_lines
from cogito_pl.modules.lightning_internals import continue_logger, ends_an_epoch, finish_epoch, is_continued

JOURNALS = ("rollouts.jsonl", "rollouts.rank*.jsonl", "validation.rank*.jsonl")
"""Files of the log folder with one line per rollout or completion, each with the optimiser step it was sampled at."""


def checkpoint_state(path: Path) -> dict[str, Any]:
    """A checkpoint, a file or a sharded folder, whose weights stay on disk."""
    single = path.is_file()
    return torch.load(path if single else path / "meta.pt", map_location="cpu", weights_only=True, mmap=single)


def newest_checkpoint(root: Path) -> Path | None:
    """The newest checkpoint below a folder that a fit can be resumed from; None without one.

    Files that hold weights alone, or cannot be read, are passed over.
    """
    for path in sorted(root.glob("**/*.ckpt"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
        try:
            if "lr_schedulers" in checkpoint_state(path):
                return path
        except (OSError, EOFError, RuntimeError, UnpicklingError):
            continue
    return None


def say_how_to_resume(trainer: L.Trainer, checkpoint: str | Path | None) -> None:
    """Prints the last line of an interrupted run, on the first rank."""
    if not trainer.is_global_zero:
        return
    if not checkpoint:
        print("Interrupted before the first optimiser step: there is nothing to resume", file=sys.stderr, flush=True)
        return
    path = Path(checkpoint).absolute()
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    how = f"resume with the same command and --ckpt_path {shlex.quote(str(shown))}"
    print(f"Interrupted after optimiser step {trainer.global_step}; {how}", file=sys.stderr, flush=True)


def log_folder(trainer: L.Trainer) -> str:
    """The log folder, below `trainer.default_root_dir` where it lies there. Collective."""
    folder, root = Path(trainer.log_dir or trainer.default_root_dir).absolute(), Path(trainer.default_root_dir)
    return str(folder.relative_to(root.absolute()) if folder.is_relative_to(root.absolute()) else folder)


def continue_logs(trainer: L.Trainer, checkpoint: Path) -> None:
    """Lets a run that goes on from a checkpoint log to the folder that it logged to; for before it starts.

    What TensorBoard or a CSV table has of the steps that are taken again is dropped. Loggers that were given another
    folder keep it.
    """
    state = checkpoint_state(checkpoint)
    folder = (Path(trainer.default_root_dir) / state.get("log_dir", "")).resolve()
    if "log_dir" in state and folder.is_dir():
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger | CSVLogger):
                continue_logger(logger, folder, state["global_step"])


def resume(trainer: L.Trainer) -> None:
    """Brings journals and loops of a resumed run to where it stands. Collective.

    For the first line of an `on_train_start`; does nothing for a fresh run, nor when it is called again.
    """
    if trainer.ckpt_path:
        validated = not ends_an_epoch(trainer)
        trim_journals(trainer, validated=validated)
        log_again(trainer, validated=validated)
        finish_epoch(trainer)


def log_again(trainer: L.Trainer, *, validated: bool) -> None:
    """Logs the validation at the checkpoint's step, once, where `continue_logs` dropped it and it is not run again."""
    module = trainer.lightning_module
    last, module.restored_validation = module.restored_validation, None
    if validated and last and last["step"] == trainer.global_step:
        for logger in filter(is_continued, trainer.loggers):
            logger.log_metrics(last["values"], step=last["step"])


def trim_journals(trainer: L.Trainer, *, validated: bool) -> None:
    """Drops the lines of the steps that are taken again, and a last line that was cut off.

    Args:
        trainer: Of the resumed run.
        validated: Whether the validation after the checkpoint's step, where there was one, is not run again.
    """
    folder, step = trainer.log_dir, trainer.global_step
    if folder and trainer.is_global_zero:
        for path in (path for name in JOURNALS for path in Path(folder).glob(name)):
            last = step if validated and path.name.startswith("validation") else step - 1
            rows = zip(whole_lines(path), read_jsonl(path), strict=True)
            kept = [line for line, row in rows if row["step"] <= last]
            with atomic(path) as draft:
                draft.write_bytes(b"".join(line + b"\n" for line in kept))
    trainer.strategy.barrier("journals are trimmed")

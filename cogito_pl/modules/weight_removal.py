"""Deletes weight files of the hand-off that nothing needs any more; what a checkpoint on disk names stays."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import lightning.pytorch as L
import torch
from lightning.pytorch.utilities import rank_zero_warn

from cogito_pl.modules.weight_files import on_first_rank


def remove_weights(trainer: L.Trainer, names: set[str]) -> set[str]:
    """Deletes those files of `names`, as `write_weights` returned them, that no checkpoint on disk needs.

    Nothing is deleted while a checkpoint cannot be read, which may need any of them.

    Returns:
        The names that are done with.
    """

    def remove() -> set[str]:
        done = names - named_in_checkpoints(trainer) if names else set()
        for name in done:
            (Path(trainer.default_root_dir) / name).unlink(missing_ok=True)
        return done

    try:
        return on_first_rank(trainer, remove)
    except ValueError as error:
        rank_zero_warn(str(error))
        return set()


def named_in_checkpoints(trainer: L.Trainer) -> set[str]:
    """Every text in the callbacks' state of the checkpoints on disk; the files they need are among them.

    Checkpoints are looked for below `trainer.default_root_dir`, which the names are relative to, and wherever this run
    writes them.

    Raises:
        ValueError: A checkpoint cannot be read.
    """
    folders = {getattr(callback, "dirpath", None) for callback in trainer.checkpoint_callbacks} - {None}
    folders |= {trainer.default_root_dir} | ({Path(trainer.ckpt_path).parent} if trainer.ckpt_path else set())
    paths = {path.resolve() for folder in folders for path in Path(folder).glob("**/*.ckpt")}
    names: set[str] = set()
    for path in paths:
        try:
            names |= _texts_in(path, path.stat().st_mtime_ns)
        except Exception as error:  # whatever is wrong with it
            raise ValueError(
                f"{path} cannot be read ({type(error).__name__}): it may need weights of the hand-off, none of which "
                "are deleted therefore; delete it if it is of no use"
            ) from error
    return names


@lru_cache(maxsize=1024)
def _texts_in(path: Path, modified: int) -> frozenset[str]:
    """The texts in the callbacks' state of a checkpoint, a file or a folder, as it was when `modified` last."""
    single = path.is_file()
    state = torch.load(path if single else path / "meta.pt", map_location="cpu", weights_only=True, mmap=single)
    return frozenset(_texts(state.get("callbacks", {})))


def _texts(value: object) -> Iterator[str]:
    """All texts in nested mappings and lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (Mapping, list, tuple)):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)

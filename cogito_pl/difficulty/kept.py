"""Tensors that are kept of trials: one safetensors file each, complete as soon as it exists. Knows no model."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from cogito_pl.difficulty.scorer import Task
from cogito_pl.files import atomic
from cogito_pl.seeds import digest


def kept_path(folder: Path, problem_id: str, task: Task) -> Path:
    """Where the tensors of a trial lie; an id may hold anything, the name of a file may not."""
    return folder / "kept" / f"{digest(_key(problem_id, task), 16)}.safetensors"


def save_kept(folder: Path, problem_id: str, task: Task, tensors: Mapping[str, Tensor]) -> None:
    """Writes the tensors of a trial, in place of earlier ones."""
    path = kept_path(folder, problem_id, task)
    whole = {name: value.contiguous() for name, value in tensors.items()}
    with atomic(path) as draft:
        save_file(whole, draft, metadata={"trial": _key(problem_id, task)})


def load_kept(folder: Path, problem_id: str, task: Task) -> dict[str, Tensor]:
    """The tensors of a trial, none where none were kept.

    Raises:
        ValueError: The file is of another trial.
    """
    path = kept_path(folder, problem_id, task)
    if not path.exists():
        return {}
    with safe_open(path, "pt") as file:
        found = (file.metadata() or {}).get("trial")
        if found != _key(problem_id, task):
            raise ValueError(f"{path} is of the trial {found}, not of {_key(problem_id, task)}; remove it")
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict


def _key(problem_id: str, task: Task) -> str:
    return repr((problem_id, float(task.ratio), task.repeat))

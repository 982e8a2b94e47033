"""The store of trials: one JSON line per trial, on disk as soon as it has been run, and the tensors kept of it.

A folder holds `settings.json` with the settings that decide the outcome of a trial, and one file of trials per rank. A
trial is a pure function of those settings, its problem, its ratio and its repeat, so a scoring that was killed
continues from the trials that it finds, on any number of ranks, and a threshold can be changed without the model. Each
line names the rules that its verdict was given by; `regrading.py` replaces the verdicts of other rules.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from cogito_pl.difficulty.identity import rules_digest
from cogito_pl.difficulty.scorer import Outcomes, Task
from cogito_pl.files import atomic, read_jsonl, write_json
from cogito_pl.problem import Problem
from cogito_pl.seeds import digest

_log = logging.getLogger(__name__)
SETTINGS = "settings.json"


class OtherTrialsError(ValueError):
    """The store holds trials of another run or of another problem."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One graded completion.

    Args:
        id: Of the problem, within its source.
        ratio: Share of its images that was hidden.
        repeat: Which trial of this ratio.
        seed: Decides mask and completion.
        correct: The verifier's verdict.
        extracted: The answer that the verifier found.
        rule: How it found it.
        tokens: Length of the completion.
        finished: Whether the completion ended by itself.
        images: How many images the problem has.
        problem: Digest of what the model was shown, `Problem.shown_digest`.
        expected: Digest of what the verdict compares with, `Problem.expected_digest`.
        response: The completion.
        kept: Tensors that the scorer keeps of it, in a file of their own.
    """

    id: str
    ratio: float
    repeat: int
    seed: int
    correct: bool
    extracted: str
    rule: str
    tokens: int
    finished: bool
    images: int
    problem: str
    expected: str
    response: str
    kept: Mapping[str, Tensor] = field(default_factory=dict, repr=False)


class TrialStore:
    """The trials of one source: those in the files of all ranks, and a file to append this rank's to.

    Args:
        folder: Where the files are; null keeps trials in memory.
        settings: What decides the outcome of a trial, as plain values.
        rank: This process; null only reads.

    Raises:
        OtherTrialsError: The folder holds trials that were made with other settings.
        BlockingIOError: Another process appends to this rank's file.
        ValueError: A file is damaged before its last line.
    """

    def __init__(self, folder: Path | None, settings: Mapping[str, Any], rank: int | None = 0) -> None:
        self.folder = folder
        self.rules = rules_digest(settings)
        self._outcomes: dict[str, dict[Task, bool]] = {}
        self._about: dict[str, tuple[str, int]] = {}  # digest and images, by problem
        self._tasks: dict[Task, Task] = {}  # one object per task, for there are few tasks and many trials
        self._kept: dict[tuple[str, Task], Mapping[str, Tensor]] = {}  # where there is no folder
        self._file: IO[bytes] | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            _agree(folder, json.loads(json.dumps(settings)), rank)
            for path in sorted(folder.glob("trials.rank*.jsonl")):
                self._remember(read_jsonl(path))
            if rank is not None:
                self._file = open_to_append(folder / f"trials.rank{rank}.jsonl")

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any]) -> "TrialStore":
        """The trials of all ranks in `folder`, not to be added to. Raises OtherTrialsError as the class does."""
        return cls(folder, settings, rank=None)

    def __len__(self) -> int:
        return sum(map(len, self._outcomes.values()))

    @property
    def problems(self) -> list[str]:
        """Ids of the problems that have trials."""
        return list(self._outcomes)

    def outcomes(self, problem_id: str) -> Outcomes:
        """The outcomes of a problem's trials so far."""
        return self._outcomes.get(problem_id, {})

    def images(self, problem_id: str) -> int:
        """How many images a problem with trials has."""
        return self._about[problem_id][1]

    def kept(self, problem_id: str) -> Mapping[str, Tensor]:
        """What was kept of a problem's first correct trial, if anything was."""
        solved = [task for task, correct in self.outcomes(problem_id).items() if correct]
        if not solved or self.folder is None:
            return self._kept.get((problem_id, min(solved)), {}) if solved else {}
        return load_kept(self.folder, problem_id, min(solved))

    def append(self, trials: Iterable[Trial]) -> None:
        """Adds trials that have just been run; they are on disk when this returns."""
        trials = list(trials)
        for trial in trials:  # before the line, so that no line lacks its tensors
            if trial.kept and self.folder is None:
                self._kept[trial.id, Task(trial.ratio, trial.repeat)] = trial.kept
            elif trial.kept:
                save_kept(self.folder, trial.id, Task(trial.ratio, trial.repeat), trial.kept)
        lines = [
            {name: value for name, value in vars(trial).items() if name != "kept"} | {"rules": self.rules}
            for trial in trials
        ]
        self._remember(lines)
        if self._file is not None:
            self._file.write(as_jsonl(lines))
            self._file.flush()
            os.fsync(self._file.fileno())

    def check(self, problem: Problem) -> None:
        """Raises OtherTrialsError where the trials under this problem's id are those of another problem."""
        known = self._about.get(problem.id)
        if known is not None and known[0] != problem.shown_digest():
            raise OtherTrialsError(
                f"{self.folder} holds trials of another problem with the id {problem.id!r}: the data have changed, "
                "its question or an image. Remove that folder, or choose another path for the scores"
            )

    def close(self) -> None:
        """Closes this rank's file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _remember(self, lines: Iterable[Mapping[str, Any]]) -> None:
        for line in lines:
            if line["rules"] != self.rules:  # of a problem that was not among those graded again
                continue
            task = Task(float(line["ratio"]), line["repeat"])
            task = self._tasks.setdefault(task, task)
            self._outcomes.setdefault(line["id"], {}).setdefault(task, line["correct"])
            self._about.setdefault(line["id"], (line["problem"], line["images"]))


def _agree(folder: Path, settings: dict[str, Any], rank: int | None) -> None:
    """Writes the settings where there are none yet. Raises OtherTrialsError where there are others."""
    path = folder / SETTINGS
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        other = sorted(key for key in settings.keys() | found.keys() if settings.get(key) != found.get(key))
        if other:
            differences = "; ".join(f"{key}: {found.get(key)!r} there, {settings.get(key)!r} now" for key in other)
            raise OtherTrialsError(
                f"{folder} holds trials of another run ({differences}). Its outcomes do not count for this one: choose "
                "another path for the scores, or remove the folder"
            )
    elif rank == 0:
        if any(folder.glob("trials.rank*.jsonl")):
            raise OtherTrialsError(
                f"{folder} holds trials without {SETTINGS}, so that their settings are unknown; remove it"
            )
        write_json(path, settings, indent=1)


def as_jsonl(lines: Iterable[Mapping[str, Any]]) -> bytes:
    """Lines as they are stored; half a surrogate pair, which a response may hold, as its escape."""
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return text.encode("utf-8", "backslashreplace")


def open_to_append(path: Path) -> IO[bytes]:
    """Opens a file behind its last whole line, for this process alone."""
    file = path.open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BlockingIOError(f"{path}: another process is writing trials there; wait until it has ended") from error
    except OSError as error:
        _log.warning("%s cannot be locked (%s): make sure that no other process writes trials there", path, error)
    file.seek(0)
    file.truncate(file.read().rfind(b"\n") + 1)
    return file


def kept_path(folder: Path, problem_id: str, task: Task) -> Path:
    """Where the tensors of a trial are; a digest, since an id may hold characters that file names may not."""
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

"""Completions to look at: with image, reward and verdict, in a file and in TensorBoard."""

import json
from pathlib import Path

import lightning.pytorch as L
import numpy as np
from lightning.pytorch.loggers import TensorBoardLogger

from cogito_pl.files import keep_lines
from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.completion_record import completion_record, image_files, keep_images, verdict
from cogito_pl.problem import Problem
from cogito_pl.rl.rollout import Rollout


class RolloutTable(RolloutCallback):
    """Appends one JSON line per completion to `rollouts.rank*.jsonl` and `validation.rank*.jsonl` in the log folder.

    A resumed run drops the lines of the steps that it takes again.

    Args:
        every: Record every so many training rollouts; 0 records none.
        prompts: Record the first so many prompts of a training rollout, with all their completions.
        validation: Record every validation completion.
        images: Show the first so many prompts of a recorded rollout in TensorBoard, with their images.
        image_files: Keep the images of the first so many recorded problems of each process in `images/` of the log
            folder, for the page of `cogito_pl.report`, with at most 512 pixels on their longer side.
    """

    def __init__(
        self, every: int = 10, prompts: int = 4, validation: bool = True, images: int = 1, image_files: int = 200
    ) -> None:
        self.every, self.prompts, self.validation, self.images = every, prompts, validation, images
        self.image_files = image_files
        self._folder: str | None = None
        self._kept: set[tuple[str, str]] = set()

    def setup(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Asks for the log folder, which takes every process."""
        self._folder = trainer.log_dir

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Makes the files end where a resumed run goes on."""
        for name, first in (("rollouts", trainer.global_step), ("validation", trainer.global_step + 1)):
            path = self._path(trainer, name)
            if path is not None and path.exists() and (trainer.global_step or trainer.ckpt_path):
                keep_lines(path, lambda row, first=first: row["step"] < first)

    def on_rollout_end(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> None:
        """Records a training rollout."""
        number = rollout.policy_step // module.schedule.updates_per_rollout  # the same in a resumed run
        if self.every and number % self.every == 0:
            rows = range(min(self.prompts, len(rollout.problems)) * rollout.group_size)
            self._write(trainer, "rollouts", rollout, rows)
            self._show(trainer, "rollout", rollout)

    def on_validation_rollout(
        self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout, source: str
    ) -> None:
        """Records a validation batch."""
        if self.validation and not trainer.sanity_checking:
            self._write(trainer, "validation", rollout, range(len(rollout)), validation=source)

    def _path(self, trainer: L.Trainer, name: str) -> Path | None:
        return None if self._folder is None else Path(self._folder) / f"{name}.rank{trainer.global_rank}.jsonl"

    def _write(self, trainer: L.Trainer, name: str, rollout: Rollout, rows: range, **further: str) -> None:
        path = self._path(trainer, name)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            for row in rows:
                files = self._keep(rollout.problem_of(row), path.parent)
                line = completion_record(rollout, row, trainer.current_epoch) | {"image_files": files} | further
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _keep(self, problem: Problem, folder: Path) -> list[str]:
        key = (problem.source, problem.id)
        if problem.images and key not in self._kept and len(self._kept) < self.image_files:
            keep_images(problem, folder)
            self._kept.add(key)
        return image_files(problem) if key in self._kept else []

    def _show(self, trainer: L.Trainer, tag: str, rollout: Rollout) -> None:
        board = next((logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)), None)
        if board is None:
            return
        for index, problem in enumerate(rollout.problems[: self.images]):
            first = index * rollout.group_size
            lines = [f"**{problem.question}** (gold: `{problem.answer}`)", "", "|reward|verdict|completion|", "|-|-|-|"]
            for row in range(first, first + rollout.group_size):
                text = rollout.texts[row].replace("|", "\\|").replace("\n", " ")
                lines.append(f"|{rollout.rewards[row]:.2f}|{verdict(rollout, row)}|{text}|")
            board.experiment.add_text(f"{tag}/{index}", "\n".join(lines), trainer.global_step)
            for place, image in enumerate(problem.images):
                pixels = np.asarray(image.load())
                board.experiment.add_image(f"{tag}/{index}.{place}", pixels, trainer.global_step, dataformats="HWC")

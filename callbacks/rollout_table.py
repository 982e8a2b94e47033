"""Completions to look at: with image, reward and verdict, in a file and in TensorBoard."""

import json
from pathlib import Path

import lightning.pytorch as L
import numpy as np
from lightning.pytorch.loggers import TensorBoardLogger

from cogito_pl.modules import RolloutCallback
from cogito_pl.rl.rollout import Rollout


class RolloutTable(RolloutCallback):
    """Appends one JSON line per completion to `rollouts.rank*.jsonl` and `validation.rank*.jsonl` in the log folder.

    Args:
        every: Record every so many training rollouts; 0 records none.
        prompts: Record the first so many prompts of a training rollout, with all their completions.
        validation: Record every validation completion.
        images: Show the first so many prompts of a recorded rollout in TensorBoard, with their images.
    """

    def __init__(self, every: int = 10, prompts: int = 4, validation: bool = True, images: int = 1) -> None:
        self.every, self.prompts, self.validation, self.images = every, prompts, validation, images

    def on_rollout_end(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> None:
        """Records a training rollout."""
        number = rollout.policy_step // module.schedule.updates_per_rollout  # the same in a resumed run
        if self.every and number % self.every == 0:
            rows = range(min(self.prompts, len(rollout.problems)) * rollout.group_size)
            self._write(trainer, "rollouts", [record(rollout, row, trainer) for row in rows])
            self._show(trainer, "rollout", rollout)

    def on_validation_rollout(
        self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout, source: str
    ) -> None:
        """Records a validation batch."""
        if self.validation and not trainer.sanity_checking:
            rows = [record(rollout, row, trainer) | {"validation": source} for row in range(len(rollout))]
            self._write(trainer, "validation", rows)

    def _write(self, trainer: L.Trainer, name: str, rows: list[dict]) -> None:
        if trainer.log_dir is None:
            return
        path = Path(trainer.log_dir) / f"{name}.rank{trainer.global_rank}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

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


def verdict(rollout: Rollout, row: int) -> str:
    """`right`, `wrong`, or `unparsed` where no answer could be read."""
    grade = rollout.grades[row]
    return "right" if grade.correct else "wrong" if grade.parsed else "unparsed"


def record(rollout: Rollout, row: int, trainer: L.Trainer) -> dict:
    """One completion as plain values."""
    problem, grade = rollout.problem_of(row), rollout.grades[row]
    return {
        "step": rollout.policy_step,
        "epoch": trainer.current_epoch,
        "stage": rollout.stage,
        "draw": rollout.draws[row // rollout.group_size],
        "id": problem.id,
        "source": problem.source,
        "meta": dict(problem.meta),
        "question": problem.question,
        "images": [image.name for image in problem.images],
        "sizes": [image.size for image in problem.images],
        "kind": problem.kind,
        "choices": problem.choices,
        "gold": problem.answer,
        "response": rollout.texts[row],
        "extracted": grade.extracted,
        "rule": grade.rule,
        "verdict": verdict(rollout, row),
        "reward": float(rollout.rewards[row]),
        "terms": {name: float(values[row]) for name, values in rollout.reward_terms.items()},
        "advantage": float(rollout.advantages[row]),
        "tokens": int(rollout.lengths[row]),
        "finished": bool(rollout.finished[row]),
    }

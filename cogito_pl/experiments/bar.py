"""One progress bar for a whole `fit` or `validate`: optimiser steps, a few metrics, time left.

In a terminal it is a moving bar; anywhere else it prints one line per validation, so that a log stays short.
"""

import time
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.trainer.states import TrainerFn
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from cogito_pl.experiments.cost import clock

FORMS = {
    "sft/loss": "loss {:.2f}",
    "reward/accuracy": "reward {:.2f}",
    "rollout/length_tokens": "{:.0f} tokens",
    "val/accuracy": "validation {:.0%}",
}
"""How a metric is shown; metrics that are not listed here are left out."""


class PhaseBar(ProgressBar):
    """Shows the progress of the whole run, where Lightning has a bar per epoch.

    Args:
        label: First word of the line.
    """

    def __init__(self, label: str = "run") -> None:
        super().__init__()
        self.label = label
        self.enabled = True
        self.console = Console()
        self.bar: Progress | None = None
        self.total = self.done = self.first = 0  # in batches; `first` is where a resumed run began
        self.steps = 1  # batches of an optimiser step
        self.started = 0.0

    def disable(self) -> None:
        """Shows nothing; Lightning calls it on every rank but the first."""
        self.enabled = False

    def enable(self) -> None:
        """Shows the bar."""
        self.enabled = True

    def print(self, *args: Any, **_: Any) -> None:
        """Prints above the bar."""
        self.console.print(*args)

    def on_train_start(self, trainer: L.Trainer, *_: Any) -> None:
        """Opens the bar."""
        self._open(*self._place(trainer), trainer.accumulate_grad_batches)

    def on_train_epoch_start(self, trainer: L.Trainer, *_: Any) -> None:
        """Updates title and total: a stage may have begun, and one that ended early shortens the run."""
        self.total, self.done = self._place(trainer)
        if self.bar:
            self.bar.update(self.task, total=self.total, description=self._title(trainer))

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, *_: Any) -> None:
        """Moves on by one batch."""
        self._advance(trainer, module)

    def on_train_end(self, *_: Any) -> None:
        """Leaves the finished bar on the screen."""
        self._close()

    def on_validation_start(self, trainer: L.Trainer, *_: Any) -> None:
        """Opens the bar of a `validate`."""
        if not fitting(trainer):
            self._open(int(sum(trainer.num_val_batches)), 0, 1)

    def on_validation_batch_end(self, trainer: L.Trainer, module: L.LightningModule, *_: Any) -> None:
        """Moves on by one batch, or notes that a training run is validating."""
        if not fitting(trainer):
            self._advance(trainer, module)
        elif self.bar:
            self.bar.update(self.task, notes=f"{self._notes(trainer, module)} · validating")

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Shows the new metrics, in a log as a line."""
        if self.bar:
            self.bar.update(self.task, notes=self._notes(trainer, module))
        elif self.enabled and fitting(trainer):
            notes = self._notes(trainer, module)
            line = f"  {self._title(trainer)} {self._count()}  {notes}  {self._left()}"
            self.console.print(line.rstrip(), highlight=False)
        if not fitting(trainer):
            self._close()

    def on_exception(self, *_: Any) -> None:
        """Closes the bar, which shows the cursor again, before the error is printed."""
        self._close()

    def _place(self, trainer: L.Trainer) -> tuple[int, int]:
        """Batches of the whole run, and those before the current epoch; the stages' epochs differ in length."""
        batches, data = int(self.total_train_batches), trainer.datamodule
        if not getattr(data, "stages", ()):
            return batches * trainer.max_epochs, batches * trainer.current_epoch
        slots = batches // data.rollouts
        return slots * data.rollouts_before(trainer.max_epochs), slots * data.rollouts_before(trainer.current_epoch)

    def _open(self, total: int, first: int, steps: int) -> None:
        self.total, self.done, self.first, self.steps = total, first, first, steps
        self.started = time.monotonic()
        if not (self.enabled and self.console.is_terminal):
            return
        columns = "{task.fields[count]}", "[dim]{task.fields[left]}", "{task.fields[notes]}"
        self.bar = Progress(
            TextColumn("  [bold]{task.description}"),
            BarColumn(16, complete_style="blue", finished_style="blue"),
            *(TextColumn(column) for column in columns),
            console=self.console,
        )
        self.task = self.bar.add_task(self.label, total=total, completed=first, count=self._count(), left="", notes="")
        self.bar.start()

    def _advance(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self.done += 1
        if self.bar:
            shown = {"count": self._count(), "left": self._left(), "notes": self._notes(trainer, module)}
            self.bar.update(self.task, completed=self.done, **shown)

    def _close(self) -> None:
        if self.bar:
            self.bar.stop()
            self.bar = None

    def _notes(self, trainer: L.Trainer, module: L.LightningModule) -> str:
        metrics = self.get_metrics(trainer, module)
        return " · ".join(form.format(float(metrics[name])) for name, form in FORMS.items() if name in metrics)

    def _title(self, trainer: L.Trainer) -> str:
        stage = getattr(trainer.datamodule, "stage", None)
        return f"{self.label} {stage.name}" if stage else self.label

    def _count(self) -> str:
        return f"{self.done // self.steps}/{self.total // self.steps}"

    def _left(self) -> str:
        moved, seconds = self.done - self.first, time.monotonic() - self.started
        return f"{clock(seconds / moved * (self.total - self.done))} left" if moved else ""


def fitting(trainer: L.Trainer) -> bool:
    """Whether this is a `fit`, its validations included."""
    return trainer.state.fn == TrainerFn.FITTING

"""Reports the metric of a fit to its search, and ends the fit where the median pruner says so."""

from functools import cached_property
from pathlib import Path
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.trainer.states import TrainerFn

from cogito_pl.experiments.search.trials import Trials


class Pruning(L.Callback):
    """What the search adds to the fits of a trial.

    A validation before the first update is not reported: it says nothing of the trial. A fit that is stopped ends like
    any other, between epochs or after the validation inside of one.

    Args:
        file: SQLite file of the search.
        trial: Number of the trial.
        place: Of this fit among those of the trial, whose steps are counted one after the other.
    """

    def __init__(self, file: str, trial: int, place: int = 0) -> None:
        self.file, self.trial, self.place = Path(file), trial, place

    @cached_property
    def trials(self) -> Trials:
        """Those of the search; opened on the first rank alone."""
        return Trials(self.file)

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Ends a fit that was killed after it had been pruned."""
        self._stop_if_pruned(trainer)

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Reports the metric. Raises ValueError where it is not logged."""
        if trainer.state.fn != TrainerFn.FITTING or not trainer.global_step:
            return
        if trainer.is_global_zero:
            value = metric(trainer.callback_metrics, self.trials.settings["metric"])
            step = self.place * self.trials.settings["updates"] + trainer.global_step
            self.trials.report(self.trial, step, value)
        self._stop_if_pruned(trainer)

    def _stop_if_pruned(self, trainer: L.Trainer) -> None:
        pruned = trainer.is_global_zero and self.trials.pruned(self.trial)
        if trainer.strategy.broadcast(pruned):
            trainer.should_stop = True


def metric(logged: dict[str, Any], name: str) -> float:
    """A metric as a number. Raises ValueError where it is not logged."""
    if name not in logged:
        raise ValueError(f"metric={name} is not logged by the fits; choose one of {', '.join(sorted(logged))}")
    return float(logged[name])

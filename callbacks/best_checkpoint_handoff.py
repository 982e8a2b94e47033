"""Every stage begins with the best weights of the one before, as VL-Cogito does by hand (arXiv 2507.22607)."""

from typing import Any, Literal

import lightning.pytorch as L

from cogito_pl.modules import handoff
from cogito_pl.modules.lightning_internals import validate_now
from cogito_pl.modules.resuming import resume
from cogito_pl.modules.weight_files import remove_weights, trained_weights, write_weights

KEPT = ("stage", "best", "best_file", "best_step", "reference_file", "stale")


class BestCheckpointHandoff(L.Callback):
    """Hands the weights that validated best in a stage, its start included, over to the next one.

    They are kept beside the logs, without rounding. The next stage gets a fresh optimiser and schedule, and the weights
    become its KL reference. A checkpoint names the files it needs below `trainer.default_root_dir`; keep them together.
    Without stages, the whole run is one. Logs `handoff/from_step`, the optimiser step that handed over weights are of.

    Args:
        monitor: The validation metric that decides; of equal ones, the earlier weights stay the best.
        mode: Whether more or less of it is better.
        reset_reference: Measure KL from the start of the current stage; otherwise from the start of the run.
        finish_with_best: End the run with the last stage's best weights, which `HFExport` then writes.
    """

    def __init__(
        self,
        monitor: str = "val/accuracy",
        mode: Literal["max", "min"] = "max",
        reset_reference: bool = True,
        finish_with_best: bool = True,
    ) -> None:
        self.monitor, self.mode = monitor, mode
        self.reset_reference, self.finish_with_best = reset_reference, finish_with_best
        self.stage = self.best_file = self.reference_file = ""
        self.best: float | None = None
        self.best_step = self.stale = 0  # optimiser step of the best; validations since
        self._written: set[str] = set()

    def setup(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Refuses a run without validations to go by."""
        if stage == "fit":
            handoff.check_validation(trainer)
            module.restarts = True

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must know."""
        return {name: getattr(self, name) for name in KEPT}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over from the run that goes on."""
        vars(self).update({name: state[name] for name in KEPT})

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Validates the run's start; a resumed run is brought to where it stood."""
        handoff.restore_reference(trainer, module, self.reference_file)
        resume(trainer)
        self.stage = self.stage or (module.stage.name if module.stage else "")
        if self.best is None:
            validate_now(trainer)
        self._hand_over(trainer, module)

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Hands over where a stage begins."""
        self._hand_over(trainer, module)
        self._written -= remove_weights(trainer, self._written - {self.best_file, self.reference_file}, self.state_key)

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Keeps the weights when they are the best so far, before any checkpoint is written; may end the stage."""
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        if handoff.improves(score := handoff.monitored(trainer, self.monitor), self.best, self.mode):
            name = f"{self.stage or 'run'}-epoch={trainer.current_epoch}-step={trainer.global_step}"
            self.best_file, new = write_weights(trainer, trained_weights(module), name)
            self.best, self.best_step, self.stale = score, trainer.global_step, 0
            self._written |= {self.best_file} if new else set()
        else:
            self.stale += 1
            if module.stage and module.stage.patience and module.stage.patience <= self.stale:
                trainer.datamodule.end_stage()

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Puts the best weights in place of the last."""
        if self.finish_with_best and self.best_file:
            handoff.restore_policy(trainer, module, self.best_file)

    def on_fit_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Puts them there in a finished run that was resumed, too: Lightning trains nothing then."""
        if trainer.fit_loop.is_resuming:
            self.on_train_end(trainer, module)

    def _hand_over(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if module.stage and module.stage.name != self.stage:
            self.stage, self.stale = module.stage.name, 0
            self.reference_file = self.best_file if self.reset_reference else self.reference_file
            handoff.begin_stage(trainer, module, self.best_file, self.best_step)
            handoff.restore_reference(trainer, module, self.reference_file)

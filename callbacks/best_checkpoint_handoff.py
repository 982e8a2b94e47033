"""Every stage begins with the best weights of the one before, as VL-Cogito does by hand (arXiv 2507.22607)."""

from typing import Any, Literal

import lightning.pytorch as L

from cogito_pl.modules import handoff
from cogito_pl.modules.candidates import Candidate, Candidates, HandoffRule
from cogito_pl.modules.lightning_internals import validate_now
from cogito_pl.modules.standard_error import MonitoringCallback
from cogito_pl.modules.weight_removal import remove_weights


class BestCheckpointHandoff(MonitoringCallback):
    """Hands the weights that validated best over from one stage to the next.

    The next stage gets a fresh optimiser and schedule; the weights, kept without rounding, become its KL reference.
    Without stages, the whole run is one. Logs `handoff/from_step`, the optimiser step that handed over weights are of.
    VL-Cogito chooses among a stage's own checkpoints: `candidates: stage`. With `run`, a stage no better than its start
    is discarded, with a warning: noise of 0.7 to 1.5 points does so in 7 to 20% of runs that gain a point.

    Args:
        monitor: The validation metric that decides; of equal ones, the earlier weights stay the best.
        mode: Whether more or less of it is better.
        candidates: Whether the best of a `stage`'s own validations is handed over, or the best of the `run` so far.
        margin: With `run`, a stage's own best is handed over unless it is worse than its start by this much or more.
        keep: Weight files that stay: what checkpoints need (`needed`), or the own best of every stage too.
        reset_reference: Measure KL from the start of the current stage; otherwise from the start of the run.
        finish_with_best: End the run with what the last stage would hand over, which `HFExport` then writes.
    """

    def __init__(
        self,
        monitor: str = "val/accuracy",
        mode: Literal["max", "min"] = "max",
        candidates: Literal["run", "stage"] = "run",
        margin: float = 0.0,
        keep: Literal["needed", "best_of_each_stage"] = "needed",
        reset_reference: bool = True,
        finish_with_best: bool = True,
    ) -> None:
        super().__init__(monitor)
        self.found = Candidates(HandoffRule(mode, candidates, margin), monitor, keep == "best_of_each_stage")
        self.reset_reference, self.finish_with_best = reset_reference, finish_with_best
        self.stage = self.reference_file = ""

    def setup(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Refuses a run without validations to go by."""
        if stage == "fit":
            handoff.prepare(trainer, module)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must know."""
        return {"stage": self.stage, "reference_file": self.reference_file, "found": self.found.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over from the run that goes on."""
        self.stage, self.reference_file = state["stage"], state["reference_file"]
        self.found.load_state_dict(state["found"])

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Validates the run's start; a resumed run is brought to where it stood."""
        handoff.resume_with_reference(trainer, module, self.reference_file)
        self.stage = self.stage or (module.stage.name if module.stage else "")
        if self.found.start is None:
            validate_now(trainer)
        self._hand_over(trainer, module)

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Hands over where a stage begins."""
        self._hand_over(trainer, module)
        self.found.written -= remove_weights(trainer, self.found.written - {self.reference_file, *self.found.files})

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Keeps the weights when they are the best so far, before any checkpoint is written; may end the stage."""
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        found = Candidate(handoff.monitored(trainer, self.monitor), trainer.global_step, self.error.over_ranks(module))
        self.found.consider(found, lambda: handoff.write_policy(trainer, module, self.stage, self.found.written))
        if module.stage and module.stage.patience and module.stage.patience <= self.found.stale:
            trainer.datamodule.end_stage()

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Puts the best weights in place of the last, where any were validated."""
        self.found.end(self.stage)
        if self.finish_with_best and self.found.own:
            handoff.restore_policy(trainer, module, self.found.best.file)

    def on_fit_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Puts them there in a finished run that was resumed, too: Lightning trains nothing then."""
        if trainer.fit_loop.is_resuming:
            self.on_train_end(trainer, module)

    def _hand_over(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if module.stage and module.stage.name != self.stage:
            self.found.begin(self.stage)
            self.stage, best = module.stage.name, self.found.best
            self.reference_file = best.file if self.reset_reference else self.reference_file
            handoff.begin_stage(trainer, module, best.file, best.step)
            handoff.restore_reference(trainer, module, self.reference_file)

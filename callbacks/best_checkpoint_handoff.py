"""Every stage begins with the best weights of the one before, as VL-Cogito does by hand (arXiv 2507.22607)."""

from typing import Any, Literal

import lightning.pytorch as L

from cogito_pl.modules import RolloutCallback, handoff
from cogito_pl.modules.candidates import Candidate, Candidates, HandoffRule
from cogito_pl.modules.lightning_internals import validate_now
from cogito_pl.modules.resuming import resume
from cogito_pl.modules.standard_error import StandardError
from cogito_pl.modules.weight_files import trained_weights, write_weights
from cogito_pl.modules.weight_removal import remove_weights
from cogito_pl.rl.rollout import Rollout


class BestCheckpointHandoff(RolloutCallback):
    """Hands the weights that validated best over from one stage to the next.

    They are kept beside the logs, without rounding. The next stage gets a fresh optimiser and schedule, and the weights
    become its KL reference. A checkpoint names the files it needs below `trainer.default_root_dir`; keep them together.
    Without stages, the whole run is one. Logs `handoff/from_step`, the optimiser step that handed over weights are of.

    VL-Cogito chooses among the checkpoints of a stage, and its start is none of them: `candidates: stage`. With `run`,
    a stage that validates no better than what it began with is discarded, which is a warning with both scores and their
    standard errors: validation noise of 0.7 to 1.5 points discards a stage that gains one point in 7 to 20% of runs.

    Args:
        monitor: The validation metric that decides; of equal ones, the earlier weights stay the best.
        mode: Whether more or less of it is better.
        candidates: The weights to choose among: of the `stage`'s own validations, or of the `run` so far, where those
            that the stage began with compete.
        margin: With `run`, the stage's own best is handed over unless it is worse than its start by this much or more.
        keep: Which weight files outlast their use: none but those that a checkpoint below `trainer.default_root_dir`
            names (`needed`), or the best of every stage's own validations too; `policy.init_from` takes such a file.
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
        self.found = Candidates(HandoffRule(mode, candidates, margin), monitor, keep == "best_of_each_stage")
        self.monitor, self.error = monitor, StandardError()
        self.reset_reference, self.finish_with_best = reset_reference, finish_with_best
        self.stage = self.reference_file = ""
        self._written: set[str] = set()

    def setup(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Refuses a run without validations to go by."""
        if stage == "fit":
            handoff.check_validation(trainer)
            module.restarts = True

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must know."""
        return {"stage": self.stage, "reference_file": self.reference_file, "found": self.found.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over from the run that goes on."""
        self.stage, self.reference_file = state["stage"], state["reference_file"]
        self.found.load_state_dict(state["found"])

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Validates the run's start; a resumed run is brought to where it stood."""
        handoff.restore_reference(trainer, module, self.reference_file)
        resume(trainer)
        self.stage = self.stage or (module.stage.name if module.stage else "")
        if self.found.start is None:
            validate_now(trainer)
        self._hand_over(trainer, module)

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Hands over where a stage begins."""
        self._hand_over(trainer, module)
        self._written -= remove_weights(trainer, self._written - {self.reference_file, *self.found.files})

    def on_validation_start(self, *_: Any) -> None:
        """Begins to measure the noise of the metric."""
        self.error = StandardError()

    def on_validation_rollout(self, trainer: Any, module: Any, rollout: Rollout, source: str) -> None:
        """Measures it."""
        self.error.add(self.monitor, rollout, source)

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Keeps the weights when they are the best so far, before any checkpoint is written; may end the stage."""
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        score, name = handoff.monitored(trainer, self.monitor), handoff.file_name(trainer, self.stage)
        found = Candidate(score, trainer.global_step, self.error.over_ranks(module))
        self.found.consider(found, lambda: write_weights(trainer, trained_weights(module), name, self._written))
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
            self.found.end(self.stage)
            self.found.begin()
            self.stage, best = module.stage.name, self.found.best
            self.reference_file = best.file if self.reset_reference else self.reference_file
            handoff.begin_stage(trainer, module, best.file, best.step)
            handoff.restore_reference(trainer, module, self.reference_file)

"""Every stage begins with the best weights of the one before, as VL-Cogito does by hand (arXiv 2507.22607)."""

from dataclasses import asdict, replace
from typing import Any, Literal

import lightning.pytorch as L

from cogito_pl.modules import RolloutCallback, handoff
from cogito_pl.modules.handoff import Candidate
from cogito_pl.modules.lightning_internals import validate_now
from cogito_pl.modules.resuming import resume
from cogito_pl.modules.weight_files import trained_weights, write_weights
from cogito_pl.modules.weight_removal import remove_weights
from cogito_pl.rl.rollout import Rollout

KEPT = ("stage", "stale", "reference_file", "best_of")
CANDIDATES = ("start", "own")


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
        self.rule = handoff.HandoffRule(mode, candidates, margin)
        self.monitor, self.keep = monitor, keep
        self.reset_reference, self.finish_with_best = reset_reference, finish_with_best
        self.stage = self.reference_file = ""
        self.start: Candidate | None = None  # what the stage began with
        self.own: Candidate | None = None  # the best of the stage's own validations
        self.stale = 0  # validations since the best was found
        self.best_of: dict[str, str] = {}  # files that are kept, by stage
        self.errors = handoff.StandardErrors()
        self._written: set[str] = set()

    def setup(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Refuses a run without validations to go by."""
        if stage == "fit":
            handoff.check_validation(trainer)
            module.restarts = True

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must know."""
        found = {name: getattr(self, name) for name in CANDIDATES}
        return {name: getattr(self, name) for name in KEPT} | {
            name: candidate and asdict(candidate) for name, candidate in found.items()
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over from the run that goes on."""
        vars(self).update({name: state[name] for name in KEPT})
        vars(self).update({name: state[name] and Candidate(**state[name]) for name in CANDIDATES})

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Validates the run's start; a resumed run is brought to where it stood."""
        handoff.restore_reference(trainer, module, self.reference_file)
        resume(trainer)
        self.stage = self.stage or (module.stage.name if module.stage else "")
        if self.start is None:
            validate_now(trainer)
        self._hand_over(trainer, module)

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Hands over where a stage begins."""
        self._hand_over(trainer, module)
        used = {self.reference_file, *self.best_of.values(), *(found.file for found in (self.start, self.own) if found)}
        self._written -= remove_weights(trainer, self._written - used)

    def on_validation_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Begins to measure the noise of the metric."""
        self.errors = handoff.StandardErrors()

    def on_validation_rollout(
        self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout, source: str
    ) -> None:
        """Measures it."""
        self.errors.add(self.monitor, rollout, source)

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Keeps the weights when they are the best so far, before any checkpoint is written; may end the stage."""
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        score = handoff.monitored(trainer, self.monitor)
        found = Candidate(score, trainer.global_step, self.errors.over_ranks(module))
        if self.start is None:
            self.start = self._written_to_file(trainer, module, found)
            return
        before = self._best
        if self.rule.improves(score, self.own):
            leads = self.rule.choose(self.start, found) is found
            needed = leads or self.keep == "best_of_each_stage"
            self.own = self._written_to_file(trainer, module, found) if needed else found
            if leads:
                self.start = replace(self.start, file="")
        self.stale = 0 if self._best is not before else self.stale + 1
        if module.stage and module.stage.patience and module.stage.patience <= self.stale:
            trainer.datamodule.end_stage()

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Puts the best weights in place of the last, where any were validated."""
        if self.own:
            self._end_stage(trainer)
            if self.finish_with_best:
                handoff.restore_policy(trainer, module, self._best.file)

    def on_fit_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Puts them there in a finished run that was resumed, too: Lightning trains nothing then."""
        if trainer.fit_loop.is_resuming:
            self.on_train_end(trainer, module)

    @property
    def _best(self) -> Candidate:
        return self.rule.choose(self.start, self.own)

    def _written_to_file(self, trainer: L.Trainer, module: L.LightningModule, found: Candidate) -> Candidate:
        name = f"{self.stage or 'run'}-epoch={trainer.current_epoch}-step={trainer.global_step}"
        file, new = write_weights(trainer, trained_weights(module), name)
        self._written |= {file} if new else set()
        return replace(found, file=file)

    def _hand_over(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if module.stage and module.stage.name != self.stage:
            self._end_stage(trainer)
            best, self.stage, self.stale = self._best, module.stage.name, 0
            self.reference_file = best.file if self.reset_reference else self.reference_file
            handoff.begin_stage(trainer, module, best.file, best.step)
            handoff.restore_reference(trainer, module, self.reference_file)
            self.start, self.own = best, None

    def _end_stage(self, trainer: L.Trainer) -> None:
        if self.own is None:
            return
        if self._best is not self.own:
            handoff.warn_of_discarded(self.stage, self.start, self.own, self.monitor, self.rule)
        if self.keep == "best_of_each_stage":
            self.best_of = self.best_of | {self.stage or "run": self.own.file}

"""A module in a run of several stages: what is done at their seams, and how long a learning-rate schedule is."""

import lightning.pytorch as L

from cogito_pl.data.curriculum import Stage
from cogito_pl.data.loading import Batch
from cogito_pl.modules.fresh_optimizer import prime
from cogito_pl.modules.lightning_internals import finish_epoch
from cogito_pl.modules.stages import current_stage, frozen_in, stages_of
from cogito_pl.policy.reference import Reference


class StagedModule(L.LightningModule):
    """Knows the current stage and applies it to the weights. Needs `policy`, `policy_config` and `schedule`."""

    restarts = False
    """Whether every stage has an optimiser and a schedule of its own; a hand-off sets it in its `setup`."""

    reference: Reference | None = None
    """The policy of the KL term, where there is one."""

    @property
    def stage(self) -> Stage | None:
        """The curriculum's stage; None without stages."""
        return current_stage(self)

    def check_stage(self, stage: Stage) -> None:
        """Raises ValueError for settings of a stage that this module cannot honour."""

    def on_train_start(self) -> None:
        """Brings a run with stages to where it stands, resumed or not."""
        if stages_of(self):
            finish_epoch(self.trainer)
            self.trainer.datamodule.derive_epochs()
            prime(self.trainer.optimizers[0])  # a part that is frozen now has a state too, which a resumed run finds
            self.enter_stage()

    def on_train_epoch_start(self) -> None:
        """Lets learn what learns in the stage of this epoch, and takes other stages off the progress bar."""
        self.enter_stage()
        for stage in stages_of(self):
            self.trainer._logger_connector._progress_bar_metrics.pop(f"stage/{stage.name}", None)

    def enter_stage(self) -> None:
        """Applies what the current stage says about the weights."""
        if self.stage is not None:
            learnable = [p for group in self.trainer.optimizers[0].param_groups for p in group["params"]]
            self.policy.freeze(frozen_in(self.stage, self.policy_config), learnable)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Logs the stage: its number, and under its name the epoch within it."""
        if self.stage is not None:
            position = self.trainer.datamodule.position
            self.log("stage", float(position.index), batch_size=1)
            self.log(f"stage/{self.stage.name}", position.epoch + 1.0, prog_bar=True, batch_size=1)

    def optimizer_steps(self) -> float:
        """Optimiser steps that the learning rate spans: of the run, or of a stage that restarts; infinity without end.

        Not `trainer.estimated_stepping_batches`: that builds the loader before a resumed run knows its epoch, and the
        loader's restored position is lost.
        """
        trainer, data = self.trainer, self.trainer.datamodule
        limits = [float(trainer.max_steps - trainer.global_step)] if trainer.max_steps >= 0 else []
        first, end = data.stage_span if self.restarts else (0, trainer.max_epochs)
        if end is not None and end >= 0:
            rollouts = data.rollouts_before(end) - data.rollouts_before(first)
            limits.append(float(rollouts * self.schedule.updates_per_rollout))
        return min(limits, default=float("inf"))

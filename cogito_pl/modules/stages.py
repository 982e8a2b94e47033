"""Stages of a curriculum: what they change about a module, and what is done where one ends and the next begins."""

from collections.abc import Collection, Iterable

import lightning.pytorch as L
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities import rank_zero_info
from torch.optim.lr_scheduler import LambdaLR

from cogito_pl.data.curriculum import Stage
from cogito_pl.data.loading import Batch
from cogito_pl.modules.fresh_optimizer import prime
from cogito_pl.modules.learning_rate import span
from cogito_pl.modules.lightning_internals import attached_trainer, forget_progress_bar_metric, validate_now
from cogito_pl.modules.resuming import resume
from cogito_pl.policy import PolicyConfig
from cogito_pl.policy.freezing import PARTS, frozen_in_all
from cogito_pl.policy.reference import Reference


class StagedModule(L.LightningModule):
    """Applies the current stage to the weights, and says how long a learning-rate schedule is.

    Subclasses have `policy`, `policy_config`, `schedule` and `stage`.
    """

    restarts = False
    """Whether every stage has an optimiser and a schedule of its own; a hand-off sets it in its `setup`."""

    reference: Reference | None = None
    """The policy of the KL term, where there is one."""

    validate_start = False
    """Whether a fresh run validates before its first step; one with a hand-off does in any case."""

    def check_stage(self, stage: Stage) -> None:
        """Raises ValueError for settings of a stage that this module cannot honour."""

    def check_stages(self) -> None:
        """Raises ValueError, naming the stage, for a setting that cannot be honoured."""
        several = self.trainer.world_size > 1 and isinstance(self.trainer.strategy, DDPStrategy)
        for stage in stages_of(self):
            named = f"data.stages: stage {stage.name!r}"
            if unknown := set(stage.freeze or ()) - set(PARTS):
                raise ValueError(f"{named} freezes {sorted(unknown)}; there are {', '.join(PARTS)}")
            if several and stage.freeze is not None:
                raise ValueError(
                    f"{named} sets freeze, and the ddp strategy expects gradients of the same parameters all along; "
                    "use FSDP2 (configs/strategy/fsdp2.yaml) or set policy.freeze for the whole run"
                )
            if stage.patience is not None and not self.restarts:
                raise ValueError(
                    f"{named} has patience={stage.patience}, but nothing monitors the validation; add "
                    "callbacks.BestCheckpointHandoff, or leave patience out"
                )
            try:
                self.check_stage(stage)
            except ValueError as error:
                raise ValueError(f"{named}: {error}") from error

    def on_train_start(self) -> None:
        """Brings the run to where it stands, resumed or not."""
        resume(self.trainer)
        if stages_of(self):
            self.trainer.datamodule.derive_epochs()
            prime(self.trainer.optimizers[0])  # a part that is frozen now has a state too, which a resumed run finds
            self.enter_stage()
        self.span_schedules()
        fresh = self.trainer.ckpt_path is None and not self.restarts  # a hand-off has validated
        if self.validate_start and fresh and self.trainer.enable_validation:
            validate_now(self.trainer)

    def on_train_epoch_start(self) -> None:
        """Unfreezes what the stage of this epoch trains, and takes other stages off the progress bar."""
        self.enter_stage()
        self.span_schedules()
        for stage in stages_of(self):
            forget_progress_bar_metric(self.trainer, f"stage/{stage.name}")

    def enter_stage(self) -> None:
        """Applies what the current stage says about the weights."""
        if self.stage is not None:
            parameters = [p for group in self.trainer.optimizers[0].param_groups for p in group["params"]]
            self.policy.freeze(frozen_in(self.stage, self.policy_config), parameters)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Logs the stage: its number, and under its name the epoch within it."""
        if self.stage is not None:
            position = self.trainer.datamodule.position
            self.log("stage", float(position.index), batch_size=1)
            self.log(f"stage/{self.stage.name}", position.epoch + 1.0, prog_bar=True, batch_size=1)

    @property
    def stage_start(self) -> int:
        """The optimiser step of the run that the current stage began with; 0 without stages."""
        data = self.trainer.datamodule
        return data.rollouts_before(data.stage_span[0]) * self.schedule.updates_per_rollout

    def optimizer_steps(self, taken: int = 0) -> float:
        """Optimiser steps that the learning rate spans: of the run, or of a stage that restarts; infinity without end.

        Not `trainer.estimated_stepping_batches`: that builds the loader before a resumed run knows its epoch, and the
        loader's restored position is lost.

        Args:
            taken: Steps since the schedule began.
        """
        trainer, data = self.trainer, self.trainer.datamodule
        ends = [float(trainer.max_steps)] if trainer.max_steps >= 0 else []
        last = data.stage_span[1] if self.restarts else trainer.max_epochs
        if last is not None and last >= 0:
            ends.append(float(data.rollouts_before(last) * self.schedule.updates_per_rollout))
        return taken + min(ends, default=float("inf")) - trainer.global_step

    def span_schedules(self) -> None:
        """Lets the learning rate end where the run, or the stage, ends now: it may have another length than it had."""
        for config in self.trainer.lr_scheduler_configs:
            if isinstance(scheduler := config.scheduler, LambdaLR):
                total = self.optimizer_steps(scheduler.last_epoch)
                if (before := span(scheduler, total)) != total:
                    rank_zero_info(f"the learning rate spans {total:g} optimiser steps, no longer {before:g}")


def stages_of(module: L.LightningModule) -> tuple[Stage, ...]:
    """The stages of the run that the module is in; none outside of one."""
    trainer = attached_trainer(module)
    return stages_in(trainer) if trainer is not None else ()


def stages_in(trainer: L.Trainer) -> tuple[Stage, ...]:
    """The stages of a run; none without a curriculum."""
    return getattr(getattr(trainer, "datamodule", None), "stages", ())


def stage_names(trainer: L.Trainer) -> tuple[str, ...]:
    """The names of the stages of a run, in order."""
    return tuple(stage.name for stage in stages_in(trainer))


def check_stages(trainer: L.Trainer, setting: str, wanted: Collection[str] | None, remedy: str) -> None:
    """Raises ValueError unless the run has all stages that are `wanted`, so that no callback waits for one in vain.

    Args:
        trainer: Whose data name the stages.
        setting: What names the wanted stages, for the message.
        wanted: Their names, at least one; None where nothing depends on stages.
        remedy: What to do in a run that has none of them.
    """
    if wanted is None:
        return
    if not wanted:
        raise ValueError(f"{setting} is empty, so that the callback would act nowhere; {remedy}, or name stages in it")
    known = stage_names(trainer)
    if missing := [name for name in wanted if name not in known]:
        has = f"the run has the stages {', '.join(known)}" if known else "the run has no stages"
        raise ValueError(f"{setting} names {', '.join(missing)}, but {has}; {remedy}, or name stages under data.stages")


def frozen_in(stage: Stage | None, config: PolicyConfig) -> tuple[str, ...]:
    """The parts that are frozen in a stage."""
    return config.freeze if stage is None or stage.freeze is None else stage.freeze


def frozen_throughout(stages: Iterable[Stage], config: PolicyConfig) -> tuple[str, ...]:
    """The parts that are frozen in every stage: the optimiser leaves them out."""
    return frozen_in_all([frozen_in(stage, config) for stage in stages] or [config.freeze])

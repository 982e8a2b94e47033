"""Every private name of Lightning that is touched: validation between epochs, resuming, signals, loggers.

Checked against lightning 2.6; look here first when a new version breaks something.
"""

import csv
import warnings
from collections.abc import Callable
from pathlib import Path

import lightning.pytorch as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter
from lightning.pytorch.utilities import rank_zero_info


def attached_trainer(module: L.LightningModule) -> L.Trainer | None:
    """The module's trainer, None before it has one (where `module.trainer` raises)."""
    return module._trainer


def forget_progress_bar_metric(trainer: L.Trainer, name: str) -> None:
    """Takes a metric off the progress bar, where Lightning keeps every one that was ever logged."""
    trainer._logger_connector._progress_bar_metrics.pop(name, None)


def validate_now(trainer: L.Trainer) -> None:
    """Runs the validation of a fit outside of its turn; the hooks and metrics are those of any other. Collective."""
    loop, connector = trainer.fit_loop.epoch_loop.val_loop, trainer._logger_connector
    first = connector._first_loop_iter
    trainer.lightning_module.enter_stage()  # a tower that is frozen encodes images one by one
    trainer.validating = True
    loop.restarting = False
    loop.run()
    trainer.training = True
    connector._first_loop_iter = first


def ends_an_epoch(trainer: L.Trainer) -> bool:
    """Whether the checkpoint that a run was resumed from was written on the last batch of an epoch."""
    epoch = trainer.fit_loop.epoch_loop
    return bool(epoch.restarted_on_train_batch_end and epoch.batch_progress.is_last_batch)


def finish_epoch(trainer: L.Trainer) -> None:
    """Ends the epoch that a checkpoint was written on the last batch of, the lost validation included. Collective.

    Lightning takes such an epoch for finished: it is not validated, the next one begins without its
    `on_train_epoch_start`, and is skipped where it has more batches than the one before. For the first line of an
    `on_train_start`; does nothing after any other checkpoint, nor when it is called again.
    """
    fit, epoch = trainer.fit_loop, trainer.fit_loop.epoch_loop
    if not ends_an_epoch(trainer):
        return
    epoch.batch_progress.increment_completed()
    fit.epoch_progress.current.completed -= 1  # validation belongs to the old epoch
    every = trainer.check_val_every_n_epoch
    if trainer.enable_validation and every and not (trainer.current_epoch + 1) % every:
        rank_zero_info("the checkpoint was written before the validation of its epoch, which follows now")
        validate_now(trainer)
    epoch._batches_that_stepped += 1
    fit.epoch_progress.current.completed += 1
    fit._restarting = epoch.restarting = False
    fit.reset_restart_stage()
    epoch.reset_restart_stage()


def after_signal_handlers(trainer: L.Trainer, then: Callable[[], None]) -> None:
    """Calls `then` once Lightning has taken over signals; its own handler of SIGTERM stops at any micro-batch, unsaved.

    When the trainer ends, Lightning gives back all signals as they were before.
    """
    connector = trainer._signal_connector
    register = connector.register_signal_handlers

    def register_both() -> None:
        register()
        then()

    connector.register_signal_handlers = register_both


def save_now(callback: ModelCheckpoint, trainer: L.Trainer, epoch: int) -> None:
    """Saves as the callback does at the end of an epoch, in the place of what it saved before. Collective."""
    name = {"epoch": torch.tensor(epoch), "step": torch.tensor(trainer.global_step)}
    callback._save_none_monitor_checkpoint(trainer, name)


def continue_logger(logger: TensorBoardLogger | CSVLogger, folder: Path, step: int) -> None:
    """Lets a logger without a version continue in `folder`; drops what is there of optimiser steps from `step` on."""
    if logger._version is None and folder.parent == Path(logger.root_dir).resolve():
        logger._version = folder.name
    if logger._version is None or Path(logger.log_dir).resolve() != folder:
        return
    if isinstance(logger, TensorBoardLogger):
        logger._kwargs["purge_step"] = step
    elif (table := folder / ExperimentWriter.NAME_METRICS_FILE).is_file():
        with table.open(newline="") as file:
            rows = [{name: value for name, value in row.items() if value} for row in csv.DictReader(file)]
        with warnings.catch_warnings(action="ignore"):  # of the table's removal: what is kept of it is written again
            writer = logger.experiment
        writer.metrics = [row for row in rows if int(row["step"]) < step]
        logger.save()


def is_continued(logger: Logger) -> bool:
    """Whether `continue_logger` had an effect; for before the first metric is logged."""
    if isinstance(logger, CSVLogger):
        return bool(logger.experiment.metrics_keys)
    return "purge_step" in getattr(logger, "_kwargs", {})

"""Every private name of Lightning that is touched: a validation between epochs, the end of an epoch after a resume.

Checked against lightning 2.6; look here first when a new version breaks something.
"""

import lightning.pytorch as L
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


def finish_epoch(trainer: L.Trainer) -> None:
    """Ends the epoch that a checkpoint was written on the last batch of, the lost validation included. Collective.

    Lightning takes such an epoch for finished: it is not validated, the next one begins without its
    `on_train_epoch_start`, and is skipped where it has more batches than the one before. For the first line of an
    `on_train_start`; does nothing after any other checkpoint, nor when it is called again.
    """
    fit, epoch = trainer.fit_loop, trainer.fit_loop.epoch_loop
    if not (epoch.restarted_on_train_batch_end and epoch.batch_progress.is_last_batch):
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

"""Hand-off between stages: which weights validated best, and what policy and reference are given of them.

All ranks call these functions together.
"""

from pathlib import Path

import lightning.pytorch as L
from lightning.pytorch.utilities import rank_zero_info

from cogito_pl.modules.fresh_optimizer import restart_optimizer
from cogito_pl.modules.resuming import resume
from cogito_pl.modules.weight_files import read_weights, trained_weights, write_weights


def prepare(trainer: L.Trainer, module: L.LightningModule) -> None:
    """Lets every stage have an optimiser of its own; raises ValueError unless every epoch ends with a validation."""
    module.restarts = True
    if not trainer.datamodule.validation_sources:
        raise ValueError("data.validation is empty, and BestCheckpointHandoff goes by validations; add a source")
    for setting, value in (
        ("limit_val_batches", trainer.limit_val_batches or None),
        ("val_check_interval", trainer.val_check_interval),
        ("check_val_every_n_epoch", trainer.check_val_every_n_epoch),
    ):
        if value is None or (setting != "limit_val_batches" and value != 1):
            raise ValueError(
                f"trainer.{setting}={value or 0} leaves epochs without the one validation at their end that "
                "BestCheckpointHandoff goes by; leave it out"
            )


def monitored(trainer: L.Trainer, name: str) -> float:
    """The metric of the validation that has just ended, the same on all ranks.

    Raises:
        ValueError: Validation does not log it.
    """
    if name not in trainer.callback_metrics:
        known = ", ".join(sorted(metric for metric in trainer.callback_metrics if metric.startswith("val")))
        raise ValueError(f"BestCheckpointHandoff.monitor={name} is not what validation logs; choose of {known}")
    return trainer.strategy.broadcast(float(trainer.callback_metrics[name]))


def write_policy(trainer: L.Trainer, module: L.LightningModule, stage: str, written: set[str]) -> str:
    """Writes the policy's weights of now; see `write_weights`."""
    name = f"{stage or 'run'}-epoch={trainer.current_epoch}-step={trainer.global_step}"
    return write_weights(trainer, trained_weights(module), name, written)


def restore_policy(trainer: L.Trainer, module: L.LightningModule, name: str) -> None:
    """Gives the policy the weights of the file `name`."""
    read_weights(trainer, trained_weights(module), name)
    module.policy.features.clear_cache()
    rank_zero_info(f"the policy has the weights of {Path(trainer.default_root_dir) / name}")


def begin_stage(trainer: L.Trainer, module: L.LightningModule, name: str, step: int) -> None:
    """Gives the policy the weights of the file `name`, a fresh optimiser and a fresh schedule, and logs it.

    Args:
        trainer: Of the run.
        module: Whose stage begins.
        name: The file, as `write_weights` named it.
        step: Optimiser step that its weights are of.
    """
    rank_zero_info(f"stage {module.stage.name} begins")
    restore_policy(trainer, module, name)
    restart_optimizer(module)
    module.metrics.add("applied/best_checkpoint_handoff", 1.0)
    module.metrics.add("handoff/from_step", float(step))


def restore_reference(trainer: L.Trainer, module: L.LightningModule, name: str) -> None:
    """Gives the reference of the KL term, where there is one, the weights of the file `name`, where one is given."""
    if name and module.reference is not None:
        read_weights(trainer, module.reference.parameters(), name)
        module.reference.clear_cache()


def resume_with_reference(trainer: L.Trainer, module: L.LightningModule, name: str) -> None:
    """Brings a run, its reference included, to where it stood; see `resume`."""
    restore_reference(trainer, module, name)
    resume(trainer)

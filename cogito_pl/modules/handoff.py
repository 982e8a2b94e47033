"""What a hand-off does to a module: weights of another moment for policy and reference. All ranks call it together."""

import lightning.pytorch as L
from lightning.pytorch.utilities import rank_zero_info

from cogito_pl.modules.fresh_optimizer import restart_optimizer
from cogito_pl.modules.weight_files import learning_weights, read_weights


def put_back(trainer: L.Trainer, module: L.LightningModule, name: str) -> None:
    """Gives the policy the weights of the file `name`."""
    read_weights(trainer, learning_weights(module), name)
    module.policy.features.clear_cache()
    rank_zero_info(f"the policy has the weights of {name}")


def begin_stage(trainer: L.Trainer, module: L.LightningModule, name: str, step: int) -> None:
    """Gives the policy the weights of the file `name`, a fresh optimiser and a fresh schedule, and logs it.

    Args:
        trainer: Of the run.
        module: Whose stage begins.
        name: The file, as `write_weights` named it.
        step: Optimiser step that its weights are of.
    """
    rank_zero_info(f"stage {module.stage.name} begins")
    put_back(trainer, module, name)
    restart_optimizer(module)
    for logger in trainer.loggers:
        values = {"applied/best_checkpoint_handoff": 1.0, "handoff/from_step": float(step)}
        logger.log_metrics(values, step=trainer.global_step)


def measure_from(trainer: L.Trainer, module: L.LightningModule, name: str) -> None:
    """Gives the reference of the KL term, where there is one, the weights of the file `name`, where one is given."""
    if name and module.reference is not None:
        read_weights(trainer, module.reference.parameters(), name)
        module.reference.clear_cache()

"""What a hand-off does to a module: weights of another moment for policy and reference. All ranks call it together."""

import lightning.pytorch as L
from lightning.pytorch.utilities import rank_zero_info

from cogito_pl.modules.fresh_optimizer import restart_optimizer
from cogito_pl.modules.weight_files import learning_weights, read_weights


def put_back(trainer: L.Trainer, module: L.LightningModule, name: str) -> None:
    """Gives the policy the weights of the file `name`."""
    read_weights(trainer, learning_weights(module), name)
    module.policy.features.forget()
    rank_zero_info(f"the policy has the weights of {name}")


def begin_stage(trainer: L.Trainer, module: L.LightningModule, name: str) -> None:
    """Gives the policy the weights of the file `name`, a fresh optimiser and a fresh schedule."""
    rank_zero_info(f"stage {module.stage.name} begins")
    put_back(trainer, module, name)
    restart_optimizer(module)


def measure_from(trainer: L.Trainer, module: L.LightningModule, name: str) -> None:
    """Gives the reference of the KL term, where there is one, the weights of the file `name`, where one is given."""
    if name and module.reference is not None:
        read_weights(trainer, module.reference.parameters(), name)
        module.reference.forget()

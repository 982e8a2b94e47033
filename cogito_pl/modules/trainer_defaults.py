"""The settings of `lightning.Trainer` that every run here needs, on the command line and in Python alike."""

from typing import Any

from cogito_pl.modules.checkpoint_io import AtomicCheckpointIO

TRAINER_DEFAULTS: dict[str, Any] = {
    "use_distributed_sampler": False,  # our samplers share out over ranks themselves
    "reload_dataloaders_every_n_epochs": 1,  # the order of draws is a function of the epoch
    "num_sanity_val_steps": 0,  # the start is validated whole where something goes by it
    "log_every_n_steps": 1,
    "plugins": [AtomicCheckpointIO()],
}
"""From Python: `L.Trainer(**TRAINER_DEFAULTS, max_epochs=4)`; the command line has the same defaults."""

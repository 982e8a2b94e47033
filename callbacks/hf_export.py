"""Writes the policy as a complete transformers folder, which any tool loads."""

import os
from pathlib import Path

import lightning.pytorch as L
from lightning.pytorch.utilities import rank_zero_info

from cogito_pl.policy.export import check_target, export


class HFExport(L.Callback):
    """Exports weights, configuration, tokenizer and image processor when a fit ends.

    Adapters are added into the weights. The folder is complete or absent: see `cogito_pl.policy.export`.

    Args:
        path: Folder to write; `export` in the run's log folder when null. An existing export is replaced.
    """

    def __init__(self, path: str | None = None) -> None:
        self.path = path

    def setup(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Refuses a folder of something else before the fit rather than after it."""
        if self.path:
            check_target(Path(self.path))

    def teardown(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Writes the folder, once every callback has ended the fit; gathering sharded weights takes every process."""
        if stage != "fit":
            return
        target = Path(self.path or os.path.join(trainer.log_dir or trainer.default_root_dir, "export"))
        export(module.policy, target)
        rank_zero_info(f"the policy is exported to {target}")

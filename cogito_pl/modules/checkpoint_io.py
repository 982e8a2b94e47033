"""Checkpoint files that exist whole or not at all.

Lightning's own writer fills a file in the temporary folder and moves it. On another file system that is a copy:
a full disk or a kill in its middle leaves half a file where the last good one stood. It also holds the checkpoint in
memory twice.
"""

import shutil
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from cogito_pl.files import atomic


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target, and takes its place in one step when everything is on disk."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Writes the checkpoint.

        Raises:
            OSError: The file could not be written (the disk is full, say); what stood at `path` is untouched.
        """
        path = Path(path)
        try:
            with atomic(path, durable=True) as draft:
                torch.save(checkpoint, draft)
        except (OSError, RuntimeError) as error:  # torch reports a failed write as a RuntimeError
            free = shutil.disk_usage(path.parent).free / 2**20
            raise OSError(
                f"the checkpoint {path} could not be written ({error}); {free:.0f} MiB are free there. Earlier "
                "checkpoints are whole: make room and resume with --ckpt_path"
            ) from error

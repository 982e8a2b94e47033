"""Writes the policy as a complete transformers folder, which any tool loads."""

import os
import shutil
from pathlib import Path

import lightning.pytorch as L
from lightning.pytorch.utilities import rank_zero_info


class HFExport(L.Callback):
    """Exports weights, configuration, tokenizer and image processor when a fit ends.

    The folder is written under another name and renamed when it is complete, so that a full disk or a killed process
    never leaves half a model under `path`.

    Args:
        path: Folder to write; `export` in the run's log folder when null. An existing export is replaced.
    """

    def __init__(self, path: str | None = None) -> None:
        self.path = path

    def on_fit_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Writes the folder, on the first process."""
        if not trainer.is_global_zero:
            return
        target = Path(self.path or os.path.join(trainer.log_dir or trainer.default_root_dir, "export"))
        export(module.policy, target)
        rank_zero_info(f"the policy is exported to {target}")


def export(policy, target: Path) -> None:
    """Writes `policy` to the folder `target`, all or nothing.

    Args:
        policy: The `Policy` to write.
        target: Folder; replaced where it holds an earlier export.

    Raises:
        FileExistsError: `target` is a folder without a config.json, which is somebody's other work.
    """
    if target.exists() and not (target / "config.json").exists():
        raise FileExistsError(f"HFExport.path={target} exists and is no model folder; choose another path")
    draft, old = target.with_name(target.name + ".partial"), target.with_name(target.name + ".old")
    for leftover in (draft, old):
        shutil.rmtree(leftover, ignore_errors=True)
    draft.parent.mkdir(parents=True, exist_ok=True)
    try:
        policy.model.save_pretrained(draft)
        policy.encoder.processor.save_pretrained(draft)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    if target.exists():
        target.rename(old)
    draft.rename(target)
    shutil.rmtree(old, ignore_errors=True)

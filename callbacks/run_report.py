"""Writes the page of the run while it runs."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import lightning.pytorch as L
from lightning.pytorch.utilities import rank_zero_warn

from cogito_pl.files import append_jsonl

ROOT = Path(__file__).resolve().parents[1]
"""The folder that `cogito_pl` is imported from."""


class RunReport(L.Callback):
    """Writes `report.html` in the log folder after every validation and at the end, by `python -m cogito_pl.report`.

    A process of its own draws the page, so that the run neither waits for it nor fails by it: a page that cannot be
    drawn is one warning. A validation that ends while a page is being drawn starts no other; the end of the run waits
    for the last page. Put it last in `trainer.callbacks`, so that the page shows what the others leave behind.

    Also appends the command line of every start to `commands.jsonl`, for the page.
    """

    def __init__(self) -> None:
        self._drawing: subprocess.Popen | None = None
        self._warned = False
        self._folder: str | None = None

    def setup(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Notes the command line."""
        self._folder = trainer.log_dir  # every process asks: the first tells the others
        if trainer.is_global_zero and self._folder:
            time = f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %Z}"
            argv = [Path(sys.executable).name, *sys.argv]
            append_jsonl(Path(self._folder) / "commands.jsonl", {"time": time, "argv": argv})

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Starts to draw the page, unless the one before is still being drawn."""
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        if self._drawing is None or self._drawing.poll() is not None:
            self._finish()
            self._start(trainer)

    def teardown(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Draws the last page."""
        self._finish()
        self._start(trainer)
        self._finish()

    def _start(self, trainer: L.Trainer) -> None:
        if not trainer.is_global_zero or not self._folder:
            return
        for logger in trainer.loggers:
            logger.save()
        paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-m", "cogito_pl.report", self._folder]
        try:
            self._drawing = subprocess.Popen(
                command,
                env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        except OSError as error:
            self._warn(str(error))

    def _finish(self) -> None:
        """Waits for the page that is being drawn, if any."""
        if self._drawing is None:
            return
        _, errors = self._drawing.communicate()
        if self._drawing.returncode:
            self._warn((errors.strip().splitlines() or [f"exit status {self._drawing.returncode}"])[-1])
        self._drawing = None

    def _warn(self, reason: str) -> None:
        if not self._warned:
            self._warned = True
            rank_zero_warn(f"RunReport could not write report.html: {reason}")

"""Keeps the trials of a scoring on disk as they finish, and writes the scores when it is done."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import BasePredictionWriter
from rich.console import Console

from cogito_pl.data.source import Source
from cogito_pl.difficulty.report import draw_histogram, spent, summary_table
from cogito_pl.difficulty.scores import score_file, score_rows, trial_folder, write_scores
from cogito_pl.difficulty.trials import TrialStore


class DifficultyWriter(BasePredictionWriter):
    """Writes, for every source of `data.predict`, trials (one file per rank), scores (Parquet) and a histogram (PNG).

    A scoring that was killed goes on where it stopped when it is started again. Scores lie beside the data, in
    `.scores/<split>-<scorer>-<fingerprint>.parquet`; trials in a folder next to them that is found again when only
    ratios, repeats or thresholds have changed.

    Args:
        path: A .parquet file for the scores instead; trials then lie beside it under the same name, and those of
            another model, seed or mask are refused. With several sources, a folder that gets a file for each.
    """

    def __init__(self, path: str | None = None) -> None:
        super().__init__(write_interval="epoch")
        self.path = path

    def on_predict_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Opens the trials of every source."""
        sources = trainer.datamodule.predict_sources
        module.open_trials([self.places(trainer, module, source)[1] for source in sources])

    def places(self, trainer: L.Trainer, module: L.LightningModule, source: Source) -> tuple[Path, Path]:
        """The file of a source's scores and the folder of its trials."""
        if self.path is None:
            what = (source, module.scorer, module.trial_settings())
            return score_file(*what), trial_folder(*what)
        path = Path(self.path)
        if len(trainer.datamodule.predict_sources) > 1:
            path = path / f"{source.label.replace('/', '-')}.parquet"
        elif path.suffix != ".parquet":
            raise ValueError(f"DifficultyWriter.path={self.path} is no .parquet file, which one source needs")
        return path, path.with_suffix(".trials")

    def on_exception(self, trainer: L.Trainer, module: L.LightningModule, exception: BaseException) -> None:
        """Closes the files; what is in them stays."""
        for store in module.stores:
            store.close()

    def write_on_epoch_end(
        self, trainer: L.Trainer, module: L.LightningModule, predictions: Sequence[Any], batch_indices: Sequence[Any]
    ) -> None:
        """Scores all problems from the trials of all ranks, on the first rank."""
        for store in module.stores:
            store.close()
        trainer.strategy.barrier("trials are on disk")
        if not trainer.is_global_zero:
            return
        data = trainer.datamodule
        settings = {"scorer": module.scorer.settings(), "trials": module.trial_settings()}
        for source, problems in zip(data.predict_sources, data.predict_problems, strict=True):
            path, folder = self.places(trainer, module, source)
            store = TrialStore.read(folder, settings["trials"])
            asked = [(problem.id, len(problem.images)) for problem in problems]
            rows = score_rows(module.scorer, store, asked, source.label)
            write_scores(path, rows, settings)
            draw_histogram(path.with_suffix(".png"), rows, module.scorer.headline, source.label)
            console = Console()
            console.print(summary_table(rows, module.scorer.headline, source.label))
            console.print(f"{spent(rows)}\nscores: {path}\ntrials: {folder}", soft_wrap=True, highlight=False)

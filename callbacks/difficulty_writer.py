"""Keeps the trials of a scoring on disk as they finish, and writes the scores when it is done."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import BasePredictionWriter
from rich.console import Console

from cogito_pl.data.score_match import problem_digest
from cogito_pl.data.source import Source
from cogito_pl.difficulty.origin import origin
from cogito_pl.difficulty.places import score_file, trial_folder
from cogito_pl.difficulty.report import report_scores
from cogito_pl.difficulty.scores import default_strata, score_rows, stated_limits, with_strata, write_scores
from cogito_pl.difficulty.trials import TrialStore


class DifficultyWriter(BasePredictionWriter):
    """Writes, for every source of `data.predict`, trials (one file per rank), scores (Parquet) and a histogram (PNG).

    A scoring that was killed goes on where it stopped when it is started again. Scores lie beside the data, in
    `.scores/<split>-<scorer>-<model and settings>-<fingerprint>.parquet`; trials in a folder next to them that is found
    again when only ratios, repeats or thresholds have changed.

    Args:
        path: A .parquet file for the scores instead; trials then lie beside it under the same name, and those of
            another model, seed or mask are refused. With several sources, a folder that gets a file for each, by its
            name; `data.strata.file` takes that folder.
    """

    def __init__(self, path: str | None = None) -> None:
        super().__init__(write_interval="epoch")
        self.path = path

    def on_predict_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Opens the trials of every source. Raises ValueError where two sources would write to one file."""
        sources = trainer.datamodule.predict_sources
        places = [self.places(trainer, module, source) for source in sources]
        names = [str(path) for path, _ in places]
        if twice := next((name for name in names if names.count(name) > 1), None):
            several = [source.label for source, name in zip(sources, names, strict=True) if name == twice]
            raise ValueError(
                f"data.predict: the scores of the sources {several} would both be written to {twice}; give each its "
                "own `name`, and a folder as DifficultyWriter.path"
            )
        module.open_trials([folder for _, folder in places])

    def places(self, trainer: L.Trainer, module: L.LightningModule, source: Source) -> tuple[Path, Path]:
        """The file of a source's scores and the folder of its trials."""
        if self.path is None:
            model = module.policy_config.init_from or module.policy_config.name
            what = (source, module.scorer, module.trial_settings(), model)
            return score_file(*what), trial_folder(*what)
        path, several = Path(self.path), len(trainer.datamodule.predict_sources) > 1
        if several == (path.suffix == ".parquet"):
            needed = "names one file for several sources; name a folder" if several else "is no .parquet file; name one"
            raise ValueError(f"DifficultyWriter.path={self.path} {needed}")
        path = path / f"{source.label.replace('/', '-')}.parquet" if several else path
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
        data, scorer, strata = trainer.datamodule, module.scorer, default_strata(module.scorer)
        about = {"scorer": {"name": scorer.name, **scorer.settings()}, "trials": module.trial_settings()}
        for source, problems in zip(data.predict_sources, data.predict_problems, strict=True):
            path, folder = self.places(trainer, module, source)
            store = TrialStore.read(folder, about["trials"])
            rows = score_rows(scorer, store, [(p.id, len(p.images)) for p in problems], source.label)
            rows = [row | {"problem": problem_digest(p)} for row, p in zip(rows, problems, strict=True)]
            about["origin"] = origin(module.encoder, module.same_model, module.reward, source.label)
            if strata is not None:
                rows, about["strata"] = with_strata(rows, strata), stated_limits(strata)
            write_scores(path, rows, about)
            console = Console()
            report_scores(console, rows, scorer.headline, strata, about["scorer"], path)
            console.print(f"scores: {path}\ntrials: {folder}", soft_wrap=True, highlight=False)

"""Score files (Parquet): one row per problem, a pure function of the stored trials."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cogito_pl.data.source import Source
from cogito_pl.difficulty.identity import response_settings
from cogito_pl.difficulty.scorer import Scorer
from cogito_pl.difficulty.trials import TrialStore
from cogito_pl.files import atomic
from cogito_pl.seeds import digest

HIDDEN_FOLDER = ".scores"
"""Beside the data; its name is hidden, since Parquet files in a folder `scores` would be read as data."""


def fingerprint(settings: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits that change with any of the settings."""
    return digest(json.dumps(settings, sort_keys=True))[:8]


def score_file(source: Source, scorer: Scorer, trial_settings: Mapping[str, Any]) -> Path:
    """Where the scores of a source lie unless another path is set: `.scores/<split>-<scorer>-<fingerprint>.parquet`."""
    settings = {"scorer": scorer.settings(), "trials": trial_settings}
    return _beside(source, f"{scorer.name}-{fingerprint(settings)}.parquet")


def trial_folder(source: Source, scorer: Scorer, trial_settings: Mapping[str, Any]) -> Path:
    """Where the trials of a source lie: the same folder for all thresholds and verifiers, another for another model."""
    return _beside(source, f"{scorer.name}-{fingerprint(response_settings(trial_settings))}.trials")


def _beside(source: Source, name: str) -> Path:
    path = Path(source.path)
    if path.is_dir():
        part = source.split if source.subset in (None, source.split) else f"{source.subset}-{source.split}"
        return path / HIDDEN_FOLDER / f"{part}-{name}"
    return path.parent / HIDDEN_FOLDER / f"{path.stem}-{name}"


def score_rows(
    scorer: Scorer, store: TrialStore, problems: Iterable[tuple[str, int]], source: str
) -> list[dict[str, Any]]:
    """The score of every problem from the stored trials; None where they do not decide it.

    Args:
        scorer: With the thresholds to apply; they may differ from those of the run that made the trials.
        store: The trials.
        problems: Id and number of images, in the order of the rows.
        source: Name of the data source.
    """
    return [
        {"id": name, "source": source} | scorer.score(store.outcomes(name), images) | scorer.measure(store.kept(name))
        for name, images in problems
    ]


def rescore(folder: str | Path, scorer: Scorer, source: str = "") -> list[dict[str, Any]]:
    """Scores from a folder of trials alone, without data or model; problems in the order of their first trials.

    Raises:
        OtherTrialsError: The scorer hides images in another way than the trials did.
    """
    folder = Path(folder)
    found = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    store = TrialStore.read(folder, found | {"hidden": scorer.trial_settings()})
    return score_rows(scorer, store, [(name, store.images(name)) for name in store.problems], source)


def write_scores(path: Path, rows: list[dict[str, Any]], settings: Mapping[str, Any]) -> None:
    """Writes the rows, whole or not at all, with the settings in the file's metadata under `cogito_pl`."""
    table = pa.Table.from_pylist(rows).replace_schema_metadata({"cogito_pl": json.dumps(settings, sort_keys=True)})
    with atomic(path) as draft:
        pq.write_table(table, draft)

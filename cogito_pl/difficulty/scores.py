"""Score files (Parquet): one row per problem, a pure function of the stored trials."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cogito_pl.data.score_files import METADATA
from cogito_pl.data.scores import is_decided, score_of
from cogito_pl.data.strata import COLUMNS, THRESHOLDS, StrataConfig, strata
from cogito_pl.difficulty.scorer import Scorer
from cogito_pl.difficulty.trials import TrialStore
from cogito_pl.files import atomic


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


def default_strata(scorer: Scorer) -> StrataConfig | None:
    """The strata of a shipped scorer's scores; None for a scorer of one's own, whose limits nobody knows."""
    known = COLUMNS.get(scorer.name) == scorer.headline
    return StrataConfig(scorer=scorer.name, file="in memory") if known else None


def with_strata(rows: Sequence[Mapping[str, Any]], config: StrataConfig) -> list[dict[str, Any]]:
    """The rows with their stratum in the column `stratum`, None where a problem was left undecided."""
    scored = [row for row in rows if is_decided(row, config)]
    found = dict(zip(map(id, scored), strata([score_of(row, config) for row in scored], config), strict=True))
    return [{**row, "stratum": found.get(id(row))} for row in rows]


def stated_limits(config: StrataConfig) -> dict[str, Any]:
    """What a score file states about its column `stratum`, as plain values."""
    limits = None if config.quantiles else config.thresholds or THRESHOLDS[config.scorer]
    return {"scorer": config.scorer, "thresholds": limits, "quantiles": config.quantiles, "seven": config.seven}


def write_scores(path: Path, rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> None:
    """Writes the rows, whole or not at all, with what the file says about itself in its metadata (see `ScoreFile`)."""
    table = pa.Table.from_pylist(list(rows))
    with atomic(path) as draft:
        pq.write_table(table.replace_schema_metadata({METADATA: json.dumps(about, sort_keys=True)}), draft)

"""The scores of a predict run: how they are spread, and how many problems are in each stratum."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from cogito_pl.data.strata import STRATA, StrataConfig, strata
from cogito_pl.difficulty.report import counts, spent
from cogito_pl.files import whole_lines
from cogito_pl.report.charts import count_chart
from cogito_pl.report.page import Drawing, Section, Table
from cogito_pl.report.run_folder import RunFolder

HEADLINES = ("lambda_star", "rho", "pass_rate")
"""Columns of scores, by the scorers `pism`, `cmab` and `pass_rate`."""
SCORERS = dict(zip(HEADLINES, ("pism", "cmab", "pass_rate"), strict=True))


def score_section(run: RunFolder) -> Section:
    """A histogram and the strata of every score file of a run; while it runs, how many trials it has made."""
    files = score_files(run)
    drawings, tables, notes, missing = [], [], [], []
    for file in files:
        rows = pq.read_table(file).to_pylist()
        known = rows[0].keys() if rows else ()
        column = next((name for name in HEADLINES if name in known), None)
        if column is None:
            notes.append(f"{file} has no column of scores that is known here: it has {', '.join(known)}")
            continue
        pairs = dict(counts(rows, column))
        title = f"{column} of {rows[0].get('source') or file.stem}"
        caption = f"Problems by {column}; {spent(rows)}."
        svg = count_chart(pairs, f"histogram of {column}, {file.name}")
        drawings.append(Drawing(title=title, caption=caption, svg=svg))
        tables.append(stratum_table(rows, column))
        notes.append(f"Scores: {file}")
    for folder in trial_folders(run):
        made = sum(len(whole_lines(file)) for file in sorted(folder.glob("trials.rank*.jsonl")))
        notes.append(f"Trials: {made:,} in {folder}")
    if not files:
        places = ", ".join(map(str, written_to(run)[0]))
        missing.append(f"No scores are in {places} yet; callbacks.DifficultyWriter writes them when the run ends.")
    return Section(title="Scores", drawings=drawings, tables=tables, notes=notes, missing=missing)


def stratum_table(rows: list[dict[str, Any]], column: str) -> Table:
    """Problems of every stratum, by the default thresholds of the scorer."""
    scorer = SCORERS[column]
    known = [row for row in rows if row[column] is not None or row.get("solved") is False]
    scores = [None if row.get("solved") is False else row[column] for row in known]
    found = Counter(strata(scores, StrataConfig(scorer=scorer, file="scores")))
    cells = [(name, f"{found[name]:,}", f"{found[name] / len(rows):.1%}") for name in STRATA]
    if undecided := len(rows) - len(known):
        cells.append(("undecided", f"{undecided:,}", f"{undecided / len(rows):.1%}"))
    note = f"By the default thresholds of {scorer}; data.strata.thresholds sets others."
    return Table(head=("stratum", "problems", "share"), rows=cells, note=note)


def written_to(run: RunFolder) -> tuple[list[Path], bool]:
    """The paths that `callbacks.DifficultyWriter` writes scores to, and whether each of them is a folder.

    Without a path of its own they lie beside the data, where those of other runs may lie too: of each source, the
    folder `.scores` is given.
    """
    sources = run.setting("data", "predict") or []
    for callback in run.setting("trainer", "callbacks") or []:
        path = (callback.get("init_args") or {}).get("path")
        if callback["class_path"].endswith("DifficultyWriter") and path:
            return [run.found(path)], len(sources) > 1
    found = [run.found(source["path"]) for source in sources]
    return [(path if path.is_dir() else path.parent) / ".scores" for path in found], True


def score_files(run: RunFolder) -> list[Path]:
    """The score files of a run; of those beside the data, what was written since the run began."""
    paths, folders = written_to(run)
    if not folders:
        return [path for path in paths if path.exists()]
    files = [file for path in dict.fromkeys(paths) for file in sorted(path.glob("*.parquet"))]
    return [file for file in files if file.stat().st_mtime >= run.began]


def trial_folders(run: RunFolder) -> list[Path]:
    """The folders of trials of a run."""
    paths, folders = written_to(run)
    if not folders:
        return [path.with_suffix(".trials") for path in paths if path.with_suffix(".trials").exists()]
    files = [file for path in dict.fromkeys(paths) for file in sorted(path.glob("*.trials/trials.rank*.jsonl"))]
    return list(dict.fromkeys(file.parent for file in files if file.stat().st_mtime >= run.began))

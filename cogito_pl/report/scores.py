"""The scores of a predict run: how they are spread, and how many problems are in each stratum."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cogito_pl.data.score_files import ScoreFile
from cogito_pl.data.strata import STRATA, StrataConfig, stratum_ranges
from cogito_pl.difficulty.report import bins, possible_values, spent
from cogito_pl.difficulty.scores import with_strata
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
        scores = ScoreFile.of(file)
        known = scores.rows[0].keys() if scores.rows else ()
        column = next((name for name in HEADLINES if name in known), None)
        if column is None:
            notes.append(f"{file} has no column of scores that is known here: it has {', '.join(known)}")
            continue
        config = stated_strata(scores, column)
        rows = with_strata(scores.rows, config)
        shown = bins(rows, column, config, possible_values(column, scores.about.get("scorer", {})))
        pairs = {each.label: each.count for each in shown}
        title = f"{column} of {rows[0].get('source') or file.stem}"
        caption = f"Problems by {column}; {spent(rows)}."
        svg = count_chart(pairs, f"histogram of {column}, {file.name}")
        drawings.append(Drawing(title=title, caption=caption, svg=svg))
        tables.append(stratum_table(rows, config))
        notes.append(f"Scores: {file}")
    for folder in trial_folders(run):
        made = sum(len(whole_lines(file)) for file in sorted(folder.glob("trials.rank*.jsonl")))
        notes.append(f"Trials: {made:,} in {folder}")
    if not files:
        places = ", ".join(map(str, written_to(run)[0]))
        missing.append(f"No scores are in {places} yet; callbacks.DifficultyWriter writes them when the run ends.")
    return Section(title="Scores", drawings=drawings, tables=tables, notes=notes, missing=missing)


def stated_strata(file: ScoreFile, column: str) -> StrataConfig:
    """The limits that a score file states, those of the scorer by default where it states none."""
    limits = dict(file.about.get("strata") or {})
    limits.pop("scorer", None)
    for name in ("thresholds", "quantiles"):
        limits[name] = tuple(limits[name]) if limits.get(name) else None
    return StrataConfig(scorer=SCORERS[column], file=str(file.path), **limits)


def stratum_table(rows: Sequence[Mapping[str, Any]], config: StrataConfig) -> Table:
    """Problems of every stratum, and which scores are in it."""
    found, ranges = Counter(row["stratum"] for row in rows), stratum_ranges(config)
    names = [*STRATA, *([None] if found[None] else [])]
    cells = [
        (name or "undecided", f"{found[name]:,}", f"{found[name] / len(rows):.1%}", ranges.get(name, ""))
        for name in names
    ]
    note = "python -m cogito_pl.difficulty restratify counts by other limits; data.strata.thresholds trains by them."
    return Table(head=("stratum", "problems", "share", config.score_column), rows=cells, note=note)


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

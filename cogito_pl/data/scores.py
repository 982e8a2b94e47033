"""Difficulty scores from a Parquet file, and the strata they put the problems in, matched by id."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from cogito_pl.data.strata import StrataConfig, Stratum, strata
from cogito_pl.problem import Problem

UNGRADED = "no stratum"


def stratified(problems: Sequence[Problem], config: StrataConfig | None) -> list[Problem]:
    """The problems with their stratum by `config` in place of the data's own; as they are without `config`."""
    if config is None:
        return list(problems)
    strata = read_strata(config, problems)
    return [
        replace(problem, meta={**problem.meta, "stratum": stratum})
        for problem, stratum in zip(problems, strata, strict=True)
    ]


def read_strata(config: StrataConfig, problems: Sequence[Problem]) -> list[Stratum]:
    """The stratum of every problem, in their order.

    Quantiles are those of all scores in the file, so that a part of the data has the strata of the whole. Scores are
    matched by id; where several sources share an id, by the file's `source` column and the name of the source too.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: Columns or problems are missing from the file, or an id is ambiguous.
    """
    if config.file is None:
        stated = [problem.meta.get(config.score_column) for problem in problems]
        _check_complete([p for p, score in zip(problems, stated, strict=True) if score is None], problems, config)
        return strata([float(score) for score in stated], config)
    scores = read_scores(config)
    own = {(problem.source, problem.id) for problem in problems}
    shared = _repeat(name for _, name in scores) or _repeat(name for _, name in own)
    found = {
        (source if shared else "", name): stratum
        for (source, name), stratum in zip(scores, strata(list(scores.values()), config), strict=True)
    }
    keys = [(problem.source if shared else "", problem.id) for problem in problems]
    missing = [problem for problem, key in zip(problems, keys, strict=True) if key not in found]
    _check_complete(missing, problems, config)
    return [found[key] for key in keys]


def read_scores(config: StrataConfig) -> dict[tuple[str, str], float | None]:
    """Scores by source and id; None for problems that were never solved.

    A problem is unsolved where the column `solved` is false. Any other problem without a score was left undecided and
    counts as missing; with `cmab` and without a column `solved`, a problem without a score is unsolved.
    """
    path = Path(config.file)
    if not path.exists():
        raise FileNotFoundError(f"strata.file={config.file} does not exist; score the data first")
    known = pq.read_schema(path).names
    if missing := {"id", config.score_column} - set(known):
        raise ValueError(f"strata.file={config.file} lacks the columns {sorted(missing)}; it has {known}")
    optional = [name for name in ("source", "solved") if name in known]
    scores: dict[tuple[str, str], float | None] = {}
    for row in pq.read_table(path, columns=["id", config.score_column, *optional]).to_pylist():
        key, score = (row.get("source") or "", str(row["id"])), row[config.score_column]
        if key in scores:
            raise ValueError(f"strata.file={config.file} has the id {key[1]!r} twice")
        unsolved = row.get("solved", score is not None or config.scorer != "cmab") is False
        if unsolved or score is not None:
            scores[key] = None if unsolved else float(score)
    return scores


def stratum_counts(problems: Sequence[Problem]) -> dict[str, int]:
    """Problems of every stratum that occurs."""
    return dict(Counter(stratum_of(problem) for problem in problems))


def stratum_of(problem: Problem) -> str:
    """The stratum of a problem, as text."""
    return str(problem.meta.get("stratum", UNGRADED))


def _repeat(names: Iterable[str]) -> bool:
    names = list(names)
    return len(set(names)) < len(names)


def _check_complete(missing: Sequence[Problem], problems: Sequence[Problem], config: StrataConfig) -> None:
    if missing:
        where = f"strata.file={config.file}" if config.file else "their own columns"
        raise ValueError(
            f"{len(missing)} of {len(problems)} problems ({len(missing) / len(problems):.1%}) have no "
            f"{config.score_column} in {where}, such as {missing[0].id!r} of the source {missing[0].source!r}; "
            "score them, or leave them out of data.train"
        )

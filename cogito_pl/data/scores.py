"""Difficulty scores from a Parquet file, matched to problems by id. Knows nothing of how they were measured."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from cogito_pl.data.problem import Problem
from cogito_pl.data.strata import StrataConfig, Stratum, strata


def read_strata(config: StrataConfig, problems: Sequence[Problem]) -> list[Stratum]:
    """The stratum of every problem, in their order.

    Quantiles are those of all scores in the file, so that a part of the data has the strata of the whole. A `source`
    column, where the file has one, tells apart problems of one id.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: Columns or problems are missing from the file, or an id is ambiguous.
    """
    if config.file is None:
        own = [problem.meta.get(config.score_column) for problem in problems]
        _check_found(
            [problem.id for problem, score in zip(problems, own, strict=True) if score is None], problems, config
        )
        return strata([float(score) for score in own], config)
    scores, with_source = read_scores(config)
    found = dict(zip(scores, strata(list(scores.values()), config), strict=True))
    keys = [(problem.source if with_source else "", problem.id) for problem in problems]
    sources = {(problem.id, problem.source) for problem in problems}
    if not with_source and len(sources) > len({name for name, _ in sources}):
        raise ValueError(f"problems of several sources share ids, and strata.file={config.file} has no source column")
    _check_found([name for source, name in keys if (source, name) not in found], problems, config)
    return [found[key] for key in keys]


def read_scores(config: StrataConfig) -> tuple[dict[tuple[str, str], float | None], bool]:
    """Scores by source and id, None for problems that were never solved; whether the file tells sources apart.

    A problem is unsolved where a `solved` column says so or, with `cmab`, where it has no score.
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
        unsolved = row.get("solved") is False
        if score is None and not unsolved and config.scorer != "cmab":
            raise ValueError(f"strata.file={config.file} has no {config.score_column} for the id {key[1]!r}")
        scores[key] = None if unsolved or score is None else float(score)
    return scores, "source" in known


def _check_found(missing: Sequence[str], problems: Sequence[Problem], config: StrataConfig) -> None:
    if missing:
        share = len(missing) / len(problems)
        raise ValueError(
            f"{len(missing)} of {len(problems)} problems ({share:.1%}) have no {config.score_column} in "
            f"{config.file or 'their own columns'}, such as {missing[0]!r}; score them, or narrow the data"
        )

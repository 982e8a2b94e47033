"""Gives problems their strata by difficulty scores, from score files or from the data's own column."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from cogito_pl.data.score_files import ScoreFile, find_score_files
from cogito_pl.data.score_match import Row, matched
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

    Quantiles are those of all scores in the files, so that a part of the data has the strata of the whole.

    Args:
        config: Says where scores are and how they become strata.
        problems: Of any sources.

    Raises:
        FileNotFoundError: There is no such file.
        OtherScoresError: The files are of another source or of other problems, and that is not allowed.
        ValueError: Problems are missing from the files or have no score, or an id is ambiguous.
    """
    column = config.score_column
    if not config.files:
        stated = [problem.meta.get(column) for problem in problems]
        missing = [problem for problem, score in zip(problems, stated, strict=True) if score is None]
        check_complete(missing, problems, column, "their own columns")
        return strata([float(score) for score in stated], config)
    files = find_score_files(config.files, column, "data.strata.file")
    rows = matched(problems, files, allowed=config.allow_other, setting="data.strata")
    missing = [p for p, row in zip(problems, rows, strict=True) if row is None or not is_decided(row, config)]
    check_complete(missing, problems, column, f"data.strata.file={config.file}")
    scored, found = scored_strata(files, config)
    by_row = dict(zip(map(id, scored), found, strict=True))
    return [by_row[id(row)] for row in rows]


def scored_strata(files: Sequence[ScoreFile], config: StrataConfig) -> tuple[list[Row], list[Stratum]]:
    """All rows that are decided, and the stratum of each."""
    config = with_stated_limits(config, files)
    scored = [row for file in files for row in file.rows if is_decided(row, config)]
    return scored, strata([score_of(row, config) for row in scored], config)


def score_of(row: Row, config: StrataConfig) -> float | None:
    """The score of a row that is decided; None where the model never solved the problem."""
    return None if is_unsolved_row(row, config) else float(row[config.score_column])


def is_decided(row: Row, config: StrataConfig) -> bool:
    """Whether a row has a score, or is of a problem that was never solved."""
    return row[config.score_column] is not None or is_unsolved_row(row, config)


def is_unsolved_row(row: Row, config: StrataConfig) -> bool:
    """Whether the column `solved` is false; of `cmab` without that column, whether there is no score."""
    return row.get("solved", row[config.score_column] is not None or config.scorer != "cmab") is False


def with_stated_limits(config: StrataConfig, files: Iterable[ScoreFile]) -> StrataConfig:
    """The configuration with the limits that the files state, where it sets none itself.

    Raises:
        ValueError: The files state different ones.
    """
    if config.thresholds is not None or config.quantiles is not None or config.seven != "medium":
        return config
    stated = [file.about["strata"] for file in files if file.about.get("strata", {}).get("scorer") == config.scorer]
    if not stated:
        return config
    if any(other != stated[0] for other in stated):
        raise ValueError(
            f"data.strata.file={config.file} has files of different strata ({'; '.join(map(str, stated))}); set "
            "data.strata.thresholds"
        )
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in stated[0].items()}
    return replace(config, **given)


def stratum_counts(problems: Sequence[Problem]) -> dict[str, int]:
    """Problems of every stratum that occurs."""
    return dict(Counter(stratum_of(problem) for problem in problems))


def stratum_of(problem: Problem) -> str:
    """The stratum of a problem, as text."""
    return str(problem.meta.get("stratum", UNGRADED))


def check_complete(missing: Sequence[Problem], problems: Sequence[Problem], column: str, where: str) -> None:
    """Raises ValueError where problems are missing from the scores: how many, and one of them."""
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(problems)} problems ({len(missing) / len(problems):.1%}) have no {column} in "
            f"{where}, such as {missing[0].id!r} of the source {missing[0].source!r}; score them, or leave them out of "
            "data.train"
        )

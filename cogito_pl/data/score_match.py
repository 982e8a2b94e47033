"""Matches score rows to problems by source and id, and refuses those of another source or of other problems."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from cogito_pl.data.score_files import ScoreFile
from cogito_pl.data.score_origin import OtherScoresError, differences
from cogito_pl.data.strata import Aspect
from cogito_pl.problem import Problem
from cogito_pl.seeds import digest

Row = Mapping[str, Any]


def problem_digest(problem: Problem) -> str:
    """Digest of what a problem shows and expects, content of images included: the column `problem` of score files."""
    return digest(repr((problem.shown_digest(), problem.answer, problem.kind, problem.choices)))


def matched(
    problems: Sequence[Problem], files: Sequence[ScoreFile], *, allowed: Sequence[Aspect], setting: str
) -> list[Row | None]:
    """The row of every problem, by source and id; by id alone where rows have no source, or another one is allowed.

    Args:
        problems: Of any sources.
        files: The score files.
        allowed: What the scores may be of that is not the run's.
        setting: `data.strata` or `data.subset`, for messages.

    Raises:
        OtherScoresError: A source has no scores, or problems are not those that were scored (by `problem_digest`, where
            rows have it).
        ValueError: An id is ambiguous.
    """
    where = f"{setting}.file={', '.join(str(file.path) for file in files)}"
    sources = {str(row["source"]) for file in files for row in file.rows if row.get("source")}
    named = bool(sources) and "source" not in allowed
    rows = indexed(files, named, where)
    keys = [(problem.source if named else "", problem.id) for problem in problems]
    if named and (strange := sorted({problem.source for problem in problems} - sources)):
        raise OtherScoresError(
            f"{where} has scores of another source (source: {sorted(sources)} there, {strange} in data.train). Give "
            f"that source of data.train the `name` it was scored under, or allow it: {setting}.allow_other=[source]"
        )
    if len(set(keys)) < len({(problem.source, problem.id) for problem in problems}):
        raise ValueError(
            f"{where}: sources of data.train share ids, such as {Counter(keys).most_common(1)[0][0][1]!r}, and the "
            "scores are matched by id alone; add the column `source`, or take `source` out of allow_other"
        )
    found = [rows.get(key) for key in keys]
    other = [
        problem
        for problem, row in zip(problems, found, strict=True)
        if row is not None and row.get("problem") and row["problem"] != problem_digest(problem)
    ]
    if other and "data" not in allowed:
        raise OtherScoresError(
            f"{where} has scores of other data: {len(other):,} of {len(problems):,} problems have another question, "
            f"answer or image than what was scored under their ids, such as {other[0].id!r} of the source "
            f"{other[0].source!r}. Score the data that are trained on, or allow it: {setting}.allow_other=[data]"
        )
    return found


def indexed(files: Sequence[ScoreFile], named: bool, where: str) -> dict[tuple[str, str], Row]:
    """Rows by source and id, the source empty unless `named`.

    Raises:
        ValueError: A problem is in there twice; the message says how the two files differ.
    """
    found: dict[tuple[str, str], tuple[Row, ScoreFile]] = {}
    for file in files:
        for row in file.rows:
            key = (str(row["source"] or "") if named else "", str(row["id"]))
            if key in found:
                first = found[key][1]
                listed = "; ".join(differences(first.about, file.about, "settings")[:4])
                both = f"{first.path} and {file.path}" if first is not file else f"twice in {file.path}"
                raise ValueError(
                    f"{where} has the id {key[1]!r} twice: {both}{f' ({listed})' if listed else ''}; name the file "
                    "whose scores count"
                )
            found[key] = (row, file)
    return {key: row for key, (row, _) in found.items()}

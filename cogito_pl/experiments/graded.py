"""Graded completions of a validation: accuracy of a model, and comparison of two models on the same problems.

A row is a record of `callbacks.RolloutTable`; its `verdict` is "right", "wrong", or "unparsed" where no answer could be
read. Intervals are `[low, high]` at 95%.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from cogito_pl.experiments.intervals import paired_difference, wilson
from cogito_pl.files import read_jsonl

PAIRS = ("both", "won", "lost", "neither")
"""Problems that both of two models solve, that only the first solves, only the second, or none."""
GREEDY = " (greedy)"
"""Ends the name of a validation source whose completions are greedy, beside one of the same problems with samples."""
OF_EVERY_ROW = ("kind", "source")
"""What every row can be grouped by; further names are those of columns of its data."""
Samples = list[list[dict]]
"""Graded completions: a list per sample, each of the same problems in the same order."""


def read_rows(folder: Path) -> list[dict]:
    """The graded completions that a validation left in `folder`, in the order of the problems."""
    rows = [row for file in sorted(folder.glob("validation.rank*.jsonl")) for row in read_jsonl(file)]
    return sorted(rows, key=lambda row: row["draw"])  # stable: sources and samples keep their order


def read_samples(folder: Path, *, greedy: bool = False) -> Samples:
    """The samples of an evaluation, or its `greedy` completions; where it has only one of them, that for samples.

    Rows of records before there were several samples have no number: they are the first.
    """
    rows = read_rows(folder)
    kept = [row for row in rows if row.get("validation", "").endswith(GREEDY) == greedy] or ([] if greedy else rows)
    numbers = sorted({row.get("sample", 0) for row in kept})
    return [[row for row in kept if row.get("sample", 0) == number] for number in numbers]


def problem_scores(samples: Samples) -> list[float]:
    """Share of correct completions of every problem."""
    return [sum(row["verdict"] == "right" for row in rows) / len(rows) for rows in zip(*samples, strict=True)]


def group_of(row: dict, name: str) -> str:
    """The group of a row by a column; a dash where the row has no value."""
    return str(row[name] if name in OF_EVERY_ROW else row["meta"].get(name, "-"))


def check_same_problems(rows: list[dict], others: list[dict], folder: Path, other: str) -> None:
    """Raises ValueError, naming `folder`, unless `rows` grade the same problems as those of `other`, at least one."""
    if not rows or [row["id"] for row in rows] != [row["id"] for row in others]:
        raise ValueError(f"{folder} does not grade the problems that {other} was graded on")


def counted(rows: Iterable[dict]) -> Counter:
    """How often each verdict was given."""
    return Counter(row["verdict"] for row in rows)


def share(rows: list[dict]) -> float:
    """Share of correct answers; 0 of none."""
    return counted(rows)["right"] / max(1, len(rows))


def interval(rows: list[dict]) -> list[float]:
    """Interval of the share of correct answers (Wilson)."""
    return list(wilson(counted(rows)["right"], len(rows)))


def grouped(rows: list[dict], keys: list[str]) -> dict[str, list[dict]]:
    """The rows of each key; numbers in their order, words in the order of their first row."""
    order = sorted(set(keys), key=lambda key: (int(key) if key.isdigit() else 0, keys.index(key)))
    return {key: [row for row, own in zip(rows, keys, strict=True) if own == key] for key in order}


def paired(rows: list[dict], others: list[dict]) -> dict[str, int]:
    """Counts of `PAIRS` of two models on the same problems in the same order."""
    pairs = Counter(
        (one["verdict"] == "right", other["verdict"] == "right") for one, other in zip(rows, others, strict=True)
    )
    outcomes = ((True, True), (True, False), (False, True), (False, False))
    return {name: pairs[outcome] for name, outcome in zip(PAIRS, outcomes, strict=True)}


def difference(rows: list[dict], others: list[dict]) -> dict:
    """Accuracy of `rows` minus that of `others` with its interval (Newcombe), and problems won and lost."""
    pairs = paired(rows, others)
    estimate, *ends = paired_difference(*pairs.values())
    return {"estimate": estimate, "ci": ends, "won": pairs["won"], "lost": pairs["lost"]}

"""Scores to look at: a table for the terminal and a histogram. Knows rows of scores; nothing of trials or models."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from rich.table import Table


def counts(rows: Sequence[dict[str, Any]], column: str) -> list[tuple[str, int]]:
    """How often each value of `column` occurs, in rising order, undecided rows last."""
    found = Counter(row[column] for row in rows)
    known = sorted(value for value in found if value is not None)
    undecided = [("undecided", found[None])] if None in found else []
    return [(f"{value:g}", found[value]) for value in known] + undecided


def summary_table(rows: Sequence[dict[str, Any]], column: str, title: str) -> Table:
    """Problems and their share by the value of `column`."""
    table = Table("value", "problems", "share", title=f"{title}: {column}", caption=spent(rows))
    for value, count in counts(rows, column):
        table.add_row(value, f"{count:,}", f"{count / len(rows):.1%}")
    for place in (1, 2):
        table.columns[place].justify = "right"
    return table


def spent(rows: Sequence[dict[str, Any]]) -> str:
    """How many trials the scores rest on."""
    trials = sum(sum(row["n_done"]) if isinstance(row["n_done"], list) else row["n_done"] for row in rows)
    return f"{len(rows):,} problems, {trials / len(rows):.1f} trials each"


def draw_histogram(path: Path, rows: Sequence[dict[str, Any]], column: str, title: str) -> None:
    """Draws the table of `summary_table` as bars."""
    pairs = counts(rows, column)
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    bars = axes.bar([value for value, _ in pairs], [count for _, count in pairs], color="#4878a8")
    axes.bar_label(bars)
    axes.set(xlabel=column, ylabel="problems", title=title)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)

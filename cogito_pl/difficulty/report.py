"""Shows scores: a table for the terminal and a histogram."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from rich.table import Table

MOST_VALUES = 12
"""More values than these are shown as ranges."""
EDGES = tuple(step * 10.0**power for power in range(-1, 3) for step in (1, 2, 5))


def counts(rows: Sequence[dict[str, Any]], column: str) -> list[tuple[str, int]]:
    """How often each value of `column` occurs, in ascending order; ranges of 1, 2, 5, 10, ... where values are many.

    Rows without a value come last: those of problems that were never solved, and those left undecided.
    """
    values = [row[column] for row in rows if row[column] is not None]
    unsolved = sum(row[column] is None and row.get("solved") is False for row in rows)
    without = [("unsolved", unsolved), ("undecided", len(rows) - len(values) - unsolved)]
    if len(set(values)) <= MOST_VALUES:
        known = [(f"{value:g}", count) for value, count in sorted(Counter(values).items())]
    else:
        ranges = Counter(bisect_right(EDGES, value) for value in values)
        known = [(_range(place), ranges[place]) for place in range(min(ranges), max(ranges) + 1)]
    return known + [pair for pair in without if pair[1]]


def _range(place: int) -> str:
    below, above = EDGES[:place][-1:], EDGES[place:][:1]
    return (
        f"{below[0]:g} to {above[0]:g}" if below and above else f"under {above[0]:g}" if above else f"{below[0]:g} up"
    )


def summary_table(rows: Sequence[dict[str, Any]], column: str, title: str) -> Table:
    """Problems and their share by the value of `column`."""
    table = Table("value", "problems", "share", title=f"{title}: {column}")
    for value, count in counts(rows, column):
        table.add_row(value, f"{count:,}", f"{count / len(rows):.1%}")
    for place in (1, 2):
        table.columns[place].justify = "right"
    return table


def spent(rows: Sequence[dict[str, Any]]) -> str:
    """How many problems were scored, and by how many trials where the scorer counts them (`n_done`)."""
    if "n_done" not in rows[0]:
        return f"{len(rows):,} problems"
    trials = sum(sum(row["n_done"]) if isinstance(row["n_done"], list) else row["n_done"] for row in rows)
    return f"{len(rows):,} problems, {trials / len(rows):.1f} trials each"


def draw_histogram(path: Path, rows: Sequence[dict[str, Any]], column: str, title: str) -> None:
    """Draws the table of `summary_table` as bars."""
    pairs = counts(rows, column)
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    bars = axes.bar([value for value, _ in pairs], [count for _, count in pairs], color="#4878a8")
    axes.bar_label(bars)
    if any(" to " in value for value, _ in pairs):
        axes.tick_params("x", rotation=30)
    axes.set(xlabel=column, ylabel="problems", title=title)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)

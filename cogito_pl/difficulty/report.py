"""Shows scores: tables of strata and of values for the terminal, and a histogram."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from cogito_pl.data.strata import STRATA, THRESHOLDS, StrataConfig, strata, stratum_ranges

MOST_VALUES = 12
"""More values than these are shown as ranges."""
EDGES = tuple(step * 10.0**power for power in range(-1, 3) for step in (1, 2, 5))
COLOURS = {"easy": "#5aa469", "medium": "#4878a8", "hard": "#d98b3a", "unsolved": "#a04747"}
UNKNOWN = "#8c8c8c"
Rows = Sequence[Mapping[str, Any]]


class Bin(NamedTuple):
    """A value or a range of values: the rows in it, and the strata that they are in."""

    label: str
    count: int
    strata: str


def bins(rows: Rows, column: str, config: StrataConfig | None = None, values: Sequence[float] = ()) -> list[Bin]:
    """The rows by the value of `column`, in ascending order; by ranges where values are many.

    Ranges end at 1, 2, 5, 10, ... and at every limit of a stratum, so that none lies in two strata. Rows without a
    value come last: those of problems that were never solved, and those left undecided.

    Args:
        rows: The scores, with a column `stratum` if there are strata.
        column: Of the score.
        config: Limits of the strata; its quantiles, which follow the data, add no edge.
        values: Values that are shown even where no row has them, if they are few.
    """
    with_value = [row for row in rows if row[column] is not None]
    found = sorted({float(row[column]) for row in with_value} | set(values))
    bands = band_edges(config)
    usual = [edge for edge in EDGES if not any(math.isclose(edge, band) for band in bands)]
    edges = None if len(found) <= MOST_VALUES else sorted([*usual, *bands])
    place = found.index if edges is None else lambda value: bisect_right(edges, value)
    groups: dict[int, list[Mapping[str, Any]]] = {}
    for row in with_value:
        groups.setdefault(place(float(row[column])), []).append(row)
    places = range(len(found)) if edges is None else range(min(groups), max(groups) + 1)
    label = (lambda p: f"{found[p]:g}") if edges is None else (lambda p: _range(edges, p))
    without = {
        "unsolved": [row for row in rows if row[column] is None and row.get("solved") is False],
        "undecided": [row for row in rows if row[column] is None and row.get("solved") is not False],
    }
    shown = [_bin(label(p), groups.get(p, [])) for p in places]
    return shown + [_bin(name, group) for name, group in without.items() if group]


def counts(rows: Rows, column: str, config: StrataConfig | None = None) -> list[tuple[str, int]]:
    """Labels and counts of `bins`."""
    return [(each.label, each.count) for each in bins(rows, column, config)]


def band_edges(config: StrataConfig | None) -> list[float]:
    """Edges that separate the strata exactly: each limit, or the next number where the limit belongs below."""
    if config is None or config.quantiles is not None:
        return []
    limits = config.thresholds or THRESHOLDS[config.scorer]
    return [
        limit if strata([limit], config) != strata([math.nextafter(limit, -1)], config) else math.nextafter(limit, 9e9)
        for limit in limits
    ]


def possible_values(column: str, settings: Mapping[str, Any]) -> list[float]:
    """The values that a score can have by the settings of its scorer; none where they are not known."""
    if column == "lambda_star" and "ratios" in settings:
        return [*settings["ratios"], math.inf]
    if column == "pass_rate" and "repeats" in settings:
        return [correct / settings["repeats"] for correct in range(settings["repeats"] + 1)]
    return []


def value_table(shown: Sequence[Bin], column: str, title: str) -> Table:
    """Problems, their share and their stratum by the value of `column`."""
    total = sum(each.count for each in shown)
    table = _table(column, "problems", "share", "stratum", title=title)
    for each in shown:
        table.add_row(each.label, f"{each.count:,}", f"{each.count / max(1, total):.1%}", each.strata)
    return table


def stratum_table(rows: Rows, config: StrataConfig, title: str, before: Rows | None = None) -> Table:
    """Problems and their share by stratum, empty ones too; with `before`, also their number by other limits."""
    ranges = stratum_ranges(config)
    found = Counter(row["stratum"] for row in rows)
    old = Counter(row.get("stratum") for row in before or ())
    table = _table("stratum", "problems", "share", *(["before"] if before else []), config.score_column, title=title)
    for name in [*STRATA, *([None] if found[None] else [])]:
        cells = [name or "undecided", f"{found[name]:,}", f"{found[name] / len(rows):.1%}"]
        table.add_row(*cells, *([f"{old[name]:,}"] if before else []), ranges.get(name, "needs more trials"))
    return table


def spent(rows: Rows) -> str:
    """How many problems were scored, and by how many trials where the scorer counts them (`n_done`)."""
    if "n_done" not in rows[0]:
        return f"{len(rows):,} problems"
    trials = sum(sum(row["n_done"]) if isinstance(row["n_done"], list) else row["n_done"] for row in rows)
    return f"{len(rows):,} problems, {trials / len(rows):.1f} trials each"


def report_scores(
    console: Console,
    rows: Rows,
    column: str,
    config: StrataConfig | None,
    settings: Mapping[str, Any],
    path: Path | None,
    before: Rows | None = None,
) -> None:
    """Prints the tables of a score file, and draws its histogram beside it if it has been written.

    Args:
        console: Prints.
        rows: The scores, with a column `stratum` if there are strata.
        column: Of the score.
        config: Of the strata.
        settings: Of the scorer, see `possible_values`.
        path: The score file, if there is one; its histogram has the same name.
        before: The rows with their strata by other limits, to compare.
    """
    title = f"{rows[0]['source']}: {column}"
    shown = bins(rows, column, config, possible_values(column, settings))
    if config is not None:
        console.print(stratum_table(rows, config, title, before))
    console.print(value_table(shown, column, title))
    console.print(spent(rows), highlight=False)
    if path is not None:
        draw_histogram(path.with_suffix(".png"), shown, column, title)


def draw_histogram(path: Path, shown: Sequence[Bin], column: str, title: str) -> None:
    """Draws the table of `value_table` as bars in the colours of the strata."""
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    colours = [COLOURS.get(each.strata, UNKNOWN) for each in shown]
    bars = axes.bar([each.label for each in shown], [each.count for each in shown], color=colours)
    axes.bar_label(bars)
    for name in [name for name in COLOURS if any(each.strata == name for each in shown)]:
        axes.bar([shown[0].label], [0], color=COLOURS[name], label=name)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=8, frameon=False)
    if any(" to " in each.label for each in shown):
        axes.tick_params("x", rotation=30)
    axes.set(xlabel=column, ylabel="problems", title=title)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def _bin(label: str, rows: Rows) -> Bin:
    named = {row.get("stratum") for row in rows}
    return Bin(label, len(rows), ", ".join(name for name in STRATA if name in named))


def _range(edges: Sequence[float], place: int) -> str:
    below, above = edges[:place][-1:], edges[place:][:1]
    if below and above:
        return f"{below[0]:g} to {above[0]:g}"
    return f"under {above[0]:g}" if above else f"{below[0]:g} up"


def _table(first: str, *others: str, title: str) -> Table:
    table = Table(first, *others, title=title)
    for column in table.columns[1:]:
        column.justify = "right" if column.header in ("problems", "share", "before") else "left"
    return table

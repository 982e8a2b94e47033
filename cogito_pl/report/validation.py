"""Validation: accuracy over the run, and that of the newest validation by kind, source and columns of `meta`."""

from collections.abc import Sequence
from typing import Any

from cogito_pl.experiments.graded import grouped, interval, share
from cogito_pl.report.charts import VERMILION, Bar, Line, bar_chart, line_chart
from cogito_pl.report.curriculum import phases_of
from cogito_pl.report.page import Drawing, Section, Table
from cogito_pl.report.run_folder import RunFolder
from cogito_pl.report.training import several

MOST_GROUPS = 12
"""Columns of `meta` with more values than these are no groups."""
RECORDER = "Accuracy by kind, source and meta needs every completion; callbacks.RolloutTable records them."


def validation_section(run: RunFolder, rows: Sequence[dict[str, Any]]) -> Section:
    """Accuracy over the run, and by groups of the newest validation.

    Args:
        run: The run.
        rows: Its recorded completions, oldest first.
    """
    drawings, phases = [], phases_of(run)
    curves = {name: curve for name, curve in run.curves.items() if name.startswith("val/")}
    accuracy = {
        name.removeprefix("val/").removesuffix("accuracy").rstrip("/"): curve
        for name, curve in curves.items()
        if name.endswith("/accuracy")
    }
    if accuracy and (run.command == "fit"):
        lines = [Line(points=curve, colour=VERMILION, marked=True) for name, curve in accuracy.items() if not name]
        svg = line_chart(lines, "validation accuracy over optimiser steps", percent=True, phases=phases)
        drawings.append(Drawing(title="Validation accuracy", caption="Share of correct answers.", svg=svg))
        if sources := {name: curve for name, curve in accuracy.items() if name}:
            drawings.append(several("By source", "Share of correct answers.", sources, phases, percent=True))
        if "val/length_tokens" in curves:
            lines = [Line(points=curves["val/length_tokens"], colour=VERMILION, marked=True)]
            svg = line_chart(lines, "length of validation answers over optimiser steps", phases=phases)
            drawings.append(Drawing(title="Length of validation answers", caption="Tokens, mean.", svg=svg))
    newest = newest_validation(rows)
    missing = [] if newest else [RECORDER if curves else f"No validation is recorded yet. {RECORDER}"]
    tables = [group_table(name, groups) for name, groups in groups_of(newest).items()]
    if newest:
        drawings += [
            Drawing(title=f"Accuracy by {name}", caption="Newest validation; whiskers: 95%.", svg=chart(name, groups))
            for name, groups in groups_of(newest).items()
            if name != "all" and len(groups) > 1
        ]
    intro = f"The newest validation is of step {newest[0]['step']:,}. Intervals are 95% (Wilson)." if newest else ""
    return Section(title="Validation", intro=intro, drawings=drawings, tables=tables, missing=missing)


def newest_validation(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The graded completions of the last validation."""
    graded = [row for row in rows if row["set"] == "validation"]
    last = max((row["step"] for row in graded), default=0)
    return [row for row in graded if row["step"] == last]


def groups_of(rows: list[dict[str, Any]]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """All rows, then the rows by source, kind and those columns of `meta` that have few values."""
    if not rows:
        return {}
    found = {"all": {"all": rows}}
    columns = {"source": [row.get("validation", row["source"]) for row in rows], "kind": [row["kind"] for row in rows]}
    for name in dict.fromkeys(name for row in rows for name in row["meta"]):
        columns[name] = [str(row["meta"].get(name, "(none)")) for row in rows]
    for name, keys in columns.items():
        if 1 < len(set(keys)) <= MOST_GROUPS:
            found[name] = grouped(rows, keys)
    return found


def group_table(name: str, groups: dict[str, list[dict[str, Any]]]) -> Table:
    """Number, accuracy with its interval, unparsed answers and mean length of each group."""
    cells = [
        (
            key,
            f"{len(own):,}",
            f"{share(own):.1%}",
            "[{:.1%}, {:.1%}]".format(*interval(own)),
            f"{sum(row['verdict'] == 'unparsed' for row in own):,}",
            f"{sum(row['tokens'] for row in own) / len(own):.1f}",
        )
        for key, own in groups.items()
    ]
    return Table(head=(name, "n", "accuracy", "interval", "unparsed", "tokens"), rows=cells)


def chart(name: str, groups: dict[str, list[dict[str, Any]]]) -> Any:
    """Accuracy of each group with its interval."""
    bars = {}
    for key, own in groups.items():
        low, high = interval(own)
        bars[key] = {"accuracy": Bar(value=share(own), low=low, high=high)}
    return bar_chart(bars, {"accuracy": VERMILION}, f"accuracy by {name}")

"""Charts as SVG text: lines over optimiser steps, and bars with intervals. Drawn by matplotlib.

Text stays text, so that a chart is sharp on a screen and on paper and can be searched.
"""

import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

SIZE = (4.9, 2.35)
"""Inches."""
GREY, BLUE, VERMILION = "#8a9199", "#0072b2", "#d55e00"
COLOURS = (VERMILION, BLUE, "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", GREY, "#22262b")
"""Colours that can be told apart with every kind of colour vision and by their lightness (Okabe and Ito)."""
BANDS = ("#eef4f8", "#fbf2ec")
STYLE = {
    "svg.fonttype": "none",
    "font.size": 9,
    "font.family": "sans-serif",
    "axes.edgecolor": "#c4cad0",
    "axes.labelcolor": "#5d6670",
    "axes.linewidth": 0.8,
    "xtick.color": "#5d6670",
    "ytick.color": "#5d6670",
    "grid.color": "#e6e9ec",
    "grid.linewidth": 0.8,
    "text.color": "#5d6670",
}
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


@dataclass(frozen=True, kw_only=True)
class Line:
    """One curve.

    Args:
        points: Pairs of x and y, by x.
        colour: CSS colour.
        name: In the legend; nothing when empty.
        faint: Thin and pale, for raw values behind their mean.
        marked: A dot at every point.
    """

    points: Sequence[tuple[float, float]]
    colour: str
    name: str = ""
    faint: bool = False
    marked: bool = False


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A share with its interval, all 0 to 1."""

    value: float
    low: float
    high: float


def line_chart(
    lines: Sequence[Line],
    label: str,
    *,
    percent: bool = False,
    phases: Sequence[tuple[str, float, float]] = (),
) -> Markup:
    """Curves over optimiser steps, the y axis from zero.

    Args:
        lines: The curves; values that are not finite are gaps. Without any point, the chart says "not recorded".
        label: What is shown, for screen readers.
        percent: Whether y is a share, shown in percent.
        phases: Name, first and last x of the intervals to mark behind the curves.
    """
    values = [y for line in lines for _, y in line.points if math.isfinite(y)]
    with drawn(label) as (axes, result):
        if not values:
            axes.text(0.5, 0.5, "not recorded", ha="center", va="center", transform=axes.transAxes)
            axes.set_axis_off()
            return result()
        for line in lines:
            draw_line(axes, line)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        if min(values) >= 0:
            axes.set_ylim(bottom=0.0, top=None if max(values) else 1.0)
        end = max([x for line in lines for x, _ in line.points] + [last for *_, last in phases])
        axes.set_xlim(0, end or 1)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("optimiser steps", fontsize=8, loc="right")
        if percent:
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        for index, (name, first, last) in enumerate(phases):
            axes.axvspan(first, last, color=BANDS[index % 2], linewidth=0, zorder=0)
            axes.text(
                (first + last) / 2, 1.02, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom", size=8
            )
        if named := sum(bool(line.name) for line in lines):
            columns = min(6, named)
            above = 1.09 if phases else 1.0
            axes.legend(
                loc="lower left", bbox_to_anchor=(-0.02, above), ncols=columns, frameon=False, fontsize=8,
                handlelength=1.2, columnspacing=1.2, borderaxespad=0.1,
            )  # fmt: skip
        return result()


def draw_line(axes: Axes, line: Line) -> None:
    """Adds a curve."""
    points = [(x, y if math.isfinite(y) else math.nan) for x, y in line.points]
    if not points:
        return
    look = {"linewidth": 0.8, "alpha": 0.35} if line.faint else {"linewidth": 1.6}
    marker = "o" if line.marked or len(points) == 1 else None
    xs, ys = zip(*points, strict=True)
    axes.plot(xs, ys, color=line.colour, marker=marker, markersize=4, label=line.name or None, **look)


def bar_chart(groups: Mapping[str, Mapping[str, Bar]], colours: Mapping[str, str], label: str) -> Markup:
    """Groups of bars with whiskers from `low` to `high`, on an axis from 0 to 100%.

    Args:
        groups: Per group and series, the bar.
        colours: CSS colour of every series, which also gives the order in a group.
        label: What is shown, for screen readers.
    """
    with drawn(label) as (axes, result):
        width = 0.76 / len(colours)
        for index, (series, colour) in enumerate(colours.items()):
            bars = [(place, own[series]) for place, own in enumerate(groups.values()) if series in own]
            xs = [place + (index + 0.5 - len(colours) / 2) * width for place, _ in bars]
            heights = [bar.value for _, bar in bars]
            spread = [[max(0.0, b.value - b.low) for _, b in bars], [max(0.0, b.high - b.value) for _, b in bars]]
            axes.bar(xs, heights, width * 0.92, color=colour, zorder=2)
            whiskers = {"ecolor": "#22262b", "elinewidth": 1, "capsize": 2.5, "fmt": "none", "zorder": 3}
            axes.errorbar(xs, heights, yerr=spread, **whiskers)
        name_groups(axes, list(groups))
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        return result()


def count_chart(counts: Mapping[str, float], label: str, colour: str = BLUE) -> Markup:
    """A histogram: a bar with its number for every value."""
    with drawn(label) as (axes, result):
        bars = axes.bar(range(len(counts)), list(counts.values()), 0.8, color=colour, zorder=2)
        axes.bar_label(bars, [f"{value:,.0f}" for value in counts.values()], fontsize=8, padding=2)
        name_groups(axes, list(counts))
        axes.margins(y=0.14)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        return result()


def name_groups(axes: Axes, names: Sequence[str]) -> None:
    """Labels the places of the x axis, slanted where they would overlap."""
    crowded = sum(len(name) + 2 for name in names) > 62
    slant = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    axes.set_xticks(range(len(names)), names, **slant)
    axes.tick_params(axis="x", length=0)


@contextmanager
def drawn(label: str) -> Iterator[tuple[Axes, Callable[[], Markup]]]:
    """Yields axes in the house style, and what makes an SVG of them."""
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": label}):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y")
        axes.set_axisbelow(True)

        def result() -> Markup:
            buffer = io.StringIO()
            figure.savefig(buffer, format="svg", transparent=True, metadata=NO_METADATA)
            return inline(buffer.getvalue(), label)

        yield axes, result


def inline(svg: str, label: str) -> Markup:
    """An SVG file as an element of a page: without its header, its names for parts and its size in points."""
    body = svg[svg.index("<svg") :]
    box = re.search(r'viewBox="[^"]*"', body).group()
    body = body[body.index(">") + 1 :]
    body = re.sub(r' id="[A-Za-z0-9.]+_\d+"|<!--.*?-->\n?', "", body, flags=re.DOTALL)
    body = re.sub(r"\n\s*", " ", body)
    return Markup(f'<svg {box} role="img" aria-label="{escape(label)}">{body}')

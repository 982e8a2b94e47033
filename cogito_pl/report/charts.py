"""Charts as SVG text: lines over optimiser steps, and grouped bars with intervals.

Text stays text, so that a chart is sharp on a screen and on paper and can be searched.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 480, 54, 12, 12, 36
GREY, BLUE, VERMILION = "#8a9199", "#0072b2", "#d55e00"
"""Colours that can be told apart with every kind of colour vision and by their lightness (Okabe and Ito)."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One curve.

    Args:
        points: Pairs of x and y, by x.
        colour: CSS colour.
        name: Shown beside its last point; nothing when empty.
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


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """About `count` round numbers that enclose `low` and `high`."""
    span = (high - low) or abs(high) or 1.0
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, max(last, first + 1) + 1)]


def line_chart(
    lines: Sequence[Line],
    label: str,
    *,
    percent: bool = False,
    phases: Sequence[tuple[str, float, float]] = (),
    height: int = 230,
) -> str:
    """Curves over optimiser steps, the y axis from zero.

    Args:
        lines: The curves; without any point, the chart says "not recorded".
        label: What is shown, for screen readers.
        percent: Whether y is a share, shown in percent.
        phases: Name, first and last x of the intervals to mark behind the curves.
        height: Of the drawing, in its own units; the width is 480.
    """
    points = [point for line in lines for point in line.points if math.isfinite(point[1])]
    if not points:
        return _svg(height, label, [f'<text x="{WIDTH / 2}" y="{height / 2}" text-anchor="middle">not recorded</text>'])
    ys = ticks(min(0.0, *(y for _, y in points)), max(y for _, y in points))
    xs = ticks(0.0, max([x for x, _ in points] + [end for *_, end in phases]))
    frame = _Frame(xs[0], max([x for x, _ in points] + [end for *_, end in phases]), ys[0], ys[-1], height)
    body = [
        f'<rect x="{frame.x(start):.1f}" y="{TOP}" width="{frame.x(end) - frame.x(start):.1f}" '
        f'height="{height - TOP - BOTTOM}" class="band{index % 2}"/>'
        f'<text x="{(frame.x(start) + frame.x(end)) / 2:.1f}" y="{TOP + 12}" text-anchor="middle" class="phase">'
        f"{escape(name)}</text>"
        for index, (name, start, end) in enumerate(phases)
    ]
    body += _y_axis(frame, ys, percent)
    body += [
        f'<text x="{frame.x(x):.1f}" y="{height - BOTTOM + 15}" text-anchor="middle">{x:g}</text>'
        for x in xs
        if x <= frame.x1
    ]
    body.append(f'<text x="{WIDTH - RIGHT}" y="{height - 4}" text-anchor="end" class="axis">optimiser steps</text>')
    for line in lines:
        body += _line(frame, line)
    return _svg(height, label, body)


def bar_chart(groups: dict[str, dict[str, Bar]], colours: dict[str, str], label: str, *, height: int = 230) -> str:
    """Groups of bars with whiskers from `low` to `high`, on an axis from 0 to 100%.

    Args:
        groups: Per group and series, the bar.
        colours: CSS colour of every series, which also gives the order in a group.
        label: What is shown, for screen readers.
        height: Of the drawing, in its own units; the width is 480.
    """
    frame = _Frame(0, max(1, len(groups)), 0.0, 1.0, height)
    body = _y_axis(frame, [0, 0.25, 0.5, 0.75, 1.0], True)
    width = (frame.x(1) - frame.x(0)) * 0.76 / len(colours)
    for place, (group, bars) in enumerate(groups.items()):
        centre = frame.x(place + 0.5)
        body.append(f'<text x="{centre:.1f}" y="{height - BOTTOM + 16}" text-anchor="middle">{escape(group)}</text>')
        for index, (series, colour) in enumerate(colours.items()):
            bar = bars[series]
            x = centre + (index - len(colours) / 2) * width
            middle, top = x + width / 2, frame.y(bar.value)
            body.append(
                f'<rect x="{x + 1:.1f}" y="{top:.1f}" width="{width - 2:.1f}" height="{frame.y(0) - top:.1f}" '
                f'fill="{colour}"><title>{escape(series)}, {escape(group)}: {bar.value:.1%} '
                f"[{bar.low:.1%}, {bar.high:.1%}]</title></rect>"
                f'<path d="M{middle:.1f} {frame.y(bar.low):.1f}V{frame.y(bar.high):.1f}M{middle - 3:.1f} '
                f'{frame.y(bar.low):.1f}h6M{middle - 3:.1f} {frame.y(bar.high):.1f}h6" class="whisker"/>'
            )
    return _svg(height, label, body)


@dataclass(frozen=True)
class _Frame:
    """The plot area, from data to drawing units."""

    x0: float
    x1: float
    y0: float
    y1: float
    height: int

    def x(self, value: float) -> float:
        return LEFT + (value - self.x0) / ((self.x1 - self.x0) or 1) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        inner = self.height - TOP - BOTTOM
        return TOP + inner - (value - self.y0) / ((self.y1 - self.y0) or 1) * inner


def _y_axis(frame: _Frame, values: Sequence[float], percent: bool) -> list[str]:
    return [
        f'<path d="M{LEFT} {frame.y(value):.1f}H{WIDTH - RIGHT}" class="grid"/>'
        f'<text x="{LEFT - 6}" y="{frame.y(value) + 4:.1f}" text-anchor="end">{_number(value, percent)}</text>'
        for value in values
    ]


def _number(value: float, percent: bool) -> str:
    return f"{100 * value:.4g}%" if percent else f"{value:g}"


def _line(frame: _Frame, line: Line) -> list[str]:
    points = [(frame.x(x), frame.y(y)) for x, y in line.points if math.isfinite(y)]
    if not points:
        return []
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    style = 'stroke-width="1" stroke-opacity="0.35"' if line.faint else 'stroke-width="2"'
    body = [f'<path d="{path}" fill="none" stroke="{line.colour}" {style} stroke-linejoin="round"/>']
    if line.marked:
        body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{line.colour}"/>' for x, y in points]
    if line.name:
        x, y = points[-1]
        body.append(f'<text x="{x - 4:.1f}" y="{y - 8:.1f}" text-anchor="end" class="name">{escape(line.name)}</text>')
    return body


def _svg(height: int, label: str, body: list[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">{"".join(body)}</svg>'

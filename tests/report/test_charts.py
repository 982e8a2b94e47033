"""Charts as SVG: ticks, bars and lines."""

import re

import pytest

from cogito_pl.report.charts import Bar, Line, bar_chart, line_chart, ticks


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 0.0073), (0, 217), (-3, 4), (0, 0), (5, 5)])
def test_ticks_are_few_and_enclose_the_data(low, high):
    marks = ticks(low, high)
    assert marks[0] <= low
    assert marks[-1] >= high
    assert 2 <= len(marks) <= 7


def test_a_higher_share_has_a_higher_bar_and_whiskers_around_its_top():
    bars = {"a": {"m": Bar(value=0.25, low=0.1, high=0.5)}, "b": {"m": Bar(value=0.75, low=0.6, high=0.9)}}
    drawing = bar_chart(bars, {"m": "#000"}, "shares")
    tops = [float(top) for top in re.findall(r'<rect x="[^"]+" y="([^"]+)"', drawing)]
    assert tops[1] < tops[0]
    low, high = (float(end) for end in re.findall(r'd="M[\d.]+ ([\d.]+)V([\d.]+)', drawing)[0])
    assert high < tops[0] < low


def test_values_that_are_not_numbers_leave_a_gap_and_no_error():
    drawing = line_chart([Line(points=[(0, 1.0), (1, float("nan")), (2, float("inf")), (3, 2.0)], colour="#000")], "x")
    assert "nan" not in drawing
    assert "inf" not in drawing

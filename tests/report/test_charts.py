"""Charts as SVG: what is drawn, where, and that it is an element of a page."""

import re

import pytest

from cogito_pl.report.charts import Bar, Line, bar_chart, count_chart, line_chart


def bars_of(drawing):
    """Top and bottom of every bar that stands on the axis, in the units of the drawing."""
    paths = re.findall(r'<path d="M ([^"]*?) z ?" (?:clip-path="[^"]*" )?style="fill: #d55e00"', drawing)
    heights = [[float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", path)] for path in paths]
    return [(min(ys), max(ys)) for ys in heights]


def test_a_higher_share_has_a_higher_bar():
    bars = {"a": {"m": Bar(value=0.25, low=0.1, high=0.5)}, "b": {"m": Bar(value=0.75, low=0.6, high=0.9)}}
    drawing = bar_chart(bars, {"m": "#d55e00"}, "shares")
    (low_top, bottom), (high_top, other) = bars_of(drawing)
    assert bottom == other
    assert (bottom - high_top) / (bottom - low_top) == pytest.approx(3, rel=1e-3)
    for text in (">a<", ">b<", "100%"):
        assert text in drawing


def test_an_interval_that_ends_at_its_share_is_no_error():
    assert "<svg" in bar_chart({"a": {"m": Bar(value=1.0, low=0.8, high=1.0 - 1e-12)}}, {"m": "#000"}, "x")


def test_values_that_are_not_numbers_leave_a_gap_and_no_error():
    drawing = line_chart([Line(points=[(0, 1.0), (1, float("nan")), (2, float("inf")), (3, 2.0)], colour="#000")], "x")
    assert "nan" not in drawing
    assert "inf" not in drawing
    assert "not recorded" in line_chart([Line(points=[(0, float("nan"))], colour="#000")], "x")


def test_a_chart_without_a_point_says_so():
    assert "not recorded" in line_chart([], "x")
    assert "not recorded" in line_chart([Line(points=[], colour="#000")], "x", phases=[("a", 0, 2)])


def test_text_in_a_chart_is_text_and_escaped():
    drawing = line_chart(
        [Line(points=[(0, 1), (5, 2)], colour="#000", name="<i>name")], '<b> "x"', phases=[("<s>", 0, 5)]
    )
    assert "<i>" not in drawing
    assert "<s>" not in drawing
    assert "&lt;i&gt;name" in drawing
    assert "&lt;s&gt;" in drawing
    assert 'aria-label="&lt;b&gt; &quot;x&quot;"' in drawing


def test_a_chart_is_an_element_that_refers_to_itself_only():
    drawing = line_chart([Line(points=[(0, 1), (5, 2)], colour="#000", marked=True)], "x", percent=True)
    assert drawing.startswith("<svg viewBox=")
    assert drawing.rstrip().endswith("</svg>")
    assert "http" not in drawing
    assert re.findall(r'href="(?!#)', drawing) == []
    assert re.findall(r'id="[a-z]+_\d', drawing) == []


def test_stages_are_bands_with_their_names():
    drawing = line_chart([Line(points=[(0, 1), (5, 2)], colour="#000")], "x", phases=[("easy", 0, 3), ("hard", 3, 6)])
    assert drawing.count("#eef4f8") == drawing.count("#fbf2ec") == 1
    assert drawing.count(">easy<") == drawing.count(">hard<") == 1


def test_a_histogram_shows_every_count():
    drawing = count_chart({"0.1": 3, "unsolved": 1200}, "x")
    for text in (">3<", ">1,200<", ">0.1<", ">unsolved<"):
        assert text in drawing

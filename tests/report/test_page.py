"""Pieces of an HTML page."""

from cogito_pl.report.page import table, versions


def test_cells_of_a_table_are_text():
    drawn = table(("a", "b"), [("<b>", "2 & 3")])
    assert "<tr><th>a</th><th>b</th></tr>" in drawn
    assert "<tr><td>&lt;b&gt;</td><td>2 &amp; 3</td></tr>" in drawn


def test_the_versions_of_the_libraries_are_named():
    assert all(name in versions() for name in ("cogito_pl", "Python", "torch", "transformers", "lightning"))

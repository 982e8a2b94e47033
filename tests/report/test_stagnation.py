"""The section on gradient stagnation has the numbers that were logged, before and after rows were chosen."""

from cogito_pl.report.run_page import write_report
from tests.report.pages import Page
from tests.report.runs import write_config, write_curves

LOGGED = {
    "reward/total": [0.1, 0.4],
    "stagnation/sampled/equal_groups": [0.5, 0.75], "stagnation/trained/equal_groups": [0.0, 0.25],
    "stagnation/sampled/small_advantages": [0.5, 1.0], "stagnation/trained/small_advantages": [0.0, 0.5],
    "stagnation/sampled/advantage": [0.0, 0.0], "stagnation/trained/advantage": [-0.5, 0.25],
    "stagnation/sampled/completions": [64, 64], "stagnation/trained/completions": [32, 16],
    "pad/effective": [40, 20], "pad/selected": [32, 16], "pad/distinct": [32, 16], "pad/temperature": [1.0, 0.3],
    "policy/skipped_updates": [0.0, 1.0], "policy/gradient_norm": [0.5, 1.0],
}  # fmt: skip


def test_what_was_sampled_stands_beside_what_was_trained_on(tmp_path):
    write_config(tmp_path)
    write_curves(tmp_path, LOGGED)
    text = write_report(tmp_path).read_text(encoding="utf-8")
    page = Page(text)
    assert page.cells("Completions of groups without signal") == ["62.5%", "12.5%"]
    assert page.cells("Completions with a small advantage") == ["75.0%", "25.0%"]
    assert page.cells("Mean advantage") == ["0", "-0.125"]
    assert page.cells("Gradient norm") == ["", "0.75"]
    assert "1 of 2 updates had no row that counted, and were skipped." in text
    for title in ("Completions of groups without signal", "Rows that PAD draws"):
        assert f"{title} over optimiser steps" in text
    assert "Temperature of PAD" in text
    assert "Mean size of an advantage" not in text  # not recorded


def test_a_run_that_records_nothing_of_it_has_no_section(tmp_path):
    write_config(tmp_path)
    write_curves(tmp_path, {"reward/total": [0.1, 0.4], "policy/skipped_updates": [0.0, 0.0]})
    assert "Gradient stagnation" not in write_report(tmp_path).read_text(encoding="utf-8")

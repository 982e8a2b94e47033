"""What is printed of scores: every stratum, ranges that lie in one stratum each, ratios without problems."""

import math
from pathlib import Path

import pytest
from rich.console import Console

from cogito_pl.data.strata import StrataConfig, strata
from cogito_pl.difficulty import PISM, PassRate
from cogito_pl.difficulty.report import bins, draw_histogram, possible_values, report_scores
from cogito_pl.difficulty.scores import with_strata


def rows_of(column, values, config):
    rows = [
        {"id": str(n), "source": "s", column: value, "solved": value not in (None, 0)} for n, value in enumerate(values)
    ]
    return with_strata(rows, config)


@pytest.mark.parametrize("thresholds", [None, (0.15, 0.33, 1.2, 3.0)])
def test_no_range_of_cmab_lies_in_two_strata(thresholds):
    config = StrataConfig(scorer="cmab", file="any", thresholds=thresholds)
    limits = thresholds or (0.1, 0.4, 1.6, 1.9)
    values = [*[place / 50 for place in range(1, 200)], *limits, *[math.nextafter(limit, 9) for limit in limits]]
    shown = bins(rows_of("rho", values, config), "rho", config)
    assert all(each.strata in ("easy", "medium", "hard") for each in shown)
    assert sum(each.count for each in shown) == len(values)
    for name in ("easy", "medium", "hard"):
        assert sum(each.count for each in shown if each.strata == name) == strata(values, config).count(name)
    labels = [each.label for each in shown]
    assert f"{limits[2]:g}" in " ".join(labels)
    assert len(labels) == len(set(labels))


def test_a_limit_that_is_a_usual_edge_too_makes_one_edge():
    config = StrataConfig(scorer="pass_rate", file="any")
    shown = bins(rows_of("pass_rate", [place / 40 for place in range(1, 41)], config), "pass_rate", config)
    assert [each.label for each in shown] == [
        "under 0.1",
        "0.1 to 0.2",
        "0.2 to 0.25",
        "0.25 to 0.5",
        "0.5 to 1",
        "1 to 2",
    ]
    assert [each.count for each in shown] == [3, 4, 3, 10, 19, 1]
    assert [each.strata for each in shown] == ["hard", "hard", "hard", "medium", "easy", "easy"]


def test_ratios_that_no_problem_fails_at_are_kept():
    config = StrataConfig(scorer="pism", file="any")
    scorer = PISM(ratios=(0.0, 0.2, 0.5), repeats=3)
    shown = bins(rows_of("lambda_star", [0.5, 0.5, math.inf], config), "lambda_star", config,
                 possible_values("lambda_star", scorer.settings()))  # fmt: skip
    assert [(each.label, each.count) for each in shown] == [("0", 0), ("0.2", 0), ("0.5", 2), ("inf", 1)]
    assert possible_values("pass_rate", PassRate(repeats=4).settings()) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert possible_values("rho", {"tries": 10}) == []


def printed(*args):
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    report_scores(console, *args)
    return console.export_text()


def lines_with(text, word):
    return [" ".join(line.replace("│", " ").split()) for line in text.splitlines() if f" {word} " in line]


def test_every_stratum_is_printed_with_its_count_and_limits_and_so_are_undecided_problems(tmp_path):
    config = StrataConfig(scorer="pism", file="any", thresholds=(0.2, 0.5))
    rows = rows_of("lambda_star", [0.2, 0.2, 0.5, 0.0], config)
    rows += [{"id": "x", "source": "s", "lambda_star": None, "solved": None, "stratum": None}]
    text = printed(rows, "lambda_star", config, {}, tmp_path / "scores.parquet")
    assert lines_with(text, "easy")[0] == "easy 0 0.0% above 0.5"
    assert lines_with(text, "medium")[0] == "medium 1 20.0% up to 0.5"
    assert lines_with(text, "hard")[0] == "hard 2 40.0% above 0, up to 0.2"
    assert lines_with(text, "unsolved")[0] == "unsolved 1 20.0% 0"
    assert lines_with(text, "undecided") == ["undecided 1 20.0% needs more trials", "undecided 1 20.0%"]
    assert "5 problems" in text
    assert (tmp_path / "scores.png").read_bytes().startswith(b"\x89PNG")


def test_scores_of_an_own_scorer_are_printed_without_strata():
    text = printed([{"id": "a", "source": "mine", "failures": 3, "n_done": 4}], "failures", None, {}, None)
    assert "mine: failures" in text
    assert "unsolved" not in text
    assert "1 problems, 4.0 trials each" in text


def test_a_histogram_has_a_colour_per_stratum(tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda figure, path, **_: seen.update(figure=figure))
    config = StrataConfig(scorer="pism", file="any")
    shown = bins(rows_of("lambda_star", [0.1, 0.6, 0.9, 0.0], config), "lambda_star", config)
    draw_histogram(Path("any.png"), shown, "lambda_star", "s")
    (axes,) = seen["figure"].axes
    assert len({patch.get_facecolor() for patch in axes.containers[0]}) == 4
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["easy", "medium", "hard", "unsolved"]

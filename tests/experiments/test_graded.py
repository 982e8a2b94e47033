"""Accuracy and comparison from graded completions."""

import pytest

from cogito_pl.experiments.graded import check_same_problems, difference, grouped, interval, paired, read_rows, share
from cogito_pl.experiments.intervals import paired_difference, wilson
from tests.experiments.ablation.results import graded


def test_a_share_counts_correct_answers_and_has_wilsons_interval():
    assert share(graded("++-")) == 2 / 3
    assert share([]) == 0
    assert interval(graded("++-")) == list(wilson(2, 3))


def test_a_difference_is_over_the_same_problems():
    rows, others = graded("++-+-"), graded("+-+--")
    assert paired(rows, others) == {"both": 1, "won": 2, "lost": 1, "neither": 1}
    estimate, *ends = paired_difference(1, 2, 1, 1)
    assert difference(rows, others) == {"estimate": estimate, "ci": ends, "won": 2, "lost": 1}


def test_models_graded_on_different_problems_are_not_compared(tmp_path):
    check_same_problems(graded("++"), graded("--"), tmp_path, "the other")
    for rows in (graded("+"), []):
        with pytest.raises(ValueError, match="does not grade the problems that the other was graded on"):
            check_same_problems(rows, graded("--"), tmp_path, "the other")


def test_groups_are_in_the_order_of_numbers_or_of_first_rows():
    rows = graded("++++")
    assert list(grouped(rows, ["10", "2", "10", "1"])) == ["1", "2", "10"]
    assert list(grouped(rows, ["b", "a", "b", "a"])) == ["b", "a"]


def test_rows_of_all_ranks_are_read_in_the_order_of_the_problems(tmp_path):
    (tmp_path / "validation.rank1.jsonl").write_text('{"draw": 0}\n{"draw": 3}\n')
    (tmp_path / "validation.rank0.jsonl").write_text('{"draw": 2}\n{"draw": 1}\n')
    assert [row["draw"] for row in read_rows(tmp_path)] == [0, 1, 2, 3]

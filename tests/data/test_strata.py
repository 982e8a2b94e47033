"""Scores become strata at the paper's edges, at settings' edges, and at shares of the measured distribution."""

import math
from collections import Counter

import pytest

from cogito_pl.data.strata import STRATA, StrataConfig, agreement, cohens_kappa, strata, stratum_ranges
from cogito_pl.difficulty import PassRate, Task
from cogito_pl.difficulty.pism import RATIOS, failure_threshold


def by(scorer, *scores, **settings):
    return strata(scores, StrataConfig(scorer=scorer, file="any", **settings))


def test_a_pism_threshold_becomes_the_stratum_of_table_a():
    ratios = [place * 0.1 for place in range(10)]  # 0.30000000000000004, 0.6000000000000001, 0.7000000000000001, ...
    expected = ["unsolved"] + ["hard"] * 4 + ["medium"] * 3 + ["easy"] * 3
    assert by("pism", *ratios, math.inf) == expected
    assert by("pism", 0.5, 0.1, 0.0, 0.7, math.inf, 0.2) == ["medium", "hard", "unsolved", "medium", "easy", "hard"]


@pytest.mark.parametrize(
    ("passed", "ratio", "stratum"),
    [
        ("1111100000", 0.5, "medium"),
        ("1000000000", 0.1, "hard"),
        ("0111111111", 0.0, "unsolved"),
        ("1111111000", 0.7, "medium"),
        ("1111111111", math.inf, "easy"),
        ("1101111111", 0.2, "hard"),  # the lowest failing ratio counts, whatever follows
    ],
)
def test_a_pattern_of_passed_ratios_becomes_a_threshold_and_its_stratum(passed, ratio, stratum):
    found = failure_threshold(RATIOS, [float(digit) for digit in passed], 0.1)
    assert found == ratio
    assert by("pism", found) == [stratum]


def test_at_seven_tenths_the_text_and_the_table_of_the_paper_differ():
    assert by("pism", 0.6, 0.7, 0.8, seven="easy") == ["medium", "easy", "easy"]
    assert by("pism", 0.6, 7 * 0.1, 0.8, seven="medium") == ["medium", "medium", "easy"]


def test_the_bands_of_cmab_have_the_paper_s_edges():
    edges = [0.0, 0.0999, 0.1, 0.3999, 0.4, 1.0, 1.6, 1.6001, 1.9, 1.9001, 40.0]
    expected = ["easy", "easy", "medium", "medium", "hard", "hard", "hard", "medium", "medium", "easy", "easy"]
    assert by("cmab", *edges) == expected
    assert by("cmab", None) == ["unsolved"]


def test_a_pass_rate_of_zero_is_unsolved_whatever_the_thresholds():
    assert by("pass_rate", 0.0, 0.125, 0.25, 0.3, 0.75, 1.0) == ["unsolved", "hard", "hard", "medium", "easy", "easy"]
    assert by("pass_rate", 0.0, 0.5, 0.6, 0.61, thresholds=(0.5, 0.6)) == ["unsolved", "hard", "medium", "easy"]


def test_by_pass_rate_easy_is_what_the_filter_of_vl_cogito_removes():
    scorer = PassRate()
    for correct in range(9):
        outcomes = {Task(0.0, repeat): repeat < correct for repeat in range(8)}
        row = scorer.score(outcomes, 1)
        assert (by("pass_rate", row["pass_rate"]) == ["easy"]) == (not row["keep"]) == (correct >= 5)
    third = (1 / 3, 2 / 3)
    assert by("pass_rate", 2 / 3, 1 - 1 / 3, thresholds=third) == ["medium", "medium"]


@pytest.mark.parametrize(
    ("settings", "scores"),
    [
        ({"scorer": "pism"}, {"easy": "above 0.7", "medium": "up to 0.7", "hard": "above 0, up to 0.4"}),
        (
            {"scorer": "pism", "seven": "easy", "thresholds": (0.2, 0.5)},
            {"easy": "from 0.5", "medium": "under 0.5", "hard": "above 0, up to 0.2", "unsolved": "0"},
        ),
        ({"scorer": "pass_rate"}, {"easy": "above 0.5", "medium": "up to 0.5", "hard": "above 0, up to 0.25"}),
        (
            {"scorer": "cmab"},
            {"easy": "under 0.1, above 1.9", "medium": "0.1 to 0.4, 1.6 to 1.9", "hard": "0.4 to 1.6"},
        ),
        ({"scorer": "difficulty", "thresholds": (1, 4)}, {"easy": "up to 1", "medium": "up to 4", "hard": "above 4"}),
        ({"scorer": "cmab", "quantiles": (0.3, 0.65)}, {"hard": "the hardest 30% of the solved", "easy": "the others"}),
    ],
)
def test_strata_are_described_by_their_limits(settings, scores):
    described = stratum_ranges(StrataConfig(file="any", **settings))
    assert list(described) == list(STRATA)
    assert scores.items() <= described.items()


def test_a_stated_difficulty_grows_with_hardness():
    assert by("difficulty", 1, 2, 3, 4) == ["easy", "easy", "medium", "hard"]


@pytest.mark.parametrize(
    ("scorer", "from_hard_to_easy"),
    [
        ("pism", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, math.inf]),
        ("cmab", [1.0, 1.1, 0.8, 1.3, 0.6, 1.5, 0.4, 1.7, 0.2, 4.0]),
        ("pass_rate", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ("difficulty", [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
    ],
)
def test_quantiles_cut_the_solved_problems_from_the_hard_end(scorer, from_hard_to_easy):
    unsolved = [None, None, None]  # which do not count for the shares
    found = by(scorer, *unsolved, *from_hard_to_easy, quantiles=(0.2, 0.5))
    assert found == ["unsolved"] * 3 + ["hard"] * 2 + ["medium"] * 3 + ["easy"] * 5


def test_quantiles_keep_equal_scores_together_and_come_as_near_to_the_shares_as_that_allows():
    mostly_easy = [0.1] * 1 + [0.5] * 2 + [math.inf] * 7
    assert Counter(by("pism", *mostly_easy, quantiles=(0.2, 0.6))) == {"hard": 1, "medium": 2, "easy": 7}
    assert Counter(by("pism", *mostly_easy, quantiles=(0.0, 1.0))) == {"medium": 10}
    assert by("pism", 0.0, quantiles=(0.5, 0.5)) == ["unsolved"]


def test_a_score_that_is_no_number_is_an_error():
    with pytest.raises(ValueError, match="NaN"):
        by("cmab", math.nan)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"scorer": "pism"}, r"data\.strata\.file"),
        ({"scorer": "pism", "file": ()}, r"data\.strata\.file"),
        ({"scorer": "cmab", "file": "f", "thresholds": (0.1, 0.4)}, "4 ascending"),
        ({"scorer": "pass_rate", "file": "f", "thresholds": (0.7, 0.3)}, "ascending"),
        ({"scorer": "pass_rate", "file": "f", "thresholds": (0.3, 0.7), "quantiles": (0.3, 0.7)}, "exclude"),
        ({"scorer": "pass_rate", "file": "f", "quantiles": (0.7, 0.3)}, "quantiles"),
    ],
)
def test_settings_that_make_no_strata_are_rejected_by_name(settings, named):
    with pytest.raises(ValueError, match=named):
        StrataConfig(**settings)


def test_agreement_counts_pairs_and_kappa_is_that_of_the_textbook():
    first = ["easy"] * 25 + ["hard"] * 25
    second = ["easy"] * 20 + ["hard"] * 5 + ["easy"] * 10 + ["hard"] * 15
    matrix = agreement(first, second)
    assert (matrix["easy"]["easy"], matrix["easy"]["hard"], matrix["hard"]["easy"], matrix["hard"]["hard"]) == (
        20,
        5,
        10,
        15,
    )
    assert cohens_kappa(matrix) == pytest.approx(0.4)  # Cohen's kappa, the example of its Wikipedia page
    assert cohens_kappa(agreement(first, first)) == pytest.approx(1.0)
    assert math.isnan(cohens_kappa(agreement(["easy"] * 3, ["easy"] * 3)))

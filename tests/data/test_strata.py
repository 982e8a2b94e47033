"""Scores become strata at the paper's edges, at settings' edges, and at shares of the measured distribution."""

import math
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cogito_pl.data.scores import read_strata
from cogito_pl.data.strata import StrataConfig, agreement, cohens_kappa, random_control, strata
from cogito_pl.difficulty.pism import RATIOS, failure_threshold
from tests.conftest import problem


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
    assert by("pass_rate", 0.0, 0.5, 0.6, thresholds=(0.5, 0.6)) == ["unsolved", "hard", "easy"]


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
        ({"scorer": "pism"}, "strata.file"),
        ({"scorer": "cmab", "file": "f", "thresholds": (0.1, 0.4)}, "4 ascending"),
        ({"scorer": "pass_rate", "file": "f", "thresholds": (0.7, 0.3)}, "ascending"),
        ({"scorer": "pass_rate", "file": "f", "thresholds": (0.3, 0.7), "quantiles": (0.3, 0.7)}, "exclude"),
        ({"scorer": "pass_rate", "file": "f", "quantiles": (0.7, 0.3)}, "quantiles"),
    ],
)
def test_settings_that_make_no_strata_are_refused_by_name(settings, named):
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


def test_a_random_control_depends_on_set_and_seed_and_is_drawn_evenly():
    ids = [f"p{number}" for number in range(20)]
    chosen = random_control(ids, 5, seed=1)
    assert len(set(chosen)) == 5
    assert set(random_control(ids[::-1], 5, seed=1)) == set(chosen)
    assert random_control(ids, 5, seed=2) != chosen
    counts = Counter(name for seed in range(400) for name in random_control(ids, 5, seed))
    assert all(60 < counts[name] < 140 for name in ids)  # 100 each, standard deviation 8.7
    for pool, size, message in ((ids, 21, "size=21"), (ids + ids[:1], 5, "repeat")):
        with pytest.raises(ValueError, match=message):
            random_control(pool, size, seed=0)


@pytest.fixture
def score_file(tmp_path):
    def write(**columns):
        path = tmp_path / "scores.parquet"
        pq.write_table(pa.table(columns), path)
        return str(path)

    return write


PROBLEMS = [problem(seed=seed) for seed in range(4)]


def test_a_score_file_gives_every_problem_its_stratum_by_id(score_file):
    path = score_file(id=["p3", "p2", "p1", "p0", "other"], lambda_star=[0.1, 0.5, math.inf, 0.0, 0.2])
    config = StrataConfig(scorer="pism", file=path)
    assert read_strata(config, PROBLEMS) == ["unsolved", "easy", "medium", "hard"]
    path = score_file(id=["p0", "p1", "p2", "p3"], mine=[None, 1.0, 1.8, 1.0], solved=[False, True, True, False])
    config = StrataConfig(scorer="cmab", file=path, column="mine")
    assert read_strata(config, PROBLEMS) == ["unsolved", "hard", "medium", "unsolved"]


def test_quantiles_are_those_of_the_whole_file(score_file):
    path = score_file(id=[f"p{n}" for n in range(10)], pass_rate=[(n + 1) / 10 for n in range(10)])
    config = StrataConfig(scorer="pass_rate", file=path, quantiles=(0.2, 0.3))
    assert read_strata(config, PROBLEMS) == ["hard", "hard", "medium", "easy"]


def test_problems_without_a_score_are_counted_and_named(score_file):
    path = score_file(id=["p0", "p2", "p3"], rho=[1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match=r"1 of 4 problems \(25.0%\) have no rho .* 'p1'"):
        read_strata(StrataConfig(scorer="cmab", file=path), PROBLEMS)


def test_the_problems_own_difficulty_needs_no_file():
    config = StrataConfig(scorer="difficulty")
    graded = [problem(seed=n, meta={"difficulty": n}) for n in (1, 3, 5)]
    assert read_strata(config, graded) == ["easy", "medium", "hard"]
    with pytest.raises(ValueError, match=r"4 of 4 problems \(100.0%\) have no difficulty in their own columns"):
        read_strata(config, PROBLEMS)


def test_sources_matter_only_where_they_share_an_id(score_file):
    twins = [problem(seed=0, source="a"), problem(seed=0, source="b")]
    path = score_file(id=["p0", "p0"], source=["b", "a"], rho=[1.0, 0.2])
    assert read_strata(StrataConfig(scorer="cmab", file=path), twins) == ["medium", "hard"]
    for columns in ({"id": ["p0"], "rho": [1.0]}, {"id": ["p0", "p0"], "source": ["a", "c"], "rho": [1.0, 1.0]}):
        with pytest.raises(ValueError, match="such as 'p0' of the source"):
            read_strata(StrataConfig(scorer="cmab", file=score_file(**columns)), twins)
    path = score_file(id=["p0"], source=["as it was called when it was scored"], rho=[1.0])
    assert read_strata(StrataConfig(scorer="cmab", file=path), twins[:1]) == ["hard"]


def test_a_problem_left_undecided_is_missing_but_in_nobody_s_way(score_file):
    nothing = pa.array([None, 0.1], pa.float64())
    path = score_file(id=["p0", "p1"], lambda_star=nothing, solved=pa.array([None, True]))
    config = StrataConfig(scorer="pism", file=path)
    assert read_strata(config, PROBLEMS[1:2]) == ["hard"]
    with pytest.raises(ValueError, match=r"1 of 2 problems \(50.0%\) have no lambda_star .* 'p0'"):
        read_strata(config, PROBLEMS[:2])
    path = score_file(id=["p0", "p1"], rho=nothing)
    assert read_strata(StrataConfig(scorer="cmab", file=path), PROBLEMS[:2]) == ["unsolved", "medium"]


def test_a_file_that_cannot_be_used_says_why(score_file, tmp_path):
    with pytest.raises(FileNotFoundError, match="score the data first"):
        read_strata(StrataConfig(scorer="cmab", file=str(tmp_path / "none.parquet")), PROBLEMS)
    for columns, message in (
        ({"id": ["p0"], "other": [1.0]}, r"lacks the columns \['rho'\]"),
        ({"id": ["p0", "p0"], "rho": [1.0, 1.0]}, "'p0' twice"),
    ):
        with pytest.raises(ValueError, match=message):
            read_strata(StrataConfig(scorer="cmab", file=score_file(**columns)), PROBLEMS)

"""A file of scores, or the data's own difficulty, gives every problem its stratum."""

import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cogito_pl.data.scores import read_strata, stratified, stratum_counts
from cogito_pl.data.strata import StrataConfig
from tests.conftest import problem


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


def test_scores_replace_what_the_data_say_and_keep_the_other_columns(score_file):
    config = StrataConfig(scorer="pism", file=score_file(id=["p0"], lambda_star=[0.5]))
    (graded,) = stratified([problem(meta={"stratum": "odd", "family": "x"})], config)
    assert graded.meta == {"stratum": "medium", "family": "x"}
    assert stratified(PROBLEMS, None) == PROBLEMS
    with pytest.raises(ValueError, match=r"1 of 1 problems .* 'stranger'"):
        stratified([problem(id="stranger")], config)


def test_strata_are_counted_and_a_problem_without_one_is_counted_as_such():
    graded = [problem(meta={"stratum": name}) for name in ("hard", "easy", "hard")]
    assert stratum_counts([*graded, problem()]) == {"hard": 2, "easy": 1, "no stratum": 1}

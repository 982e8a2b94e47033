"""A file of scores, or the data's own difficulty, gives every problem its stratum."""

import math
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cogito_pl.data.score_match import problem_digest
from cogito_pl.data.score_origin import OtherScoresError
from cogito_pl.data.scores import read_strata, stratified, stratum_counts
from cogito_pl.data.strata import StrataConfig
from cogito_pl.difficulty.scores import write_scores
from tests.conftest import noise_image, problem


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


TWINS = [problem(seed=0, source="a"), problem(seed=0, source="b")]


def test_scores_are_matched_by_source_and_id(score_file):
    path = score_file(id=["p0", "p0"], source=["b", "a"], rho=[1.0, 0.2])
    assert read_strata(StrataConfig(scorer="cmab", file=path), TWINS) == ["medium", "hard"]
    path = score_file(id=["p0", "p1"], source=["a", "b"], rho=[1.0, 1.0])
    with pytest.raises(ValueError, match=r"1 of 2 problems .* such as 'p0' of the source 'b'"):
        read_strata(StrataConfig(scorer="cmab", file=path), TWINS)
    with pytest.raises(ValueError, match=r"share ids, such as 'p0'.*add the column `source`"):
        read_strata(StrataConfig(scorer="cmab", file=score_file(id=["p0"], rho=[1.0])), TWINS)


def test_scores_of_another_source_are_refused_unless_that_is_allowed(score_file):
    path = score_file(id=["p0"], source=["c"], rho=[1.0])
    with pytest.raises(
        OtherScoresError, match=r"\['c'\] there, \['a'\] in data.train.*data.strata.allow_other=\[source\]"
    ):
        read_strata(StrataConfig(scorer="cmab", file=path), TWINS[:1])
    allowed = StrataConfig(scorer="cmab", file=path, allow_other=("source",))
    assert read_strata(allowed, TWINS[:1]) == ["hard"]
    with pytest.raises(ValueError, match="share ids"):
        read_strata(allowed, TWINS)


def test_files_in_a_list_and_in_a_folder_are_joined_and_files_of_other_scorers_in_it_are_passed_over(tmp_path):
    def write(name, **columns):
        (tmp_path / "scores").mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), tmp_path / "scores" / name)
        return str(tmp_path / "scores" / name)

    one = write("one.parquet", id=["p0"], source=["a"], rho=[0.2])
    other = write("other.parquet", id=["p0"], source=["b"], rho=[1.0])
    write("pism.parquet", id=["p0"], source=["a"], lambda_star=[0.1])
    for file in ((one, other), str(tmp_path / "scores"), (other, one)):
        assert read_strata(StrataConfig(scorer="cmab", file=file), TWINS) == ["medium", "hard"]
    with pytest.raises(OtherScoresError, match="'b'"):
        read_strata(StrataConfig(scorer="cmab", file=one), TWINS)
    with pytest.raises(FileNotFoundError, match="none of 3 Parquet files has the columns id and pass_rate"):
        read_strata(StrataConfig(scorer="pass_rate", file=str(tmp_path / "scores")), TWINS)
    write("again.parquet", id=["p0"], source=["b"], rho=[0.3])
    with pytest.raises(ValueError, match=r"'p0' twice: .*again.parquet and .*other.parquet.*name the file"):
        read_strata(StrataConfig(scorer="cmab", file=str(tmp_path / "scores")), TWINS)


@pytest.mark.parametrize(
    "change",
    [{"question": "<image>How few?"}, {"answer": "8"}, {"kind": "text"}, {"images": (noise_image(56, 56, seed=999),)}],
)
def test_scores_of_other_problems_under_the_same_ids_are_refused_unless_that_is_allowed(score_file, change):
    scored = [problem("How many?", (56, 56), seed=seed) for seed in range(2)]
    path = score_file(id=["p0", "p1"], source=[""] * 2, rho=[0.2, 1.0], problem=list(map(problem_digest, scored)))
    config = StrataConfig(scorer="cmab", file=path)
    assert read_strata(config, scored) == ["medium", "hard"]
    changed = [scored[0], replace(scored[1], **change)]
    with pytest.raises(OtherScoresError, match=r"1 of 2 problems have another .* 'p1' .*allow_other=\[data\]"):
        read_strata(config, changed)
    assert read_strata(replace(config, allow_other=("data",)), changed) == ["medium", "hard"]


def test_a_file_s_own_limits_hold_where_the_run_sets_none(tmp_path):
    path = tmp_path / "scores.parquet"
    rows = [{"id": "p0", "lambda_star": 0.3}, {"id": "p1", "lambda_star": 0.6}]
    stated = {"scorer": "pism", "thresholds": [0.2, 0.5], "quantiles": None, "seven": "medium"}
    write_scores(path, rows, {"strata": stated})
    config = StrataConfig(scorer="pism", file=str(path))
    assert read_strata(config, PROBLEMS[:2]) == ["medium", "easy"]
    assert read_strata(replace(config, thresholds=(0.3, 0.6)), PROBLEMS[:2]) == ["hard", "medium"]
    write_scores(path, rows, {"strata": stated | {"thresholds": None, "quantiles": [0.5, 1.0]}})
    assert read_strata(config, PROBLEMS[:2]) == ["hard", "medium"]
    other = tmp_path / "other.parquet"
    write_scores(other, [{"id": "p9", "lambda_star": 0.3}], {"strata": stated})
    with pytest.raises(ValueError, match=r"files of different strata.*set data.strata.thresholds"):
        read_strata(replace(config, file=(str(path), str(other))), PROBLEMS[:2])


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

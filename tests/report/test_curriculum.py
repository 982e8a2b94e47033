"""The curriculum panel: what stages did, from `rollouts.jsonl`, and which weights they began with."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from cogito_pl.report.curriculum import (
    by_level,
    curriculum_sections,
    difficulty_section,
    handed_over,
    level_curves,
    phases_of,
    stage_section,
    stage_spans,
    stage_table,
    stratum_line,
)
from cogito_pl.report.run_folder import RunFolder

STAGES = ["easy"] * 3 + ["medium"] * 2 + ["hard <b>"] * 4


def prompt(p: float, weight: float, difficulty: str | None = None) -> dict:
    right, wrong = [20] * int(4 * p), [40] * int(4 - 4 * p)
    return {
        "p": p,
        "difficulty": difficulty,
        "weight": weight,
        "correct": right,
        "wrong": wrong,
        "truncated": 0,
        "zero_advantage": 0,
        "terms": {"format": 1.0},
    }


@pytest.fixture
def write(tmp_path):
    """Writes the rollouts of the stages, one every second optimiser step, to a folder."""

    def write(stages, *prompts):
        rows = [{"step": 2 * place, "stage": stage, "prompts": prompts} for place, stage in enumerate(stages)]
        (tmp_path / "rollouts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return RunFolder(tmp_path)

    return write


def test_the_section_shows_every_stage_in_every_chart(write):
    section = stage_section(write(STAGES, prompt(0.5, 1.0), prompt(0.0, 0.25)))
    assert len(section.drawings) == 4
    for drawing in section.drawings:
        assert drawing.svg.count(">easy<") == drawing.svg.count(">medium<") == 1
        assert "hard &lt;b&gt;" in drawing.svg


def test_the_table_of_stages_has_the_means_of_their_prompts(write):
    rows = write(STAGES, prompt(0.5, 1.0), prompt(0.0, 0.25)).rollouts
    easy, medium, hard = stage_table(rows).rows
    assert easy == ("easy", "0 to 4", "3", "6", "25.0%", "50.0%", "0.0%", "0.625", "0.0%")
    assert medium[:4] == ("medium", "6 to 8", "2", "4")
    assert hard[:4] == ("hard <b>", "10 to 16", "4", "8")


def test_a_run_in_which_nothing_was_ever_correct_has_a_section_too(write):
    section = stage_section(write(["easy", "hard"], prompt(0.0, 0.0)))
    assert len(section.drawings) == 4
    assert "nan" not in "".join(drawing.svg for drawing in section.drawings)


def test_without_stages_there_is_no_section_of_them_and_without_statistics_a_line_says_who_records_them(
    write, tmp_path
):
    assert [own.title for own in curriculum_sections(write(["", ""], prompt(0.5, 1.0)))] == ["Difficulty"]
    (tmp_path / "config.yaml").write_text("data: {stages: [{name: easy}]}")
    stages, difficulty = curriculum_sections(write([]))
    for section in (stages, difficulty):
        assert not section.drawings
        assert "callbacks.RolloutStatistics" in section.missing[0]


def test_a_stage_spans_from_its_first_rollout_to_that_of_the_next():
    rows = [{"step": 4 * place, "stage": stage} for place, stage in enumerate(STAGES)]
    assert stage_spans(rows) == [("easy", 0, 12), ("medium", 12, 20), ("hard <b>", 20, 33)]
    assert stage_spans(rows[:1]) == [("easy", 0, 1)]
    assert stage_spans([]) == []


def test_without_rollouts_the_stages_are_those_that_were_logged(tmp_path):
    run = RunFolder(tmp_path)
    run.config = {"data": {"stages": [{"name": "easy"}, {"name": "hard"}]}}
    run.curves = {"stage": [(0, 0.0), (1, 0.0), (2, 1.0), (3, 1.0)]}
    assert phases_of(run) == [("easy", 0, 2), ("hard", 2, 4)]


def test_weights_that_were_handed_over_are_named_with_their_stage_and_step():
    phases = [("easy", 0.0, 12.0), ("hard", 12.0, 33.0)]
    assert handed_over([], phases) == []
    (line,) = handed_over([(12, 0.0)], phases)
    assert line.startswith("Stage hard, from step 12: began with the weights of step 0,")


def test_every_level_of_difficulty_has_its_own_accuracy(write):
    run = write([""] * 3, prompt(1.0, 1, "10"), prompt(0.5, 1, "2"), prompt(0.0, 1, "2"), prompt(0.0, 1))
    levels = by_level(run.rollouts)
    assert {level: len(prompts) for level, prompts in levels.items()} == {"2": 6, "10": 3}
    assert list(levels) == ["2", "10"]
    assert level_curves(run.rollouts, levels) == {
        "2": [(0, 0.25), (2, 0.25), (4, 0.25)],
        "10": [(0, 1), (2, 1), (4, 1)],
    }
    section = difficulty_section(run)
    assert section.tables[0].rows == [("2", "6", "25.0%", "50.0%", "0.0%"), ("10", "3", "100.0%", "0.0%", "100.0%")]
    assert len(section.drawings) == 2


def test_problems_of_every_stratum_are_counted(tmp_path):
    measured = {"id": list("abcd"), "source": ["train"] * 4, "lambda_star": [0.3, 0.5, float("inf"), 0.0]}
    pq.write_table(pa.table(measured | {"solved": [True, True, True, False]}), tmp_path / "scores.parquet")
    given = {"scorer": "pism", "file": str(tmp_path / "scores.parquet"), "thresholds": [0.3, 0.5]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"data": {"strata": given}}))
    line = stratum_line(RunFolder(tmp_path))
    assert "scorer pism" in line
    assert all(f"1 {name}" in line for name in ("easy", "medium", "hard", "unsolved"))
    given["file"] = "gone.parquet"
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"data": {"strata": given}}))
    assert "gone.parquet, which is not read" in stratum_line(RunFolder(tmp_path))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"data": {"strata": None}}))
    assert stratum_line(RunFolder(tmp_path)) == stratum_line(RunFolder(tmp_path / "nothing here")) == ""

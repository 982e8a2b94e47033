"""The curriculum panel: what stages did, from `rollouts.jsonl`, and which weights they began with."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from cogito_pl.report.curriculum import curriculum_section, handed_over, stage_spans, stratum_line

STAGES = ["easy"] * 3 + ["medium"] * 2 + ["hard <b>"] * 4


def prompt(p: float, weight: float) -> dict:
    right, wrong = [20] * int(4 * p), [40] * int(4 - 4 * p)
    return {
        "p": p,
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
        return tmp_path

    return write


def test_the_panel_shows_every_stage_and_what_it_began_with(write):
    panel = curriculum_section(write(STAGES, prompt(0.5, 1.0), prompt(0.0, 0.25)), [(6, 2.0), (10, 6.0)])
    assert panel.startswith("<h2>Curriculum</h2>")
    assert panel.count("<svg") == 4
    assert panel.count("easy") >= 4
    assert "medium, from step 6: the weights of step 2<" in panel
    assert "hard &lt;b&gt;, from step 10: the weights of step 6<" in panel
    assert "hard <b>" not in panel


def test_a_run_in_which_nothing_was_ever_correct_has_a_panel_too(write):
    panel = curriculum_section(write(["easy", "hard"], prompt(0.0, 0.0)), [])
    assert panel.count("<svg") == 4
    assert "nan" not in panel


def test_there_is_no_panel_without_stages_or_statistics(write, tmp_path):
    assert curriculum_section(tmp_path, [(6, 2.0)]) == ""
    assert curriculum_section(write(["", ""], prompt(0.5, 1.0)), []) == ""
    assert curriculum_section(write([]), []) == ""


def test_a_stage_spans_from_its_first_rollout_to_that_of_the_next():
    rows = [{"step": 4 * place, "stage": stage} for place, stage in enumerate(STAGES)]
    assert stage_spans(rows) == [("easy", 0, 12), ("medium", 12, 20), ("hard <b>", 20, 33)]
    assert stage_spans(rows[:1]) == [("easy", 0, 1)]


def test_weights_that_were_never_handed_over_are_not_mentioned():
    phases = [("easy", 0.0, 12.0), ("hard", 12.0, 33.0)]
    assert handed_over([], phases) == ""
    assert handed_over([(12, 0.0)], phases).count("<li>hard, from step 12: the weights of step 0</li>") == 1


def test_the_panel_counts_the_problems_of_every_stratum(tmp_path):
    measured = {"id": list("abcd"), "source": ["train"] * 4, "lambda_star": [0.3, 0.5, float("inf"), 0.0]}
    pq.write_table(pa.table(measured | {"solved": [True, True, True, False]}), tmp_path / "scores.parquet")
    given = {"scorer": "pism", "file": str(tmp_path / "scores.parquet"), "thresholds": [0.3, 0.5]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"data": {"strata": given}}))
    line = stratum_line(tmp_path)
    assert "scorer pism" in line
    assert all(f"1 {name}" in line for name in ("easy", "medium", "hard", "unsolved"))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"data": {"strata": None}}))
    assert stratum_line(tmp_path) == stratum_line(tmp_path / "nothing here") == ""

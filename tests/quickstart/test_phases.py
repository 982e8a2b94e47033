"""The phases of a quickstart: what each runs, and from which model."""

import shlex

import yaml

from cogito_pl.quickstart.phases import TYPICAL_S, quickstart_plan


def test_every_phase_is_a_command_that_can_be_typed(make_settings):
    settings = make_settings(scored=True)
    plan = quickstart_plan(settings).phases
    assert [phase.name for phase in plan] == [name for name in TYPICAL_S if name != "sft-first"]
    for phase in plan[1:]:
        (line,) = phase.shown()
        words = shlex.split(line)
        assert words[:2] == ["python", "train.py"]
        assert str(phase.overlay_file) in words  # although the folder's name has a space


def test_each_model_starts_from_the_one_before(make_settings):
    starts = {
        phase.name: phase.overlay.get("model", {}).get("init_args", {}).get("policy", {}).get("init_from")
        for phase in quickstart_plan(make_settings()).phases
    }
    run = make_settings().run
    assert starts["sft"] is starts["evaluate-base"] is None
    assert starts["grpo"] == starts["evaluate-sft"] == str(run / "sft" / "export")
    assert starts["evaluate-grpo"] == str(run / "grpo" / "export")


def test_an_odd_path_survives_the_yaml(make_settings, tmp_path):
    odd = tmp_path / "a: b #c 'd' é"
    for phase in quickstart_plan(make_settings(run=odd)).phases:
        assert yaml.safe_load(yaml.safe_dump(phase.overlay)) == phase.overlay


def test_problems_are_scored_by_the_base_only_for_a_curriculum(make_settings):
    assert "score" not in [phase.name for phase in quickstart_plan(make_settings()).phases]
    settings = make_settings(scored=True)
    (score,) = [phase for phase in quickstart_plan(settings).phases if phase.name == "score"]
    assert "model" not in score.overlay
    assert score.artefact == settings.data / "scores" / "train.parquet"  # where strata.yaml looks for it
    strata = yaml.safe_load((settings.config_dir / "strata.yaml").read_text())["data"]
    assert strata["strata"]["file"].endswith("/scores/train.parquet")
    assert strata["train"][0]["limit"] == score.overlay["data"]["predict"][0]["limit"]

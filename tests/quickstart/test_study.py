"""The quickstart as what the arms of an ablation are variants of."""

from itertools import pairwise
from pathlib import Path

import pytest

from cogito_pl.experiments.ablation.arms import Arm
from cogito_pl.experiments.phases import SettingsError
from cogito_pl.quickstart.phases import TYPICAL_S
from cogito_pl.quickstart.study import QuickstartStudy
from tests.quickstart.conftest import RECIPES

START = Path("run/seed2")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "sft"):
        Path(f"{name}.yaml").write_text(f"stage: {name}")


def configs(phase):
    words = phase.commands[0]
    return [Path(word).name for flag, word in pairwise(words) if flag == "--config"]


def start_model(phase):
    return phase.overlay["model"]["init_args"]["policy"]["init_from"]


def test_an_arm_adds_its_files_to_grpo_alone_and_starts_from_the_shared_model(here):
    study = QuickstartStudy.read(10, str(RECIPES), ["sft=sft.yaml", "b.yaml"])
    _, sft, _ = study.start(2, START).phases
    grpo, evaluation = study.arm(Arm(name="t", files=(Path("a.yaml"),)), 2, Path("arm"), START).phases
    assert configs(sft) == ["sft.yaml", "sft.yaml", "sft.yaml", "b.yaml"]  # the recipe, the phase's, and two overlays
    assert configs(grpo) == ["grpo.yaml", "grpo.yaml", "b.yaml", "a.yaml"]
    assert configs(evaluation) == ["evaluate.yaml", "evaluate-grpo.yaml", "b.yaml"]
    assert start_model(grpo) == str(sft.folder / "export")
    assert grpo.folder == Path("arm/grpo")
    assert grpo.overlay["data"]["train"][0]["path"] == str(START / "data")
    assert grpo.overlay["seed_everything"] == 2
    assert [file.name for file in study.files] == ["grpo.yaml", "b.yaml"]


def test_an_sft_fit_first_has_files_of_its_own_and_grpo_starts_from_its_model(here):
    study = QuickstartStudy.read(10, str(RECIPES), [])
    arm = Arm(name="t", files=(Path("a.yaml"),), sft_first=(Path("b.yaml"),))
    sft, grpo, _ = study.arm(arm, 1, Path("arm"), START).phases
    assert configs(sft) == ["sft.yaml", "sft-first.yaml", "b.yaml"]
    assert configs(grpo) == ["grpo.yaml", "grpo.yaml", "a.yaml"]
    assert start_model(sft) == str(START / "sft" / "export")
    assert start_model(grpo) == str(sft.folder / "export")
    assert sft.overlay["data"]["train"][0]["subset"] == "train"


def test_a_run_is_continued_only_with_the_files_that_it_was_begun_with(here):
    study = QuickstartStudy.read(10, str(RECIPES), [])
    arm = Arm(name="t", files=(Path("a.yaml"),))
    before = study.arm(arm, 1, Path("arm"), START).fingerprint
    Path("a.yaml").write_text("stage: other")
    assert study.arm(arm, 1, Path("arm"), START).fingerprint != before
    assert "grpo" not in study.start(1, START).fingerprint["configuration"]  # its start does not depend on it


def test_the_data_are_scored_where_arms_look_for_scores():
    study = QuickstartStudy.read(10, str(RECIPES), [])
    (score,) = study.scoring(1, START / "scoring", START).phases
    assert score.artefact == study.scores(START) == START / "data" / "scores" / "train.parquet"
    assert set(study.scoring(1, START / "scoring", START).fingerprint["configuration"]) == {"score"}


def test_the_time_of_every_phase_can_be_estimated():
    study = QuickstartStudy.read(10, str(RECIPES), [])
    arm = Arm(name="t", sft_first=(RECIPES / "answers.yaml",))
    plans = [study.start(1, START), study.arm(arm, 1, Path("arm"), START), study.scoring(1, Path("scoring"), START)]
    assert {phase.name for plan in plans for phase in plan.phases} <= set(study.typical_s) == set(TYPICAL_S)


def test_an_overlay_that_is_not_there_is_refused():
    with pytest.raises(SettingsError, match=r"--overlay grpo=none\.yaml: there is no file"):
        QuickstartStudy.read(10, str(RECIPES), ["grpo=none.yaml"])

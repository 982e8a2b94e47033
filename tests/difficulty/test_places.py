"""Scores beside the data have names that a reader tells apart, and are found again by the fingerprint alone."""

from pathlib import Path

from cogito_pl.data.source import Source
from cogito_pl.difficulty import CMAB, PISM
from cogito_pl.difficulty.balance import OFFICIAL, BalanceConfig
from cogito_pl.difficulty.places import changed, fingerprint, model_name, score_file, trial_folder
from cogito_pl.difficulty.scorer import Scorer

TRIALS = {"sampling": {"temperature": 0.3}, "seed": 4, "weights": "aa", "grading": {"variant": "default"}}


class Own(Scorer):
    """A scorer that cannot be made without arguments."""

    name, headline = "own", "failures"

    def __init__(self, tries):
        self.tries = tries

    def wanted(self, outcomes, images):
        return []

    def score(self, outcomes, images):
        return {}

    def settings(self):
        return {"tries": self.tries}


def test_a_name_tells_model_changed_settings_temperature_and_seed(tmp_path):
    source = Source(path=str(tmp_path), split="test")
    scorer = PISM(repeats=4, threshold=1.0, ratios=(0.0, 0.25))
    name = score_file(source, scorer, TRIALS, "Qwen/Qwen2.5-VL-7B-Instruct").name
    start, _, end = name.rpartition("-")
    assert start == (
        "test-pism-Qwen-Qwen2.5-VL-7B-Instruct-ratios=0.0_0.25-repeats=4-threshold=1.0-temperature=0.3-seed=4"
    )
    assert end == f"{fingerprint({'scorer': scorer.settings(), 'trials': TRIALS})}.parquet"


def test_the_settings_that_are_not_the_defaults_are_told_and_no_others():
    assert changed(PISM()) == changed(Own(3)) == []
    assert changed(PISM(fill="mean", wilson=1.96, threshold=0.5)) == ["threshold=0.5", "wilson=1.96", "fill=mean"]
    assert changed(CMAB(tries=7, balance=BalanceConfig(text="question"))) == ["tries=7", "text=question"]
    assert "layers=20" in changed(CMAB(balance=OFFICIAL))


def test_a_path_is_told_by_its_last_two_parts():
    assert model_name("runs/sft/lightning_logs/version_0/export") == "version_0-export"
    assert model_name("cogito_pl/playground/base") == "playground-base"
    assert model_name("") == ""


def test_trials_are_found_again_whatever_the_model_is_called_and_those_of_another_split_are_not(tmp_path):
    source, other = Source(path=str(tmp_path)), Source(path=str(tmp_path), split="test")
    folder = trial_folder(source, PISM(), TRIALS, "here/base")
    folder.mkdir(parents=True)
    assert trial_folder(source, PISM(repeats=3), TRIALS, "elsewhere/copy") == folder
    assert trial_folder(other, PISM(), TRIALS, "here/base") != folder
    assert trial_folder(source, PISM(), TRIALS | {"weights": "bb"}, "here/base") != folder
    assert trial_folder(source, PISM(), TRIALS | {"grading": {"variant": "vl_cogito"}}, "here/base") == folder


def test_names_hold_no_character_that_a_path_may_not(tmp_path):
    name = score_file(Source(path=str(tmp_path)), PISM(), TRIALS, "my models/a:b*?").name
    assert Path(name).name == name
    assert not set(name) & set(" :*?/")

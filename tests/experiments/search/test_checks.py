"""What is refused before anything runs."""

from pathlib import Path

import pytest
import yaml

from cogito_pl.experiments.ablation.arms import Arm
from cogito_pl.experiments.ablation.recipe import RecipeStudy
from cogito_pl.experiments.phases import SettingsError
from cogito_pl.experiments.search.checks import check, left_out, variants
from cogito_pl.experiments.search.options import read_options
from cogito_pl.experiments.search.search import Search
from tests.conftest import ROOT
from tests.experiments.search.conftest import HELD, SPACE

ODSW = "{trainer: {callbacks+: [{class_path: callbacks.ODSWReweighting, init_args: {shape: hard, zero_weight: 0.25}}]}}"
PART = "model.optimizer.lr"


def test_a_space_that_keeps_updates_completions_and_validation_passes(make_search):
    assert check(make_search()) is None  # it raises for any other


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"model.optimizer.lrr": {"low": 1.0, "high": 2.0}}, "space.model.optimizer.lrr: .*did you mean lr"),
        ({"trainer.callbacks.X.y": {"low": 1.0, "high": 2.0}}, "there is no X in that list, which has none; add it"),
        (
            {"model.schedule.group_size": {"choices": [4, 8]}},
            "space.model.schedule.group_size: with .'model.schedule.group_size': 8., completions_per_update is 64, in "
            "the recipe 32.*vary settings that belong together in one part",
        ),
        ({"model.schedule.updates": {"choices": [1, 2]}}, "updates is 16, in the recipe 8"),
        ({"trainer.max_epochs": {"low": 4, "high": 8, "step": 4}}, "updates is 16, in the recipe 8"),
        ({"trainer.max_steps": {"choices": [-1, 5]}}, r"trainer.max_steps is \[5\]|trainer.max_steps is 5"),
        ({"model.schedule.micro_batch": {"choices": [1, 5]}}, "space.model.schedule.micro_batch: .*choose a divisor"),
        ({"data.validation": {"choices": [HELD, []]}}, r"data.validation is \[\], in the recipe"),
        ({"model.evaluation.temperature": {"low": 0.5, "high": 1.0}}, "init_args.evaluation is .'temperature': 0.5"),
        ({PART: {"low": 0.1, "high": 2.0}}, r"the space, at .*2.0.*lr is too large"),
        ({"o": {"choices": {"a": "longer.yaml", "b": {}}}}, "space.o: with longer.yaml, updates is 10"),
    ],
)
def test_a_part_of_the_space_that_no_trial_can_have_is_refused(make_search, space, message):
    Path("longer.yaml").write_text("trainer: {max_epochs: 5}")
    search = make_search(space)
    with pytest.raises(SettingsError, match=message):
        check(search)


def test_a_recipe_without_validation_is_refused(make_search):
    Path("r.yaml").write_text("data: {validation: []}")
    with pytest.raises(SettingsError, match=r"the recipe has no data.validation, whose results .* not the test"):
        check(make_search())


def test_updates_that_cannot_be_counted_are_refused(make_search):
    Path("r.yaml").write_text("trainer: {max_epochs: null}")
    with pytest.raises(SettingsError, match="cannot be counted; give both as numbers"):
        check(make_search())


def test_a_value_that_is_read_as_another_is_refused(make_search, monkeypatch):
    search = make_search({PART: {"low": 0.1, "high": 0.2}})
    true = type(search.study).configuration

    def rounded(self, files):
        config = true(self, files)
        if files:
            config["model"]["init_args"]["optimizer"]["init_args"]["lr"] = 0.0
        return config

    monkeypatch.setattr(type(search.study), "configuration", rounded)
    with pytest.raises(SettingsError, match=f"train.py reads {PART}=0.1 as 0.0"):
        check(search)


def test_settings_of_a_callback_that_a_recipe_lacks_are_told_from_mistakes(make_search):
    Path("o.yaml").write_text(ODSW)
    space = SPACE | {"trainer.callbacks.ODSWReweighting.zero_weight": {"low": 0.0, "high": 1.0}}
    assert left_out(make_search(space)) == {"trainer.callbacks.ODSWReweighting.zero_weight"}
    with_odsw = make_search(space, arm=Arm(name="o", files=(Path("o.yaml"),)))
    assert left_out(with_odsw) == set()
    check(with_odsw)
    overlay = with_odsw.overlay({"trainer.callbacks.ODSWReweighting.zero_weight": 0.7})
    assert overlay["trainer"]["callbacks"][0]["init_args"] == {"shape": "hard", "zero_weight": 0.7}
    with pytest.raises(SettingsError, match=r"space.model.x: .*no setting 'x'"):
        left_out(make_search({"model.x": {"low": 1, "high": 2}}))


def test_overlays_of_a_space_are_variants_whose_data_must_be_there(make_search):
    Path("o.yaml").write_text("data: {train: [{path: elsewhere}]}")
    search = make_search(SPACE | {"data": {"choices": {"a": "o.yaml", "b": {}}}})
    assert [arm.files for arm in variants(search)] == [(), (Path("o.yaml"),)]
    assert search.overlay({"data": "a"}) == {"data": {"train": [{"path": "elsewhere"}]}}
    assert search.overlay({"data": "b"}) == {}


@pytest.mark.parametrize("file", sorted(ROOT.glob("configs/**/*.space.yaml")), ids=lambda file: file.stem)
def test_a_shipped_space_fits_the_recipe_it_names(file, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    study = yaml.safe_load(Path("configs/laboratory/reliability.study.yaml").read_text())
    search = Search(
        study=RecipeStudy(recipe=(Path(study["recipe"]),)),
        arm=Arm(name="odsw", files=(Path("configs/with/vl_cogito/hard_only.yaml"),)),
        options=read_options(file),
        run=tmp_path,
        starts=tmp_path,
    )
    check(search)
    assert {name.rpartition(".")[2] for name in search.options.space} == {
        "lr", "kl_coef", "clip_low", "clip_high", "rollouts", "shape", "zero_weight",
    }  # fmt: skip
    values = {"rollouts": "8 x 16", "trainer.callbacks.ODSWReweighting.shape": "easy"}
    config = search.configuration(search.choices(values))
    assert config["model"]["init_args"]["schedule"]["group_size"] == 16
    assert config["trainer"]["callbacks"][-1]["init_args"]["shape"] == "easy"

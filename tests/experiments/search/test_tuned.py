"""An ablation in which every arm has the best of equally many trials, with fits that only pretend to train."""

import json
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from cogito_pl.experiments import phases as running
from cogito_pl.experiments.ablation import drive as driving
from cogito_pl.experiments.ablation.arms import Ablation
from cogito_pl.experiments.ablation.drive import ablate
from cogito_pl.experiments.ablation.recipe import RecipeStudy
from cogito_pl.experiments.ablation.results import read_results
from cogito_pl.experiments.phases import SettingsError
from cogito_pl.experiments.record import OtherRunError
from cogito_pl.experiments.search.options import SearchOptions
from cogito_pl.experiments.search.results import read_search
from cogito_pl.experiments.search.space import read_space
from cogito_pl.experiments.search.tuned import searches_of, tuned
from cogito_pl.report.ablation import markdown
from tests.experiments.ablation.results import graded
from tests.experiments.search.conftest import SPACE, Pretender
from tests.experiments.search.test_checks import ODSW

LR, WEIGHT = "model.optimizer.lr", "trainer.callbacks.ODSWReweighting.zero_weight"
QUIET = Console(quiet=True)


class Grader(Pretender):
    """Grades too, and leaves what the runner reads of a fit."""

    def __call__(self, phase, arguments):
        if phase.name != "evaluate":
            super().__call__(phase, arguments)
            return
        self.ran.append("/".join(phase.folder.parts[-3:]))
        phase.artefact.parent.mkdir(parents=True, exist_ok=True)
        phase.artefact.write_text("".join(json.dumps(row) + "\n" for row in graded("+-++")))


@pytest.fixture
def pretend(monkeypatch, in_memory):
    grader = Grader()
    monkeypatch.setattr(running, "run_command", grader)
    monkeypatch.setattr(driving, "fit_configurations", lambda study, arm: [study.study.configuration(arm.files)])
    return grader


@pytest.fixture
def make(recipe):
    """An ablation of plain and of ODSW, and how their settings are searched for."""
    Path("o.yaml").write_text(ODSW)
    Path("t.yaml").write_text("data: {validation: [{path: test, columns: {}, samples: 1, sampling: {}}]}")

    def make(test="t.yaml", seeds=(1, 2), run="out", space=SPACE | {WEIGHT: {"low": 0.0, "high": 1.0}}, trials=4):
        study = RecipeStudy(recipe=(recipe,), test=(Path(test),) if test else (), samples=0)
        options = SearchOptions(space=read_space(space, ""), trials=trials, startup=2, seeds=(101,))
        return Ablation.read(study, ["odsw=o.yaml"], list(seeds), run), options

    return make


def test_every_arm_is_compared_at_its_own_best_of_equally_many_trials(pretend, make):
    ablation, options = make()
    best = tuned(ablation, options, QUIET)
    assert pretend.ran == [f"{n} seed101" for _ in range(2) for n in range(1, 5)]
    assert ablate(best, QUIET)
    found = read_results(ablation.run)
    for name, further in (("plain", set()), ("odsw", {WEIGHT})):
        search = read_search(Path("out/tuned/arms") / name)
        assert search["best"]["settings"].keys() == {LR, "sizes"} | further
        assert len(search["trials"]) == found["arms"][name]["tuned"]["trials"] == 4
        fit = yaml.safe_load(Path(f"out/seed2/arms/{name}/config/fit.yaml").read_text())
        assert fit["model"]["init_args"]["optimizer"]["init_args"]["lr"] == search["best"]["settings"][LR]
    listed = [own for own in fit["trainer"]["callbacks"] if own["class_path"] == "callbacks.ODSWReweighting"]
    assert listed[0]["init_args"]["zero_weight"] == search["best"]["settings"][WEIGHT]
    assert found["equal"] == {"updates": 8, "completions_per_update": 32} | {
        name: value for name, value in found["equal"].items() if name.startswith("trainer.")
    }
    assert [Path(file["file"]).name for file in found["arms"]["odsw"]["overlays"]] == ["o.yaml", "best.yaml"]
    text = markdown(found)
    assert "after 8 updates on 32 completions each, each arm at its own best settings; seeds 1, 2" in text
    shown = search["best"]["shown"]
    assert f"`{WEIGHT}` {shown[WEIGHT]}" in text
    assert f"plain, best of 4 trials ({found['arms']['plain']['tuned']['pruned']} pruned, " in text


def test_the_same_command_goes_on_and_makes_nothing_twice(pretend, make):
    ablation, options = make()
    ablate(tuned(ablation, options, QUIET), QUIET)
    before, _ = markdown(read_results(ablation.run)), pretend.ran.clear()
    assert ablate(tuned(ablation, options, QUIET), QUIET)
    assert pretend.ran == []
    assert markdown(read_results(ablation.run)) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": (1, 101)}, "--seeds 101 is a seed of the search too"),
        ({"test": None}, "--tuned: the test problems are the recipe's data.validation.*name others by --test"),
        ({"space": {WEIGHT: {"low": 0.0, "high": 1.0}}}, "the space names no setting of the arm plain"),
        ({"space": SPACE | {"trainer.callbacks.X.y": {"low": 0, "high": 1}}}, "callbacks.X.y: no arm has what it sets"),
        ({"space": SPACE | {"model.schedule.updates": {"choices": [1, 2]}}}, "updates is 16, in the recipe 8"),
    ],
)
def test_what_would_not_be_a_fair_comparison_is_refused_before_anything_runs(pretend, make, change, message):
    ablation, options = make(**change)
    with pytest.raises(SettingsError, match=message):
        tuned(ablation, options, QUIET)
    assert pretend.ran == []
    assert not ablation.run.exists()


def test_an_arm_of_another_size_is_refused_before_anything_runs(pretend, make):
    ablation, options = make()
    Path("o.yaml").write_text(ODSW[:-1] + ", data: {rollouts_per_epoch: 3}}")
    with pytest.raises(SettingsError, match="--with odsw: updates is 12, in the plain recipe 8"):
        tuned(ablation, options, QUIET)
    assert pretend.ran == []


def test_trials_that_fail_are_no_base_of_a_comparison(pretend, make):
    ablation, options = make()
    pretend.errors = {"3 seed101": ValueError("no memory")}
    with pytest.raises(SettingsError, match=r"arm plain: 1 of its trials failed \(ValueError: no memory\)"):
        tuned(ablation, options, QUIET)
    pretend.errors.clear()
    assert ablate(tuned(ablation, options, QUIET), QUIET)


def test_an_ablation_without_searches_is_not_continued_with_them(pretend, make):
    ablation, options = make()
    ablate(ablation, QUIET)
    with pytest.raises(OtherRunError, match="out holds an ablation without --tuned; choose another folder"):
        tuned(ablation, options, QUIET)


def test_the_searches_of_all_arms_share_their_starts(pretend, make):
    ablation, options = make()
    searches = searches_of(ablation, options)
    assert {search.starts for search in searches} == {Path("out/tuned")}
    assert len({search.run for search in searches}) == 2

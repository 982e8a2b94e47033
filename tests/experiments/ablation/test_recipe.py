"""Any recipe as what the arms of an ablation are variants of: what its phases would run."""

import copy
from pathlib import Path

import pytest
import yaml

from cogito_pl.experiments.ablation import recipe as module
from cogito_pl.experiments.ablation.arms import Ablation, Arm
from cogito_pl.experiments.ablation.configuration import resolved
from cogito_pl.experiments.ablation.drive import common_sizes, configurations
from cogito_pl.experiments.ablation.recipe import RecipeStudy
from cogito_pl.experiments.ablation.recipe_phases import moved
from cogito_pl.experiments.phases import SettingsError
from tests.experiments.ablation.studies import PretendStudy
from tests.experiments.ablation.test_fairness import config as sized
from tests.quickstart.conftest import RECIPES

SIZED = sized()
PREPARE = ("python -m tool --out {folder} --seed {seed}", "other '{folder}/a b'")
START = Path("run/seed4")


def given(path):
    """A source as it stands in a parsed configuration, as far as it is looked at."""
    return {"path": path, "columns": {}, "samples": 1, "sampling": {"temperature": None}}


def config(*files):
    """A stand-in for the parsed files: the last file that has a value decides."""
    values = {
        "seed_everything": 17,
        "trainer": {"callbacks": None},
        "model": {"init_args": {"policy": {}, "evaluation": {}}},
    }
    values["data"] = {"train": [given("D/train")], "validation": [given("D"), given("Data")]}
    for file in files:
        for name, own in (yaml.safe_load(file.read_text()) or {}).items():
            values[name] = values[name] | own if isinstance(own, dict) else own
    return values


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "r", "s", "t"):
        Path(f"{name}.yaml").write_text(f"trainer: {{{name}: 1}}")
    monkeypatch.setattr(module, "resolved", lambda files: copy.deepcopy(config(*files)))


def study(**changes):
    given = {"recipe": (Path("r.yaml"),), "start_recipe": (Path("s.yaml"),), "test": (Path("t.yaml"),), "samples": 2}
    return RecipeStudy(**{**given, **changes})


def test_a_seed_has_data_of_its_own_a_start_and_its_grades(here):
    data, fit, evaluate = study(prepare=PREPARE, data="D").start(4, START).phases
    assert data.commands == (
        ("python", "-m", "tool", "--out", "run/seed4/data", "--seed", "4"),
        ("other", "run/seed4/data/a b"),
    )
    assert data.shown()[1] == "other 'run/seed4/data/a b'"
    assert fit.overlay["data"]["train"] == [given("run/seed4/data/train")]
    assert fit.overlay["data"]["validation"] == [given("run/seed4/data"), given("Data")]  # another folder
    assert fit.overlay["trainer"].keys() >= {"s"}
    assert "r" not in fit.overlay["trainer"]
    assert (fit.overlay["seed_everything"], fit.overlay["model"]["init_args"]["policy"]) == (4, {})
    assert evaluate.overlay["model"]["init_args"]["policy"]["init_from"] == "run/seed4/start/export"


def test_without_a_start_recipe_arms_start_from_the_model_of_the_recipe(here):
    plain = study(start_recipe=(), test=())
    (evaluate,) = plain.start(4, START).phases
    fit, _ = plain.arm(Arm(name="plain"), 4, Path("arm"), START).phases
    assert evaluate.overlay["model"]["init_args"]["policy"] == fit.overlay["model"]["init_args"]["policy"] == {}
    tested = [source["path"] for source in evaluate.overlay["data"]["validation"]]
    assert tested == ["D", "Data"] * 2  # the recipe's own


def test_an_arm_is_fitted_with_its_files_from_the_start_and_graded_without_them(here):
    arm = Arm(name="t", files=(Path("a.yaml"),))
    fit, evaluate = study(prepare=PREPARE, data="D/").arm(arm, 4, Path("run/seed4/arms/t"), START).phases
    assert fit.overlay["trainer"].keys() >= {"r", "a"}
    assert fit.overlay["model"]["init_args"]["policy"]["init_from"] == "run/seed4/start/export"
    assert fit.overlay["data"]["train"] == [given("run/seed4/data/train")]
    assert fit.commands == (("fit", "--config", "run/seed4/arms/t/config/fit.yaml"),)
    assert evaluate.overlay["trainer"].keys() >= {"r", "t"}
    assert "a" not in evaluate.overlay["trainer"]
    assert evaluate.overlay["model"]["init_args"]["policy"]["init_from"] == str(fit.artefact.parent)


def option(command, name):
    return command[command.index(name) + 1]


def test_all_arms_of_a_seed_share_the_seeds_of_their_samples(here):
    one, other = (study().arm(Arm(name=name), 4, Path(name), START).phases[1] for name in ("one", "other"))
    start, later = study().start(4, START).phases[-1], study().arm(Arm(name="one"), 5, Path("one"), START).phases[1]
    drawn, *others = (each.overlay["seed_everything"] for each in (one, other, start, later))
    assert others[:2] == [drawn, drawn]
    assert others[2] != drawn


def test_one_validation_has_samples_at_temperature_1_and_greedy_completions_of_the_same_problems(here):
    evaluate = study().arm(Arm(name="one"), 4, Path("one"), START).phases[1]
    sampled, _, greedy, other = evaluate.overlay["data"]["validation"]
    assert (greedy["name"], other["name"]) == ("D (greedy)", "Data (greedy)")
    assert (sampled["samples"], sampled["sampling"]["temperature"]) == (2, 1.0)
    assert (greedy["samples"], greedy["sampling"]["temperature"]) == (1, None)
    assert evaluate.overlay["model"]["init_args"]["evaluation"]["temperature"] == 0.0
    assert sampled["path"] == greedy["path"]
    assert evaluate.artefact == Path("one/evaluate/validation.rank0.jsonl")


WRITER = {"class_path": "callbacks.DifficultyWriter", "init_args": {"path": "D/scores/p.parquet"}}


def test_the_start_model_scores_the_data_of_its_seed(here):
    Path("p.yaml").write_text(yaml.safe_dump({"trainer": {"callbacks": [WRITER]}}))
    own = study(score=(Path("p.yaml"),), prepare=PREPARE, data="D")
    _, fit, score, _ = own.start(4, START).phases
    assert [word for word in score.commands[0] if word == "predict"] == ["predict"]
    assert score.overlay["model"]["init_args"]["policy"]["init_from"] == str(fit.artefact.parent)
    assert score.artefact == START / "data/scores/p.parquet"
    assert score.overlay["trainer"]["callbacks"][0]["init_args"]["path"] == str(score.artefact)
    assert {phase.name for phase in own.start(4, START).phases} == own.typical_s.keys() - {"fit"}
    assert own.start(4, START).fingerprint != study(prepare=PREPARE, data="D").start(4, START).fingerprint


def test_scores_that_nobody_writes_are_refused_and_those_of_the_start_are_not(here, opened):
    Path("a.yaml").write_text("data: {strata: {file: D/scores/p.parquet}}")
    Path("r.yaml").write_text("data: {strata: null}")
    Path("s.yaml").write_text("data: {strata: null}")
    Path("p.yaml").write_text(yaml.safe_dump({"trainer": {"callbacks": [WRITER]}, "data": {"predict": [given("D")]}}))
    arm = Arm(name="a", files=(Path("a.yaml"),))
    with pytest.raises(SettingsError, match=r"a\.yaml: the scores .*p\.parquet do not exist; score the data before"):
        study(prepare=PREPARE, data="D").check([arm], START)
    study(prepare=PREPARE, data="D", score=(Path("p.yaml"),)).check([arm], START)
    before = len(opened)
    study(prepare=PREPARE, data="D", score=(Path("p.yaml"),)).check([], START)
    study(prepare=PREPARE, data="D").check([], START)
    assert opened[before:].count(("run/seed4/data",)) == 3 + 2  # the scored source, and those of start and test


def test_a_test_whose_sizes_do_not_fit_those_of_the_recipe_is_refused_before_anything_runs(here, opened):
    Path("r.yaml").write_text("data: {strata: null}")
    schedule = "{prompts: 8, group_size: 1, updates: 4, micro_batch: 8}"
    Path("t.yaml").write_text(f"model: {{init_args: {{policy: {{}}, evaluation: {{}}, schedule: {schedule}}}}}")
    own = study(start_recipe=())
    with pytest.raises(SettingsError, match=r"r\.yaml \+ t\.yaml: schedule\.micro_batch=8 does not divide the 2"):
        own.check([], START)


def test_scores_without_a_file_are_refused(here):
    Path("p.yaml").write_text("{}")
    with pytest.raises(SettingsError, match=r"--score p\.yaml names no file for its scores"):
        study(score=(Path("p.yaml"),)).start(4, START)


def test_without_samples_greedy_completions_are_graded_alone(here):
    tested = study(samples=0).start(4, START).phases[-1].overlay["data"]["validation"]
    assert [(source["path"], source["samples"]) for source in tested] == [("D", 1), ("Data", 1)]


def test_an_export_of_the_recipe_is_led_into_the_run_and_its_other_callbacks_are_kept(here):
    Path("r.yaml").write_text(
        "trainer: {callbacks: [{class_path: callbacks.HFExport, init_args: {path: precious}}, {class_path: mine}]}"
    )
    fit, evaluate = study().arm(Arm(name="plain"), 4, Path("arm"), START).phases
    names = [own["class_path"] for own in fit.overlay["trainer"]["callbacks"]]
    assert names == ["mine", "callbacks.HFExport", "cogito_pl.experiments.bar.PhaseBar"]
    assert "precious" not in yaml.safe_dump(fit.overlay)
    assert "mine" not in yaml.safe_dump(evaluate.overlay)


def test_an_arm_that_changes_the_seed_has_rollouts_of_its_own_in_every_seed_and_the_same_grading(here):
    Path("a.yaml").write_text("seed_everything: 99")
    arms = Arm(name="plain"), Arm(name="copy", files=(Path("a.yaml"),))
    plain, copy, later = (
        study().arm(arm, seed, Path("arm"), START).phases for arm, seed in ((arms[0], 4), (arms[1], 4), (arms[1], 5))
    )
    seeds = [fit.overlay["seed_everything"] for fit, _ in (plain, copy, later)]
    assert seeds[0] == 4
    assert len(set(seeds)) == 3
    assert plain[1].commands == copy[1].commands
    assert common_sizes({"plain": [SIZED | {"seed_everything": 4}], "copy": [SIZED]}, study())
    with pytest.raises(SettingsError, match="seed_everything is 1, in the plain recipe 4"):
        common_sizes({"plain": [SIZED | {"seed_everything": 4}], "copy": [SIZED]}, PretendStudy())


def test_a_single_callback_need_not_be_a_list(here):
    Path("r.yaml").write_text("trainer: {callbacks: {class_path: mine}}")
    fit, _ = study().arm(Arm(name="plain"), 4, Path("arm"), START).phases
    assert fit.overlay["trainer"]["callbacks"][0] == {"class_path": "mine"}


@pytest.mark.parametrize("changed", ["r.yaml", "a.yaml", "t.yaml"])
def test_a_changed_file_is_another_run(here, changed):
    arm = Arm(name="t", files=(Path("a.yaml"),))
    before = study().arm(arm, 4, Path("arm"), START).fingerprint
    Path(changed).write_text("trainer: {r: 2}")
    assert study().arm(arm, 4, Path("arm"), START).fingerprint != before


def test_a_changed_recipe_is_not_another_start_but_other_samples_and_data_are(here):
    before = study(start_recipe=(Path("s.yaml"),)).start(4, START).fingerprint
    assert study(samples=3).start(4, START).fingerprint != before
    assert study(prepare=PREPARE, data="D").start(4, START).fingerprint != before
    assert study().start(4, START).fingerprint == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": ()}, "--recipe is missing"),
        ({"test": (Path("none.yaml"),)}, "--test none.yaml: there is no such file"),
        ({"start_recipe": (Path("none.yaml"),)}, "--start none.yaml"),
        ({"samples": -1}, "--samples -1 is negative"),
        ({"prepare": PREPARE}, "--prepare and --data belong together"),
        ({"data": "D"}, "--prepare and --data belong together"),
        ({"prepare": ("make data",), "data": "D"}, r"--prepare 'make data' does not say \{folder\}"),
        ({"prepare": PREPARE, "data": "E"}, "--data E: no path of the recipe"),
    ],
)
def test_a_study_that_cannot_be_is_refused_with_the_remedy(here, changes, message):
    with pytest.raises(SettingsError, match=message):
        study(**changes).start(1, START)


def test_a_start_may_have_data_that_all_seeds_share(here):
    Path("s.yaml").write_text("data: {train: [{path: elsewhere}], validation: []}")
    _, fit, _ = study(prepare=PREPARE, data="D").start(4, START).phases
    assert fit.overlay["data"]["train"] == [{"path": "elsewhere"}]


@pytest.fixture
def opened(monkeypatch):
    """The paths of the sources that are opened, with the columns that they must have."""
    found = []
    note = lambda sources, by=(): found.extend((source["path"], *by) for source in sources)  # noqa: E731
    monkeypatch.setattr(module, "check_sources", note)
    return found


def test_the_data_of_start_recipe_arms_and_test_are_opened(here, opened):
    for name in ("r", "s", "a", "t"):
        Path(f"{name}.yaml").write_text(f"data: {{train: [{{path: D/{name}}}], validation: [], strata: null}}")
    Path("t.yaml").write_text("data: {validation: [{path: D/test}], strata: null}")
    own = study(prepare=PREPARE, data="D", by=("topic",))
    own.check([Arm(name="plain"), Arm(name="t", files=(Path("a.yaml"),))], START)
    assert opened == [*((f"run/seed4/data/{name}",) for name in ("s", "r", "a")), ("run/seed4/data/test", "topic")]


def test_a_recipe_without_anything_to_grade_on_is_refused(here, opened):
    for name in ("r", "s"):
        Path(f"{name}.yaml").write_text("data: {validation: [], strata: null}")
    with pytest.raises(SettingsError, match=r"--test is missing, and the recipe has no data\.validation"):
        study().check([Arm(name="plain")], START)


def test_an_arm_that_draws_from_scores_that_are_not_there_is_refused(here, opened):
    for name in ("r", "s"):
        Path(f"{name}.yaml").write_text("data: {strata: null}")
    Path("a.yaml").write_text("data: {strata: {file: D/scores.parquet}}")
    arms = [Arm(name="t", files=(Path("a.yaml"),))]
    with pytest.raises(SettingsError, match=r"a\.yaml: the scores run/seed4/data/scores\.parquet do not exist"):
        study(prepare=PREPARE, data="D").check(arms, START)
    Path("D").mkdir()
    Path("D/scores.parquet").touch()
    study().check(arms, START)


def test_an_sft_fit_of_an_arm_is_refused(here):
    with pytest.raises(SettingsError, match="--sft-first t"):
        study().arm(Arm(name="t", sft_first=(Path("a.yaml"),)), 1, Path("arm"), START)


def test_paths_are_moved_wherever_they_stand_and_nothing_else():
    values = {"file": "D/x", "more": ["D", "DD/x", "a D/x", 3, None, {"deep": "D/y/z"}]}
    assert moved(values, "D", "new") == {
        "file": "new/x",
        "more": ["new", "DD/x", "a D/x", 3, None, {"deep": "new/y/z"}],
    }


def test_the_seeds_share_their_test_unless_each_has_data_of_its_own(here):
    assert study().same_test
    assert not study(prepare=PREPARE, data="D").same_test


def test_a_parsed_recipe_says_the_same_again(tmp_path):
    """What is written for a phase is read by `train.py` as the files that it was made of."""
    files = [RECIPES / "grpo.yaml", RECIPES / "stages.yaml"]
    own = resolved(files)
    assert own["model"]["init_args"]["loss"]["kl_coef"] == 0.1
    again = tmp_path / "whole.yaml"
    again.write_text(yaml.safe_dump(own))
    assert resolved([again]) == own


def test_a_recipe_that_is_refused_is_named(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("model: {init_args: {group_sizes: 1}}")
    with pytest.raises(SettingsError, match=r"(?s)wrong\.yaml.*group_sizes"):
        Ablation.read(RecipeStudy(recipe=(RECIPES / "grpo.yaml", wrong)), [], [1], str(tmp_path / "run"))


def test_the_sizes_of_arms_are_read_off_the_whole_configurations(here, monkeypatch):
    ablation = Ablation.read(study(), ["a.yaml"], [4], "run")
    monkeypatch.setattr(
        "cogito_pl.experiments.ablation.configuration.parsed", lambda fit: pytest.fail("parsed a second time")
    )
    found = configurations(ablation)
    assert found["a"][0]["trainer"].keys() >= {"a"}
    assert "a" not in found["plain"][0]["trainer"]

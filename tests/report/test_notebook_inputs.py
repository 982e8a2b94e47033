"""COGITO_RUN, COGITO_DATA and COGITO_MODEL name what a notebook shows; without them it is the notebook's default."""

import json
import shutil

import pytest
import yaml

from callbacks import DifficultyWriter
from cogito_pl.difficulty import CMAB, PISM
from cogito_pl.difficulty.attention_records import kept_records
from cogito_pl.policy import Policy, PolicyConfig, SamplingConfig
from cogito_pl.report.notebook_inputs import Inputs, own_inputs, own_source, read_problems, trials_of
from cogito_pl.rewards import GradeOptions, Reward, RewardConfig
from tests.modules.scoring import Coin, CoinVerdicts, score_data, score_module
from tests.modules.training import trainer

DEFAULT = Inputs(policy=PolicyConfig(name="base"), reward=RewardConfig(), sampling=SamplingConfig(max_tokens=7))


def run_folder(folder, module, data, seed=3, callbacks=()):
    config = {
        "seed_everything": seed,
        "trainer": {"callbacks": list(callbacks)},
        "model": {"class_path": "cogito_pl.modules.AnyModule", "init_args": module},
        "data": {"predict": [], "validation": [], "train": []} | data,
    }
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return {"COGITO_RUN": str(folder)}


def test_without_variables_the_default_is_shown():
    assert own_inputs(DEFAULT, {"HOME": "/", "COGITO_RUN": ""}) == DEFAULT


def test_data_are_a_path_a_mapping_or_a_file_with_a_mapping(tmp_path):
    (tmp_path / "rows.jsonl").write_text("")
    assert own_source(str(tmp_path / "rows.jsonl")).path == str(tmp_path / "rows.jsonl")
    text = "{path: rows.parquet, kind: number, columns: {question: q}, limit: 3}"
    (tmp_path / "source.yaml").write_text(text)
    source = own_source(text)
    assert (source.path, source.kind, source.columns.question, source.limit) == ("rows.parquet", "number", "q", 3)
    assert own_source(str(tmp_path / "source.yaml")) == source
    assert own_inputs(DEFAULT, {"COGITO_DATA": text}).source == source


def test_a_training_run_gives_its_export_its_validation_data_and_how_it_validates(tmp_path):
    module = {
        "policy": {"name": "base", "instruction": "Briefly.", "lora": {"rank": 2}},
        "reward": {"grading": {"markers": ["so"]}},
        "sampling": {"max_tokens": 9, "temperature": 1.0},
        "evaluation": {"max_tokens": 9, "temperature": 0.0},
    }
    environment = run_folder(tmp_path / "run", module, {"validation": [{"path": "v"}], "train": [{"path": "t"}]})
    with pytest.raises(ValueError, match="has no export of its weights; train with callbacks"):
        own_inputs(DEFAULT, environment)
    (tmp_path / "run/export").mkdir()
    found = own_inputs(DEFAULT, environment)
    assert found.policy.init_from == str(tmp_path / "run/export")
    assert (found.policy.instruction, found.policy.lora.rank) == ("Briefly.", 2)
    assert found.reward == RewardConfig(grading=GradeOptions(markers=("so",)))
    assert found.sampling == SamplingConfig(max_tokens=9, temperature=0.0)
    assert (found.source.path, found.seed, found.scorer, found.trials) == ("v", 3, None, None)
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text("{}")
    named = own_inputs(DEFAULT, environment | {"COGITO_MODEL": str(tmp_path / "model"), "COGITO_DATA": "{path: other}"})
    assert (named.policy.name, named.policy.init_from) == (str(tmp_path / "model"), None)
    assert named.policy.instruction == "Briefly."
    assert named.source.path == "other"


def test_a_scoring_run_and_its_folder_of_trials_lead_to_the_same_records(tiny_folder, playground_folder, tmp_path):
    path = tmp_path / "scores.parquet"
    data, scorer = score_data(playground_folder, limit=9), CMAB(tries=3, maps=True)
    module = score_module(tiny_folder, scorer, seed=5)
    trainer(tmp_path, CoinVerdicts(), DifficultyWriter(str(path))).predict(module, data)
    bare = own_inputs(DEFAULT, {"COGITO_RUN": str(path.with_suffix(".trials"))})
    assert (bare.seed, bare.sampling, bare.source) == (5, module.sampling, None)
    settings = {
        "policy": {"name": str(tiny_folder)},
        "scorer": {"class_path": "cogito_pl.difficulty.CMAB", "init_args": {"tries": 3, "maps": True}},
        "sampling": vars(module.sampling),
    }
    source = {"path": str(playground_folder), "subset": "train", "split": "train", "limit": 9}
    writer = {"class_path": "callbacks.DifficultyWriter", "init_args": {"path": str(path)}}
    run = own_inputs(DEFAULT, run_folder(tmp_path / "run", settings, {"predict": [source]}, 5, [writer]))
    policy, reward = Policy(run.policy), Reward(RewardConfig())
    assert trials_of(run, policy, reward) == trials_of(bare, policy, reward) == path.with_suffix(".trials")
    problems = read_problems(run, policy.encoder, reward, limit=20)
    reward.close()
    assert len(problems) == 9
    assert kept_records(path.with_suffix(".trials"), problems)


def test_trials_beside_the_data_are_found_by_what_they_depend_on(tiny_folder, playground_folder, tmp_path):
    shutil.copytree(playground_folder, tmp_path / "data")  # scores are written beside the data
    data = score_data(tmp_path / "data", part="validation", limit=4)
    trainer(tmp_path, CoinVerdicts(), DifficultyWriter()).predict(
        module := score_module(tiny_folder, CMAB(tries=2), seed=5), data
    )
    run = Inputs(
        policy=PolicyConfig(name=str(tiny_folder)),
        reward=RewardConfig(),
        sampling=module.sampling,
        seed=5,
        source=data.predict_sources[0],
        scorer=CMAB(tries=7),
    )
    policy = Policy(run.policy)
    found = trials_of(run, policy, Coin())
    assert json.loads((found / "settings.json").read_text())["seed"] == 5
    for other in ({"seed": 6}, {"scorer": PISM()}, {"scorer": CMAB(maps=True)}):
        assert trials_of(Inputs(**(vars(run) | other)), policy, Coin()) is None


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"COGITO_DATA": "no/such.jsonl"}, r"COGITO_DATA=no/such.jsonl does not exist; name a folder"),
        ({"COGITO_DATA": "{pth: x}"}, "COGITO_DATA: .*pth"),
        ({"COGITO_RUN": "no/such"}, "COGITO_RUN=no/such is no run of train.py"),
        ({"COGITO_MODEL": "no/such"}, "COGITO_MODEL=no/such is no model folder"),
    ],
    ids=["path", "mapping", "run", "model"],
)
def test_what_cannot_be_used_is_named_with_its_variable(environment, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        own_inputs(DEFAULT, environment)

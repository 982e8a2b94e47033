"""Scoring through the trainer: what it leaves on disk, and that kills, ranks and batches leave no trace in it."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
import yaml

from callbacks import DifficultyWriter
from cogito_pl.data.source import Source
from cogito_pl.difficulty import CMAB, PISM, PassRate
from cogito_pl.difficulty.trials import OtherTrialsError, TrialStore
from cogito_pl.rewards import GradeOptions, RewardConfig, Verdict, Verifier
from tests.conftest import ROOT
from tests.modules.scoring import CoinVerdicts, score_data, score_module
from tests.modules.training import trainer


class Generous(Verifier):
    """Calls every answer correct that can be found at all, so as to give other verdicts than the shipped ones."""

    def judge(self, answer, gold, choices, options):
        return Verdict.of(True, "generous")


class NothingIsCorrect(CoinVerdicts):
    """Has a grader that accepts nothing grade."""

    def setup(self, trainer, module, stage):
        super().setup(trainer, module, stage)
        score = module.reward.score
        wrong = lambda result: replace(result, grades=[replace(one, correct=False) for one in result.grades])  # noqa: E731
        module.reward.score = lambda *what: wrong(score(*what))


def predict(folder, module, data, path=None):
    path = path or folder / "scores.parquet"
    trainer(folder, CoinVerdicts(), DifficultyWriter(str(path))).predict(module, data)
    return path


@pytest.fixture(scope="module")
def scored(tiny_folder, playground_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    return predict(folder, score_module(tiny_folder), score_data(playground_folder))


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_problem_has_a_score_in_the_order_of_the_data(scored, playground_folder):
    rows = pq.read_table(scored).to_pylist()
    ids = pq.read_table(playground_folder / "data/train-00000-of-00001.parquet", columns=["id"])["id"].to_pylist()
    assert [row["id"] for row in rows] == ids[:14]
    assert len({row["lambda_star"] for row in rows}) > 1
    assert all(row["solved"] == (row["lambda_star"] > 0) for row in rows)
    assert scored.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    metadata = json.loads(pq.read_schema(scored).metadata[b"cogito_pl"])
    assert metadata["scorer"]["threshold"] == 0.25
    assert metadata["trials"]["seed"] == 17
    assert metadata["trials"]["grading"] == {"verifier": "coin"}


def test_every_trial_is_on_disk_with_its_response(scored):
    trials = lines(scored.with_suffix(".trials") / "trials.rank0.jsonl")
    assert len({(t["id"], t["ratio"], t["repeat"]) for t in trials}) == len(trials)
    needed = sum(sum(row["n_done"]) for row in pq.read_table(scored).to_pylist())
    assert len(trials) >= needed
    assert any(trial["response"] for trial in trials)


def test_a_finished_scoring_runs_nothing_again_and_a_longer_one_only_what_is_new(
    scored, tiny_folder, playground_folder, tmp_path, monkeypatch
):
    before = scored.read_bytes()
    monkeypatch.setattr("cogito_pl.policy.Policy.sample", None)
    predict(tmp_path, score_module(tiny_folder), score_data(playground_folder), scored)
    assert scored.read_bytes() == before
    with pytest.raises(TypeError):
        predict(tmp_path, score_module(tiny_folder), score_data(playground_folder, limit=15), scored)


def test_batches_and_pools_change_no_score(scored, tiny_folder, playground_folder, tmp_path):
    module = score_module(tiny_folder, rollout_batch_size=5, least_rows=1, pool=3)
    other = predict(tmp_path, module, score_data(playground_folder))
    assert other.read_bytes() == scored.read_bytes()


def test_scores_of_another_seed_or_model_are_refused_and_another_threshold_is_not(
    scored, tiny_folder, playground_folder, tmp_path
):
    data = score_data(playground_folder)
    with pytest.raises(OtherTrialsError, match="seed: 17 there, 18 now"):
        predict(tmp_path, score_module(tiny_folder, seed=18), data, scored)
    with pytest.raises(OtherTrialsError, match="hidden"):
        predict(tmp_path, score_module(tiny_folder, PISM(fill="mean")), score_data(playground_folder), scored)
    module = score_module(tiny_folder)
    module.configure_model()
    module.policy.model.model.language_model.layers[1].mlp.up_proj.weight.data[3] += 1e-3
    module.before_sharding()
    with pytest.raises(OtherTrialsError, match="weights"):
        predict(tmp_path, module, score_data(playground_folder), scored)
    store = TrialStore.read(scored.with_suffix(".trials"), score_settings(scored))
    assert len(store) == len(lines(scored.with_suffix(".trials") / "trials.rank0.jsonl"))


def score_settings(path):
    return json.loads((path.with_suffix(".trials") / "settings.json").read_text())


def with_reward(folder, tiny, problems, path, reward):
    """Scores by the real grader; gives the rows and what was logged at the end."""
    scorer = PassRate(repeats=2)
    module = score_module(tiny, scorer, reward=reward)
    trainer(folder, DifficultyWriter(str(path))).predict(module, score_data(problems, limit=5))
    return pq.read_table(path).to_pylist(), module.spent


def test_a_changed_verifier_regrades_stored_responses_and_samples_none(
    tiny_folder, playground_folder, tmp_path, monkeypatch
):
    path = tmp_path / "scores.parquet"
    rows, spent = with_reward(tmp_path, tiny_folder, playground_folder, path, RewardConfig())
    assert ([row["n_ok"] for row in rows], spent.trials) == ([0] * 5, 10)
    monkeypatch.setattr("cogito_pl.policy.Policy.sample", None)
    generous = RewardConfig(verifiers={"number": Generous(), "choice": Generous(), "text": Generous()})
    rows, spent = with_reward(tmp_path, tiny_folder, playground_folder, path, generous)
    assert ([row["n_ok"] for row in rows], spent.trials) == ([2] * 5, 0)
    assert (
        "Generous" in json.loads(pq.read_schema(path).metadata[b"cogito_pl"])["trials"]["grading"]["verifiers"]["text"]
    )
    rows, _ = with_reward(tmp_path, tiny_folder, playground_folder, path, RewardConfig())
    assert [row["n_ok"] for row in rows] == [0] * 5


def test_without_a_path_another_verifier_finds_the_same_trials_and_has_scores_of_its_own(
    tiny_folder, playground_folder, tmp_path, monkeypatch
):
    source = tmp_path / "mine"
    source.mkdir()
    table = pq.read_table(playground_folder / "data/train-00000-of-00001.parquet")
    pq.write_table(table.slice(0, 3), source / "part.parquet")
    for reward in (RewardConfig(), RewardConfig(grading=GradeOptions(markers=("so",)))):
        data = score_data(source, part=None, limit=None)
        data.predict_sources = (Source(path=str(source)),)
        trainer(tmp_path, DifficultyWriter()).predict(score_module(tiny_folder, PassRate(2), reward=reward), data)
        monkeypatch.setattr("cogito_pl.policy.Policy.sample", None)
    assert len(list((source / ".scores").glob("*.trials"))) == 1
    assert len(list((source / ".scores").glob("*.parquet"))) == 2


def test_scoring_encodes_every_image_once_and_by_itself(tiny_folder, playground_folder, tmp_path, monkeypatch):
    module, sizes = score_module(tiny_folder, CMAB(tries=3), least_rows=1), []
    module.configure_model()
    real = type(module.policy.family).encode_images

    def encode_images(family, model, fields):
        sizes.append(len(fields["image_grid_thw"]))
        return real(family, model, fields)

    monkeypatch.setattr(type(module.policy.family), "encode_images", encode_images)
    data = score_data(playground_folder)
    trainer(tmp_path, NothingIsCorrect()).predict(module, data)
    images = {image.digest() for problem in data.predict_problems[0] for image in problem.images}
    assert module.spent.prefills == 2 * 14  # each prompt is read twice, its images are not encoded again
    assert sizes == [1] * len(images)
    assert not any(parameter.requires_grad for parameter in module.policy.parameters())


def test_the_end_of_a_scoring_says_what_it_has_spent(tiny_folder, playground_folder, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("cogito_pl.modules.score.rank_zero_info", said.append)
    data = score_data(playground_folder)
    trainer(tmp_path, NothingIsCorrect()).predict(score_module(tiny_folder, CMAB(tries=5), least_rows=1), data)
    assert said == ["ran 70 trials, with 28 prefills of their prompts, for 14 problems: 5.0 and 2.0 each"]


def test_scores_lie_beside_the_data_where_its_readers_do_not_see_them(tiny_folder, playground_folder, tmp_path):
    (tmp_path / "mine").mkdir()
    table = pq.read_table(playground_folder / "data/train-00000-of-00001.parquet")
    pq.write_table(table.slice(0, 6), tmp_path / "mine/part.parquet")  # no card says which files are data

    def score(scorer):
        data = score_data(tmp_path / "mine", part=None, limit=None)
        data.predict_sources = (type(data.predict_sources[0])(path=str(tmp_path / "mine")),)
        fit = trainer(tmp_path, CoinVerdicts(), DifficultyWriter())
        return fit.predict(score_module(tiny_folder, scorer), data)

    for scorer in (PassRate(repeats=2), PISM(repeats=2, threshold=0.5), PISM(repeats=3, threshold=0.4)):
        assert sum(map(len, score(scorer))) == 6  # the scores before it were not read as data
    names = sorted(path.name for path in (tmp_path / "mine/.scores").iterdir())
    assert sum(name.endswith(".parquet") for name in names) == 3
    assert sum(name.endswith(".trials") for name in names) == 2  # a threshold shares its trials with the other
    assert all(name.startswith(("train-pism-", "train-pass_rate-")) for name in names)


def test_only_predict_scores(tiny_folder, playground_folder, tmp_path):
    with pytest.raises(ValueError, match=r"run `train\.py predict`"):
        trainer(tmp_path).validate(score_module(tiny_folder), score_data(playground_folder))


def test_a_checkpoint_is_named_as_the_start_of_the_policy_and_not_loaded_later(tiny_folder):
    with pytest.raises(ValueError, match=r"policy\.init_from"):
        score_module(tiny_folder).on_load_checkpoint({})


def test_a_run_without_sources_to_score_says_so(tiny_folder, tmp_path, playground_folder):
    data = score_data(playground_folder)
    data.predict_sources = ()
    with pytest.raises(ValueError, match=r"data\.predict is empty"):
        trainer(tmp_path).predict(score_module(tiny_folder), data)


def command_line(folder, tiny, problems, trainer_settings):
    settings = {
        "trainer": {
            "accelerator": "cpu", "default_root_dir": str(folder), "logger": False, "enable_progress_bar": False,
            "callbacks": [
                {"class_path": "tests.modules.scoring.CoinVerdicts"},
                {"class_path": "callbacks.DifficultyWriter", "init_args": {"path": str(folder / "scores.parquet")}},
            ],
        } | trainer_settings,
        "model": {
            "class_path": "cogito_pl.modules.ScoreModule",
            "init_args": {
                "policy": {"name": str(tiny)},
                "scorer": {
                    "class_path": "cogito_pl.difficulty.PISM",
                    "init_args": {"ratios": [0.0, 0.3, 0.6], "repeats": 4, "threshold": 0.25},
                },
                "sampling": {"max_tokens": 6, "temperature": 1.0}, "pool": 4, "rollout_batch_size": 16, "least_rows": 8,
            },
        },
        "data": {"predict": [{"path": str(problems), "subset": "train", "split": "train", "limit": 14}]},
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    (folder / "recipe.yaml").write_text(yaml.safe_dump(settings))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "train.py", "predict", "--config", str(folder / "recipe.yaml")],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_two_ranks_leave_the_scores_of_one(scored, tiny_folder, playground_folder, tmp_path, strategy):
    sharded = {
        "class_path": "lightning.pytorch.strategies.ModelParallelStrategy",
        "init_args": {"data_parallel_size": 2, "tensor_parallel_size": 1},
    }
    ranks = {"devices": 2, "strategy": sharded if strategy == "fsdp2" else "ddp"}
    done = command_line(tmp_path, tiny_folder, playground_folder, ranks)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "scores.parquet").read_bytes() == scored.read_bytes()
    assert len(list((tmp_path / "scores.trials").glob("trials.rank*.jsonl"))) == 2
    assert all(lines(path) for path in (tmp_path / "scores.trials").glob("trials.rank*.jsonl"))

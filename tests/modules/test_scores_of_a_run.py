"""`predict` writes scores of several sources; `fit` reads them all and refuses those that are not of the run."""

import json
import shutil
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from callbacks import DifficultyWriter
from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.data.score_files import ScoreFile
from cogito_pl.data.score_match import problem_digest
from cogito_pl.data.score_origin import OtherScoresError
from cogito_pl.data.source import Source
from cogito_pl.data.strata import StrataConfig
from cogito_pl.data.subset import SubsetConfig
from cogito_pl.difficulty import PassRate
from cogito_pl.policy import PolicyConfig, SamplingConfig
from cogito_pl.policy.config import LoRAConfig
from cogito_pl.rewards import RewardConfig
from cogito_pl.rewards.verifier.options import GradeOptions
from tests.modules.scoring import score_module
from tests.modules.training import grpo, trainer

PROMPT = {"instruction": "Answer in tags."}


@pytest.fixture(scope="module")
def sources(playground_folder, tmp_path_factory):
    """Two data sets whose ids are row numbers, so that they share all of them."""
    found = []
    for name, start in (("one", 0), ("two", 3)):
        folder = tmp_path_factory.mktemp(name) / name
        folder.mkdir()
        table = pq.read_table(playground_folder / "data/train-00000-of-00001.parquet").drop_columns(["id"])
        pq.write_table(table.slice(start, 3), folder / "rows.parquet")
        found.append(Source(path=str(folder)))
    return tuple(found)


@pytest.fixture(scope="module")
def scores(tiny_folder, sources, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    predict(tiny_folder, folder, sources, folder / "scores")
    return folder / "scores"


def predict(tiny, folder, sources, path, **policy):
    module = score_module(
        tiny, PassRate(repeats=1), policy=PolicyConfig(name=str(tiny), **(PROMPT | policy)),
        sampling=SamplingConfig(max_tokens=2),
    )  # fmt: skip
    data = ReasoningDataModule(predict=sources)
    trainer(folder, DifficultyWriter(path and str(path))).predict(module, data)
    return data


def fit(tiny, folder, sources, scores, *, policy=(), reward=None, allow_other=(), **data):
    strata = StrataConfig(scorer="pass_rate", file=str(scores), allow_other=allow_other)
    source = ReasoningDataModule(**({"train": sources, "strata": strata, "rollouts_per_epoch": 1} | data))
    module = grpo(
        tiny, policy=PolicyConfig(name=str(tiny), **(PROMPT | dict(policy))), sampling=SamplingConfig(max_tokens=2),
        reward=reward or RewardConfig(),
    )  # fmt: skip
    trainer(folder, max_steps=1).fit(module, source)
    return source.train_problems


def test_every_source_gets_a_file_that_states_what_its_scores_are_of(scores, sources):
    assert sorted(path.name for path in scores.glob("*.parquet")) == ["one.parquet", "two.parquet"]
    for name in ("one", "two"):
        file = ScoreFile.of(scores / f"{name}.parquet")
        assert {row["source"] for row in file.rows} == {name}
        assert len({row["problem"] for row in file.rows}) == 3
        assert {row["stratum"] for row in file.rows} <= {"unsolved", "easy"}
        assert file.about["origin"]["prompt"]["instruction"] == "Answer in tags."
        assert file.about["origin"]["source"] == name
        assert file.about["scorer"]["name"] == "pass_rate"
        assert file.about["strata"]["thresholds"] == [0.25, 0.5]


def test_a_fit_reads_the_scores_of_all_its_sources_from_the_folder(tiny_folder, tmp_path, sources, scores):
    problems = fit(tiny_folder, tmp_path, sources, scores)
    assert [(p.source, p.id) for p in problems] == [(name, str(n)) for name in ("one", "two") for n in range(3)]
    rows = {(r["source"], r["id"]): r for name in ("one", "two") for r in ScoreFile.of(scores / f"{name}.parquet").rows}
    for problem in problems:
        row = rows[problem.source, problem.id]
        assert row["stratum"] == problem.meta["stratum"]
        assert row["problem"] == problem_digest(replace(problem, meta={}))


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_precision_and_new_adapters_make_no_other_model(tiny_folder, tmp_path, sources, dtype):
    predict(tiny_folder, tmp_path, sources[:1], tmp_path / "scores.parquet", dtype=dtype)
    lora = {"lora": LoRAConfig(rank=2)}
    assert fit(tiny_folder, tmp_path, sources[:1], tmp_path / "scores.parquet", policy=lora)


def test_scores_of_another_data_set_with_the_same_ids_are_refused(tiny_folder, tmp_path, sources, scores):
    pretending = replace(sources[1], name="one")
    with pytest.raises(OtherScoresError, match=r"of other data: 3 of 3 problems .*allow_other=\[data\]"):
        fit(tiny_folder, tmp_path, (pretending,), scores / "one.parquet")


def test_scores_of_another_prompt_or_verifier_are_refused_together_with_every_setting(
    tiny_folder, tmp_path, sources, scores
):
    other = {"policy": {"instruction": "Box it."}, "reward": RewardConfig(grading=GradeOptions(decimals=2))}
    told = (
        r"scores of another prompt and verifier \(prompt.instruction: 'Answer in tags.' there, 'Box it.' here; "
        r"verifier.options.decimals: None there, 2 here\).*data.strata.allow_other=\[prompt, verifier\]"
    )
    with pytest.raises(OtherScoresError, match=told):
        fit(tiny_folder, tmp_path, sources, scores, **other)
    assert fit(tiny_folder, tmp_path, sources, scores, **other, allow_other=("prompt", "verifier"))


def test_scores_of_another_model_are_refused_and_named(tiny_folder, tmp_path, sources, scores):
    changed = tmp_path / "changed"
    shutil.copytree(tiny_folder, changed)
    from safetensors.torch import load_file, save_file

    weights = load_file(changed / "model.safetensors")
    name = next(name for name, value in weights.items() if "up_proj" in name and value.is_floating_point())
    weights[name] = weights[name] + 0.05
    save_file(weights, changed / "model.safetensors", metadata={"format": "pt"})
    settings = {"policy": {"init_from": str(changed)}}
    with pytest.raises(OtherScoresError, match=rf"another model \(model.weights: .* there, {changed} here\)"):
        fit(tiny_folder, tmp_path, sources, scores, **settings)
    assert fit(tiny_folder, tmp_path, sources, scores, **settings, allow_other=("model",))


def test_the_filter_s_scores_are_compared_like_those_of_strata(tiny_folder, tmp_path, sources, scores):
    given = {"strata": None, "subset": SubsetConfig(keep=True, file=str(scores))}
    assert len(fit(tiny_folder, tmp_path, sources, scores, **given)) == 6  # never solved: kept
    with pytest.raises(
        OtherScoresError, match=r"data.subset.file=.* another prompt .*data.subset.allow_other=\[prompt\]"
    ):
        fit(tiny_folder, tmp_path, sources, scores, policy={"instruction": "Box it."}, **given)


def test_sources_that_would_share_a_file_are_refused(tiny_folder, tmp_path, sources):
    twice = (sources[0], replace(sources[0], limit=2))
    for path in (tmp_path / "scores", None):
        with pytest.raises(ValueError, match=r"sources \['one', 'one'\] would both be written to .*own `name`"):
            predict(tiny_folder, tmp_path, twice, path)
    with pytest.raises(ValueError, match="names one file for several sources; name a folder"):
        predict(tiny_folder, tmp_path, sources, tmp_path / "scores.parquet")


def test_scores_beside_the_data_have_names_that_tell_what_they_are_of(tiny_folder, tmp_path, sources):
    shutil.copytree(sources[0].path, tmp_path / "data")
    source = (replace(sources[0], path=str(tmp_path / "data")),)
    predict(tiny_folder, tmp_path, source, None)
    (file,) = (tmp_path / "data/.scores").glob("*.parquet")
    about = json.loads(pq.read_schema(file).metadata[b"cogito_pl"])
    assert file.name.startswith(f"train-pass_rate-{tiny_folder.parts[-2]}-{tiny_folder.name}-repeats=1-temperature=1-")
    assert about["origin"]["from"] == str(tiny_folder)

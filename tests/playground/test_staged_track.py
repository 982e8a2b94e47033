"""The staged track of the laboratory: its arms take equal updates, on data of one modality each."""

import shlex
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from cogito_pl.experiments.ablation.arms import Ablation
from cogito_pl.experiments.ablation.drive import common_sizes, configurations
from cogito_pl.experiments.ablation.recipe import RecipeStudy
from cogito_pl.playground.__main__ import main
from cogito_pl.playground.parts import part_file
from tests.conftest import ROOT

STUDY = yaml.safe_load((ROOT / "configs/laboratory/staged.study.yaml").read_text())
RECIPES = ROOT / "configs/laboratory/staged"
PAD = [f"{name}=configs/with/revisual_r1/{name}.yaml" for name in ("pad", "filter_only", "random", "dapo")]


def test_the_runner_takes_every_arm_and_those_of_pad_at_equal_updates(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    files = {name: (Path(STUDY[name]),) for name in ("recipe", "start", "test")}
    study = RecipeStudy(
        recipe=files["recipe"], start_recipe=files["start"], test=files["test"], by=tuple(STUDY["by"]),
        samples=STUDY["samples"], prepare=tuple(STUDY["prepare"]), data=STUDY["data"],
    )  # fmt: skip
    ablation = Ablation.read(study, [*STUDY["with"], *PAD], [1], str(tmp_path / "run"))
    fits = configurations(ablation)
    common_sizes(fits, ablation.study, ablation.unequal)  # raises SettingsError for an arm of another size
    stages = {name: [stage["name"] for stage in fit["data"]["stages"]] for name, (fit,) in fits.items()}
    assert {name: stages[name] for name in ("plain", "image_only", "text_only", "text_first", "mixed", "pad")} == {
        "plain": ["image", "text"], "image_only": ["image"], "text_only": ["text"], "text_first": ["text", "image"],
        "mixed": ["mixed"], "pad": ["image", "text"],
    }  # fmt: skip
    assert {source["path"] for source in fits["mixed"][0]["data"]["train"]} == {
        str(ablation.folder(1) / "data" / name) for name in ("image", "text")
    }


def write_data(folder, counts):
    """What the study prepares for a seed, with few rows."""
    for command in STUDY["prepare"]:
        words = shlex.split(command.format(folder=folder, seed=3))[3:]
        words[words.index("--count") + 1] = str(counts[words[words.index("--part") + 1]])
        main(words)


def test_the_data_of_a_stage_have_one_modality_and_those_of_tests_both(tmp_path):
    write_data(tmp_path, {"sft": 3, "train": 4, "validation": 4, "test": 4})
    found = {
        str(file.parent.parent.relative_to(tmp_path)) + "/" + file.name.split("-")[0]: set(
            pq.read_table(file)["modality"].to_pylist()
        )
        for file in tmp_path.rglob("*.parquet")
    }
    both = {"text", "image"}
    assert found == {
        "text/sft": {"text"}, "text/train": {"text"}, "image/train": {"image"}, "./validation": both, "./test": both,
    }  # fmt: skip
    assert part_file(tmp_path / "text", "sft").is_file()


def test_the_heads_of_the_recipes_say_what_the_study_runs():
    heads = "\n".join((RECIPES / f"{name}.yaml").read_text() for name in ("sft", "grpo", "evaluate"))
    for command in STUDY["prepare"]:
        words = command.replace("{folder}", "$D").removesuffix(" --seed {seed}").replace("--count 1000", "--count 2000")
        assert words in heads


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_track_runs_from_its_cold_start_through_both_stages_to_its_test(tmp_path, run_cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_data(Path(".data/laboratory/staged"), {"sft": 32, "train": 16, "validation": 4, "test": 6})
    base = f"--model.init_args.policy.name={ROOT / 'cogito_pl/playground/base'}"

    def run(command, name, *words):
        run_cli(command, "--config", RECIPES / f"{name}.yaml", base, "--trainer.enable_progress_bar=false", *words)

    run("fit", "sft", "--data.rollouts_per_epoch=1")
    run("fit", "grpo", "--data.rollouts_per_epoch=1")
    (export,) = Path("runs/laboratory/staged/grpo").rglob("export")
    run("validate", "evaluate", f"--model.init_args.policy.init_from={export}")
    assert list(Path("runs/laboratory/staged/evaluate").rglob("validation.rank0.jsonl"))

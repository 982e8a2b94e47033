"""Data in somebody else's schema trains by configuration alone, and bad data say what is wrong with them."""

import json

import pytest
import yaml
from datasets import Dataset, Features, Image, Value
from PIL import Image as PILImage

from tests.conftest import noise_image


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """Columns `image`, `query`, `label`, a reason for SFT, images of mixed sizes, no kind column."""
    folder = tmp_path_factory.mktemp("foreign")
    sizes = [(90, 40), (28, 28), (200, 131), (17, 300), (64, 64), (56, 84)]
    rows = [
        {
            "image": noise_image(*sizes[i % 6], seed=i).load(),
            "query": f"What is {i} plus one?",
            "label": str(i + 1),
            "why": f"<think>{i} and one</think><answer>{i + 1}</answer>",
        }
        for i in range(24)
    ]
    features = Features({"image": Image(), "query": Value("string"), "label": Value("string"), "why": Value("string")})
    (folder / "data").mkdir()
    Dataset.from_list(rows, features=features).to_parquet(folder / "data" / "train-00000-of-00001.parquet")
    return folder


def recipe(path, tiny, source, name="grpo", **model):
    settings = {
        "trainer": {
            "accelerator": "cpu", "max_epochs": 1, "logger": False, "enable_progress_bar": False,
            "enable_model_summary": False, "enable_checkpointing": False, "default_root_dir": str(path),
        },
        "model": {
            "class_path": {"grpo": "cogito_pl.modules.GRPOModule", "sft": "cogito_pl.modules.SFTModule"}[name],
            "init_args": {
                "policy": {"name": str(tiny), "max_pixels": 28 * 28 * 9},
                "schedule": {"prompts": 4, "group_size": 2 if name == "grpo" else 1, "micro_batch": 2},
                "evaluation": {"max_tokens": 6, "temperature": 0},
            } | model,
        },
        "data": {"train": [source], "validation": [dict(source, limit=5, name="held out")], "rollouts_per_epoch": 2},
    }  # fmt: skip
    if name == "grpo":
        settings["model"]["init_args"]["sampling"] = {"max_tokens": 6}
    (path / f"{name}.yaml").write_text(yaml.safe_dump(settings))
    return path / f"{name}.yaml"


def source_of(folder):
    columns = {"question": "query", "answer": "label", "images": "image", "solution": "why"}
    return {"path": str(folder), "split": "train", "kind": "number", "columns": columns}


@pytest.mark.parametrize("name", ["sft", "grpo"])
def test_foreign_columns_and_images_of_any_size_train_by_configuration_alone(
    run_cli, tiny_folder, foreign, tmp_path, name
):
    cli = run_cli("fit", "--config", recipe(tmp_path, tiny_folder, source_of(foreign), name))
    assert cli.trainer.global_step == 2
    assert len(cli.datamodule.train_problems) == 24
    assert "val/accuracy" in cli.trainer.callback_metrics


def broken(change):
    def build(foreign):
        source = source_of(foreign)
        change(source)
        return source

    return build


@pytest.mark.parametrize(
    ("change", "error", "named"),
    [
        (lambda s: s.update(path="no/such/folder"), FileNotFoundError, "no/such/folder"),
        (lambda s: s.pop("kind"), ValueError, "kind"),
        (lambda s: s.update(split="test"), ValueError, "train"),
        (lambda s: s["columns"].update(question="text"), ValueError, "text"),
        (lambda s: s["columns"].pop("images"), ValueError, "image"),
    ],
)
def test_a_source_that_cannot_be_read_as_set_names_what_is_wrong(
    run_cli, tiny_folder, foreign, tmp_path, change, error, named
):
    path = recipe(tmp_path, tiny_folder, broken(change)(foreign))
    with pytest.raises(error, match=named):
        run_cli("fit", "--config", path)


def test_a_kind_without_a_verifier_is_refused_when_the_data_are_read(run_cli, tiny_folder, foreign, tmp_path):
    path = recipe(tmp_path, tiny_folder, source_of(foreign) | {"kind": "guess"})
    with pytest.raises(ValueError, match=r"kind 'guess' has no verifier; choose from math, .*reward\.verifiers"):
        run_cli("fit", "--config", path)


@pytest.fixture
def spoiled(tmp_path):
    """Twenty-four good rows of JSON lines and five that each have something wrong."""
    PILImage.new("RGB", (56, 56), "red").save(tmp_path / "good.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:60])
    PILImage.new("RGB", (280, 280), "blue").save(tmp_path / "large.png")
    good = [{"question": f"<image>{i} + 1?", "answer": str(i + 1), "images": ["good.png"]} for i in range(24)]
    bad = [
        {"question": "<image>a cut image", "answer": "1", "images": ["cut.png"]},
        {"question": "<image><image>two markers", "answer": "1", "images": ["good.png"]},
        {"question": "<image>no answer", "answer": "", "images": ["good.png"]},
        {"question": "<image>too long", "answer": "1", "images": ["large.png"]},
        {"question": "<image>outside", "answer": "1", "images": ["../secret.png"]},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in good + bad))
    return {"path": str(tmp_path / "rows.jsonl"), "kind": "number"}


def spoiled_recipe(tiny_folder, spoiled, tmp_path, **data):
    path = recipe(tmp_path, tiny_folder, spoiled, policy={"name": str(tiny_folder), "max_prompt_tokens": 64})
    settings = yaml.safe_load(path.read_text())
    settings["data"] |= data
    path.write_text(yaml.safe_dump(settings))
    return path


def test_bad_rows_are_refused_counted_and_listed_and_the_rest_trains(run_cli, tiny_folder, spoiled, tmp_path):
    cli = run_cli("fit", "--config", spoiled_recipe(tiny_folder, spoiled, tmp_path, rejection_limit=0.25))
    assert len(cli.datamodule.train_problems) == 24
    listed = [json.loads(line) for line in (tmp_path / "rejected.jsonl").read_text().splitlines()]
    assert {entry["row"] for entry in listed} == {25, 26, 27, 28, 29}
    assert all(entry["file"].endswith("rows.jsonl") for entry in listed)
    reasons = " ".join(entry["reason"] for entry in listed)
    for words in (
        "cannot be decoded",
        "2 <image> markers for 1 images",
        "answer",
        "max_prompt_tokens=64",
        "secret.png",
    ):
        assert words in reasons


def test_too_many_bad_rows_stop_the_run_with_their_reasons(run_cli, tiny_folder, spoiled, tmp_path):
    with pytest.raises(ValueError, match="markers for 1 images"):
        run_cli("fit", "--config", spoiled_recipe(tiny_folder, spoiled, tmp_path, rejection_limit=0.1))

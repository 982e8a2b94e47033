"""One step on two ranks is one step on one: the same completions, loss, clipped gradient norm and weights."""

import json
import os
import subprocess
import sys

import pytest
import torch
import yaml
from transformers import AutoModelForImageTextToText

from cogito_pl.playground.tiny import save_tiny
from tests.conftest import ROOT, noise_image
from tests.policy.families.tiny_models import save_llava, save_qwen3_vl

STRATEGIES = {
    "one": {"devices": 1},
    "ddp": {"devices": 2, "strategy": "ddp"},
    "fsdp2": {
        "devices": 2,
        "strategy": {
            "class_path": "lightning.pytorch.strategies.ModelParallelStrategy",
            "init_args": {"data_parallel_size": 2, "tensor_parallel_size": 1, "save_distributed_checkpoint": False},
        },
    },
}


def run(folder, tiny, problems, strategy, name="GRPOModule", part="train", callbacks=(), **model):
    source = {"path": str(problems)} | ({"subset": part, "split": part} if part else {})
    grpo = name == "GRPOModule"
    settings = {
        "trainer": {
            "accelerator": "cpu", "max_epochs": 1, "default_root_dir": str(folder), "logger": False,
            "enable_progress_bar": False, "enable_model_summary": False, "gradient_clip_val": 0.05,
            "callbacks": [
                {"class_path": "tests.modules.training.TokenSumReward"},
                *callbacks,
                {"class_path": "tests.modules.training.StepLog", "init_args": {"folder": str(folder)}},
                {"class_path": "callbacks.HFExport", "init_args": {"path": str(folder / "export")}},
                {
                    "class_path": "lightning.pytorch.callbacks.ModelCheckpoint",
                    "init_args": {"dirpath": str(folder), "filename": "end", "save_weights_only": True},
                },
            ],
        } | STRATEGIES[strategy],
        "model": {
            "class_path": f"cogito_pl.modules.{name}",
            "init_args": {
                "policy": {"name": str(tiny)},
                "schedule": {"prompts": 4, "group_size": 4 if grpo else 1, "micro_batch": 4 if grpo else 2},
                "evaluation": {"max_tokens": 4, "temperature": 0},
                "optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 1.0}},
            } | ({"sampling": {"max_tokens": 24}} if grpo else {}) | model,
        },
        "data": {
            "rollouts_per_epoch": 2, "train": [source],
            "validation": [dict(source, name="held out", limit=3)], "validation_batch": 2,
        },
    }  # fmt: skip
    folder.mkdir()
    (folder / "recipe.yaml").write_text(yaml.safe_dump(settings))
    command = [sys.executable, "train.py", "fit", "--config", str(folder / "recipe.yaml")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
    assert result.returncode == 0, result.stderr[-3000:]
    log = json.loads((folder / "steps.rank0.json").read_text())
    texts = [json.loads(path.read_text())["texts"] for path in sorted(folder.glob("steps.rank*.json"))]
    weights = torch.load(folder / "end.ckpt", weights_only=True)["state_dict"]
    exported = AutoModelForImageTextToText.from_pretrained(folder / "export").state_dict()
    if not model.get("policy", {}).get("lora"):
        assert all(torch.equal(exported[name.removeprefix("policy.model.")], value) for name, value in weights.items())
    return log, texts, weights


def assert_same(one, two):
    """Ranks take turns in the order of a rollout: rank 0 has its first half."""
    (log, texts, weights), (other, shares, sharded) = one, two
    joined = [[text for share in shares for text in share[i]] for i in range(len(texts[0]))]
    assert joined == texts[0]
    assert other["validation"] == pytest.approx(log["validation"], abs=1e-6)
    for key in ("loss", "norm"):
        assert other[key] == pytest.approx(log[key], abs=1e-6, rel=1e-5), key
    assert sharded.keys() == weights.keys()
    for name, value in weights.items():
        torch.testing.assert_close(sharded[name], value, atol=1e-6, rtol=0)


@pytest.fixture(scope="module")
def one_rank(tiny_folder, playground_folder, tmp_path_factory):
    return run(tmp_path_factory.mktemp("one") / "run", tiny_folder, playground_folder, "one", loss={"kl_coef": 0.1})


@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_a_grpo_step_on_two_ranks_is_that_of_one(one_rank, tiny_folder, playground_folder, tmp_path, strategy):
    assert_same(one_rank, run(tmp_path / "run", tiny_folder, playground_folder, strategy, loss={"kl_coef": 0.1}))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_refilled_groups_on_two_ranks_are_those_of_one(tiny_folder, playground_folder, tmp_path, strategy):
    """One rank may need a refill while the other needs none, and a callback communicates meanwhile."""
    gate = {"class_path": "tests.modules.test_collector.Gate"}
    odsw = {"class_path": "callbacks.ODSWReweighting", "init_args": {"shape": "hard", "renormalise": True}}
    runs = [
        run(tmp_path / name, tiny_folder, playground_folder, name, callbacks=[gate, odsw], loss={"kl_coef": 0.1})
        for name in ("one", strategy)
    ]
    assert_same(*runs)


def test_a_grpo_step_of_qwen3_vl_on_two_ranks_is_that_of_one(playground_folder, tmp_path):
    folder = save_qwen3_vl(tmp_path / "qwen3_vl")
    assert_same(*(run(tmp_path / name, folder, playground_folder, name) for name in ("one", "fsdp2")))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_an_sft_step_on_two_ranks_is_that_of_one(tiny_folder, playground_folder, tmp_path, strategy):
    first = run(tmp_path / "one", tiny_folder, playground_folder, "one", "SFTModule", "sft")
    assert_same(first, run(tmp_path / "two", tiny_folder, playground_folder, strategy, "SFTModule", "sft"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("save", "strategy", "lora"),
    [
        (save_tiny, "ddp", None),
        (save_tiny, "fsdp2", None),
        (save_tiny, "fsdp2", {"rank": 4}),
        (save_qwen3_vl, "fsdp2", None),
        (save_llava, "ddp", None),
        (save_llava, "fsdp2", None),
    ],
)
def test_a_rank_without_images_trains_beside_one_with_images(tmp_path, save, strategy, lora):
    noise_image(84, 56).load().save(tmp_path / "one.png")
    rows = [
        {"question": "<image>How many?", "answer": "1", "kind": "number", "images": ["one.png"]},
        {"question": "1 + 1 =", "answer": "2", "kind": "number", "images": []},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    schedule = {"prompts": 2, "group_size": 4, "micro_batch": 4}

    folder = tmp_path / "model"
    save(folder)
    policy = {"name": str(folder), "lora": lora}

    def go(name, strategy):
        rows = tmp_path / "rows.jsonl"
        return run(tmp_path / name, folder, rows, strategy, part=None, schedule=schedule, policy=policy)

    assert_same(go("one", "one"), go("two", strategy))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_adapters_train_on_two_ranks_as_on_one(tiny_folder, playground_folder, tmp_path, strategy):
    policy = {"name": str(tiny_folder), "lora": {"rank": 4}, "freeze": ["vision", "projector"]}

    def go(name, strategy):
        return run(tmp_path / name, tiny_folder, playground_folder, strategy, policy=policy, loss={"kl_coef": 0.1})

    assert_same(go("one", "one"), go("two", strategy))

"""A staged fit that is killed at random moments, again and again, leaves the files of one that is not."""

import os
import random
import runpy
import signal
import sys
import time
from multiprocessing import get_context
from multiprocessing.process import BaseProcess as Process
from pathlib import Path

import pytest
import torch
import yaml

from cogito_pl.modules.resuming import newest_checkpoint
from tests.conftest import ROOT

KILLS = 20
JOURNALS = ("rollouts.jsonl", "rollouts.rank0.jsonl")


def recipe(folder: Path, tiny: Path, problems: Path) -> Path:
    """Three stages of two epochs under the hand-off, whose best epoch is decided by the lengths of completions."""
    train, validation = ({"path": str(problems), "subset": part, "split": part} for part in ("train", "validation"))
    listed = [
        {"class_path": "tests.modules.training.TokenSumReward"},
        {"class_path": "callbacks.BestCheckpointHandoff",
         "init_args": {"monitor": "val/length_tokens", "mode": "min", "keep": "best_of_each_stage"}},
        {"class_path": "callbacks.RolloutStatistics"}, {"class_path": "callbacks.RolloutTable"},
        {"class_path": "callbacks.HFExport"},
    ]  # fmt: skip
    settings = {
        "trainer": {
            "accelerator": "cpu", "default_root_dir": str(folder), "enable_progress_bar": False,
            "enable_model_summary": False, "callbacks": listed,
        },
        "model": {
            "class_path": "cogito_pl.modules.GRPOModule",
            "init_args": {
                "policy": {"name": str(tiny)},
                "schedule": {"prompts": 2, "group_size": 4, "micro_batch": 4, "updates": 2},
                "sampling": {"max_tokens": 24}, "evaluation": {"max_tokens": 24, "temperature": 1.0},
                "loss": {"kl_coef": 0.05}, "learning_rate": {"decay": "cosine"},
                "optimizer": {"class_path": "torch.optim.AdamW", "init_args": {"lr": 1e-3}},
            },
        },
        "data": {
            "rollouts_per_epoch": 2, "train": [train], "validation": [validation],
            "stages": [
                {"name": "easy", "epochs": 2}, {"name": "medium", "epochs": 2, "freeze": ["vision"]},
                {"name": "hard", "epochs": 2, "sampling": {"temperature": 1.3}},
            ],
        },
    }  # fmt: skip
    folder.mkdir(parents=True)
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def train(path: Path) -> None:
    """`python train.py fit`, which goes on where there is a checkpoint; for a process of its own."""
    with (path.parent / "log.txt").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    sys.argv = ["train.py", "fit", "--config", str(path), "--ckpt_path", "last"]
    torch.set_num_threads(1)
    runpy.run_path("train.py", run_name="__main__")


def fit(path: Path) -> Process:
    """One start of the command, forked from a process that has imported everything, so that kills fall into the run."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["callbacks", "cogito_pl.cli", "tests.modules.training"])
    process = context.Process(target=train, args=(path,))
    process.start()
    return process


def finishes(process: Process, path: Path) -> None:
    process.join(600)
    assert process.exitcode == 0, (path.parent / "log.txt").read_text()[-3000:]


def results(folder: Path) -> dict[str, bytes]:
    """The exported weights, those that were kept of every stage, and the journals."""
    (export,) = folder.glob("**/export/model.safetensors")
    state = torch.load(newest_checkpoint(folder), weights_only=True)["callbacks"]["BestCheckpointHandoff"]
    files = [folder / name for name in (*state["found"]["kept"].values(), state["reference_file"])]
    return {path.name: path.read_bytes() for path in (export, *files, *(export.parents[1] / name for name in JOURNALS))}


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_twenty_kills_of_a_staged_fit_at_random_moments_change_nothing(tiny_folder, playground_folder, tmp_path):
    """A run that ends before all kills are spent is compared too, and another begins."""
    whole = recipe(tmp_path / "whole", tiny_folder, playground_folder)
    began = time.monotonic()
    process = fit(whole)
    while newest_checkpoint(whole.parent) is None and process.is_alive():
        time.sleep(0.01)
    start_s = time.monotonic() - began
    finishes(process, whole)
    work_s = time.monotonic() - began - start_s
    expected = results(whole.parent)
    chance, kills, runs = random.Random(3), 0, 1
    cut = recipe(tmp_path / "cut1", tiny_folder, playground_folder)
    while kills < KILLS:
        process = fit(cut)
        time.sleep(chance.uniform(0.5 * start_s, start_s + 0.4 * work_s))
        process.kill()
        process.join()
        if process.exitcode == -signal.SIGKILL:
            kills += 1
        else:
            finishes(process, cut)
            assert results(cut.parent) == expected
            runs += 1
            cut = recipe(tmp_path / f"cut{runs}", tiny_folder, playground_folder)
        print(f"run {runs}: {kills} kills, newest checkpoint {newest_checkpoint(cut.parent)}", flush=True)
    finishes(fit(cut), cut)
    assert results(cut.parent) == expected

"""A run that is cut off and resumed draws the same prompts and ends with the same weights, bit for bit."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from lightning.pytorch.callbacks import ModelCheckpoint

from cogito_pl.policy import PolicyConfig
from cogito_pl.rl.losses import LossConfig
from cogito_pl.rl.schedule import RolloutSchedule
from tests.conftest import ROOT, problem
from tests.modules.training import Recorder, TokenSumReward, data, grpo, sft, trainer, weights

SCHEDULE = RolloutSchedule(prompts=2, group_size=2, updates=2, micro_batch=1)  # 2 steps of 2 micro-batches per rollout


def run(module, datamodule, folder, resume=None, **settings):
    recorder = Recorder()
    every_step = ModelCheckpoint(folder / "ckpt", "{step}", every_n_train_steps=1, save_top_k=-1)
    fit = trainer(folder, TokenSumReward(), recorder, every_step, max_epochs=3, **settings)
    fit.fit(module, datamodule, ckpt_path=resume)
    return recorder, weights(module)


@pytest.fixture(scope="module")
def grpo_run(tiny_folder, playground_folder, tmp_path_factory):
    def make():
        module = grpo(
            tiny_folder, lr=1e-3, optimizer=torch.optim.AdamW, schedule=SCHEDULE, loss=LossConfig(kl_coef=0.05)
        )
        return module, data(playground_folder, validation=True, rollouts_per_epoch=2)

    folder = tmp_path_factory.mktemp("run")
    return make, folder, *run(*make(), folder)


@pytest.mark.parametrize("step", range(1, 12))
def test_from_every_step_the_rest_of_the_prompts_is_the_same(grpo_run, tmp_path, step):
    make, folder, recorder, final = grpo_run
    resumed, ending = run(*make(), tmp_path, resume=folder / "ckpt" / f"step={step}.ckpt")
    boundary = step % SCHEDULE.updates_per_rollout == 0
    rest = recorder.rollouts[step // SCHEDULE.updates_per_rollout :]
    if boundary:
        assert resumed.rollouts == rest
        assert all(torch.equal(ending[name], value) for name, value in final.items())
    else:  # the rollout under way is sampled afresh, by the policy as it is now
        assert [drawn[:3] for drawn in resumed.rollouts] == [drawn[:3] for drawn in rest]


def test_checkpoints_hold_tensors_and_plain_values_only(grpo_run):
    checkpoint = torch.load(grpo_run[1] / "ckpt" / "step=2.ckpt", weights_only=True)
    assert "hyper_parameters" not in checkpoint
    assert not any("reference" in name for name in checkpoint["state_dict"])


def test_an_sft_run_resumes_bit_for_bit_from_every_step(tiny_folder, playground_folder, tmp_path):
    def make():
        schedule = RolloutSchedule(prompts=8, group_size=1, micro_batch=4)
        return sft(tiny_folder, schedule=schedule), data(playground_folder, "sft", rollouts_per_epoch=2)

    _, final = run(*make(), tmp_path)
    for step in (1, 2, 3, 5):
        _, ending = run(*make(), tmp_path / f"again{step}", resume=tmp_path / "ckpt" / f"step={step}.ckpt")
        assert all(torch.equal(ending[name], value) for name, value in final.items()), step


def test_the_checkpoint_of_another_model_is_refused(grpo_run, tiny_folder, tmp_path):
    make, folder, *_ = grpo_run
    module, datamodule = make()
    module.configure_model()
    module.policy.model.model.visual.blocks = module.policy.model.model.visual.blocks[:1]
    with pytest.raises(ValueError, match=r"--ckpt_path holds another model"):
        trainer(tmp_path, max_epochs=3).fit(module, datamodule, ckpt_path=folder / "ckpt" / "step=2.ckpt")


def test_the_checkpoint_of_a_grpo_run_is_refused_by_an_sft_run_before_it_overwrites_anything(
    grpo_run, tiny_folder, playground_folder, tmp_path
):
    module = sft(tiny_folder)
    module.configure_model()
    before = weights(module)
    with pytest.raises(ValueError, match=r"step=2\.ckpt is a checkpoint of GRPOModule, and this run is of SFTModule"):
        trainer(tmp_path).fit(module, data(playground_folder, "sft"), ckpt_path=grpo_run[1] / "ckpt" / "step=2.ckpt")
    assert all(torch.equal(before[name], value) for name, value in weights(module).items())


def test_a_run_that_sees_its_images_again_resumes_bit_for_bit_without_the_features_it_had_kept(tiny_folder, tmp_path):
    def make():
        module = grpo(
            tiny_folder,
            lr=1e-3,
            optimizer=torch.optim.AdamW,
            schedule=SCHEDULE,
            policy=PolicyConfig(name=str(tiny_folder), freeze=("vision", "projector")),
        )
        datamodule = data(tmp_path, rollouts_per_epoch=2)
        datamodule.train_problems = [problem("How many?", (28 * (2 + seed), 56), seed=seed) for seed in range(3)]
        return module, datamodule

    _, final = run(*make(), tmp_path)
    _, ending = run(*make(), tmp_path / "again", resume=tmp_path / "ckpt" / "step=6.ckpt")
    assert all(torch.equal(ending[name], value) for name, value in final.items())


def recipe(folder: Path, tiny: Path, problems: Path) -> Path:
    """A GRPO run of six rollouts that saves after each, as a user would write it down."""
    source = {"path": str(problems), "subset": "train", "split": "train"}
    settings = {
        "trainer": {
            "accelerator": "cpu", "max_epochs": 3, "default_root_dir": str(folder), "logger": False,
            "enable_progress_bar": False, "enable_model_summary": False,
            "callbacks": [
                {"class_path": "tests.modules.training.TokenSumReward"},
                {
                    "class_path": "lightning.pytorch.callbacks.ModelCheckpoint",
                    "init_args": {"dirpath": str(folder / "ckpt"), "save_last": True, "every_n_train_steps": 1},
                },
            ],
        },
        "model": {
            "class_path": "cogito_pl.modules.GRPOModule",
            "init_args": {
                "policy": {"name": str(tiny)},
                "schedule": {"prompts": 2, "group_size": 4, "micro_batch": 2},
                "sampling": {"max_tokens": 48},
                "optimizer": {"class_path": "torch.optim.AdamW", "init_args": {"lr": 1e-3}},
            },
        },
        "data": {"rollouts_per_epoch": 2, "train": [source]},
    }  # fmt: skip
    path = folder / "recipe.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(settings))
    return path


def command(path: Path, *more: str) -> list[str]:
    return [sys.executable, "train.py", "fit", "--config", str(path), *more]


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def last_weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "ckpt" / "last.ckpt", weights_only=True)["state_dict"]


@pytest.mark.parametrize("kill_after_step", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_a_killed_process_resumes_to_the_same_weights(tiny_folder, playground_folder, tmp_path, kill_after_step):
    whole = recipe(tmp_path / "whole", tiny_folder, playground_folder)
    subprocess.run(command(whole), cwd=ROOT, env=environment(), check=True, capture_output=True)

    cut = recipe(tmp_path / "cut", tiny_folder, playground_folder)
    process = subprocess.Popen(
        command(cut), cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    last = tmp_path / "cut" / "ckpt" / "last.ckpt"
    while process.poll() is None and not (last.exists() and saved_step(last) >= kill_after_step):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
    assert saved_step(last) < 6

    subprocess.run(command(cut, "--ckpt_path", str(last)), cwd=ROOT, env=environment(), check=True, capture_output=True)
    expected, found = last_weights(tmp_path / "whole"), last_weights(tmp_path / "cut")
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def saved_step(path: Path) -> int:
    try:
        return torch.load(path, weights_only=True, mmap=True)["global_step"]
    except (RuntimeError, EOFError, FileNotFoundError, OSError):  # being replaced at this moment
        return 0


def test_a_disk_that_fills_during_a_save_is_named_and_the_last_checkpoint_survives(
    tiny_folder, playground_folder, tmp_path
):
    """A limit on the size of a file, set after the first checkpoint, stands for the full disk."""
    path = recipe(tmp_path, tiny_folder, playground_folder)
    settings = yaml.safe_load(path.read_text())
    settings["trainer"]["callbacks"].append({"class_path": "tests.modules.training.FullDisk"})
    path.write_text(yaml.safe_dump(settings))
    result = subprocess.run(command(path), cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert result.returncode != 0
    assert "could not be written" in result.stderr
    assert "MiB are free there" in result.stderr
    assert saved_step(tmp_path / "ckpt" / "last.ckpt") == 1
    assert not list(tmp_path.glob("ckpt/*.partial"))

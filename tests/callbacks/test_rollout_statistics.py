"""Statistics of rollouts: what is logged, what is written, and that a resumed run repeats nothing."""

import os
import subprocess
import sys

import pytest
import torch
import yaml
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from callbacks import ODSWReweighting, RolloutStatistics
from callbacks.rollout_statistics import metrics
from cogito_pl.files import append_jsonl, keep_lines, read_jsonl
from cogito_pl.rl.statistics import outcomes
from tests.conftest import ROOT
from tests.modules.test_ranks import STRATEGIES
from tests.modules.training import TokenSumReward, data, grpo, trainer
from tests.rl.rollouts import graded


class Norms(RolloutStatistics):
    """Takes the norm a second time, after Lightning clipped."""

    def __init__(self):
        super().__init__()
        self.clipped = []

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            gradients = [p.grad for p in module.parameters() if p.grad is not None]
            self.clipped.append(float(torch.nn.utils.get_total_norm(gradients)))


@pytest.fixture(scope="module")
def finished(tiny_folder, playground_folder, tmp_path_factory):
    folder, norms = tmp_path_factory.mktemp("logs"), Norms()
    fit = trainer(
        folder, TokenSumReward(), ODSWReweighting(shape="hard"), norms, max_epochs=2, gradient_clip_val=1e-3,
        logger=TensorBoardLogger(folder, name="", version="run"), log_every_n_steps=1,
    )  # fmt: skip
    fit.fit(grpo(tiny_folder), data(playground_folder, rollouts_per_epoch=2))
    board = EventAccumulator(str(folder / "run"))
    board.Reload()
    return folder / "run" / "rollouts.jsonl", board, norms


def test_every_rollout_is_logged_at_its_step_and_written_prompt_by_prompt(finished):
    path, board, _ = finished
    rows = read_jsonl(path)
    assert [(row["step"], row["epoch"], row["stage"]) for row in rows] == [
        (0, 0, ""),
        (1, 0, ""),
        (2, 1, ""),
        (3, 1, ""),
    ]
    assert [event.step for event in board.Scalars("p/zero")] == [0, 1, 2, 3]
    for row, logged in zip(rows, board.Scalars("rollout/weight"), strict=True):
        assert [len(prompt["correct"]) + len(prompt["wrong"]) for prompt in row["prompts"]] == [4, 4]
        assert sum(prompt["weight"] for prompt in row["prompts"]) / 2 == pytest.approx(logged.value)


def test_the_gradient_norm_is_logged_as_it_was_before_clipping(finished):
    _, board, norms = finished
    logged = [event.value for event in board.Scalars("policy/gradient_norm")]
    assert len(logged) == len(norms.clipped) == 4
    assert max(norms.clipped) <= 1.01e-3
    assert min(logged) > 1e-2


def test_stages_and_difficulties_get_statistics_of_their_own():
    meta = [{"difficulty": 1}, {"difficulty": 2}, {}]
    values = metrics(outcomes(graded([1, 1, 1, 0, 0, 0], 2, stage="hard", meta=meta), "difficulty"), "hard")
    assert values["stage/hard/accuracy"] == 0.5
    assert (values["difficulty/1/accuracy"], values["difficulty/2/accuracy"]) == (1, 0.5)
    assert values["p/zero"] == values["stage/hard/p/zero"] == pytest.approx(1 / 3)
    assert not any(name.startswith("difficulty/None") for name in values)
    assert not any(name.startswith("stage/") for name in metrics(outcomes(graded([1], 1), ""), ""))


def test_a_resumed_run_writes_every_step_once_and_the_same_lines(tiny_folder, playground_folder, tmp_path):
    def run(folder, epochs, resume=None):
        saved = ModelCheckpoint(folder / "ckpt", "{step}", every_n_train_steps=1, save_top_k=-1)
        fit = trainer(folder, TokenSumReward(), RolloutStatistics(), saved, max_epochs=epochs)
        fit.fit(grpo(tiny_folder), data(playground_folder, rollouts_per_epoch=1), ckpt_path=resume)
        return read_jsonl(folder / "rollouts.jsonl")

    whole = run(tmp_path, 4)
    with (tmp_path / "rollouts.jsonl").open("a") as file:
        file.write('{"step": 4, "epo')  # killed in the middle of a line
    resumed = run(tmp_path, 5, resume=tmp_path / "ckpt" / "step=2.ckpt")
    assert [row["step"] for row in resumed] == [0, 1, 2, 3, 4]
    assert resumed[:4] == whole


def test_a_fresh_run_in_the_folder_of_an_earlier_one_sets_its_file_aside(tiny_folder, playground_folder, tmp_path):
    append_jsonl(tmp_path / "rollouts.jsonl", {"step": 77})
    fit = trainer(tmp_path, RolloutStatistics())
    fit.fit(grpo(tiny_folder), data(playground_folder, rollouts_per_epoch=1))
    assert [row["step"] for row in read_jsonl(tmp_path / "rollouts.jsonl")] == [0]
    (aside,) = set(tmp_path.glob("rollouts.*.jsonl"))
    assert read_jsonl(aside) == [{"step": 77}]


def test_a_journal_that_is_something_else_is_left_alone(tmp_path):
    (tmp_path / "rollouts.jsonl").write_text("my notes\n{}\n")
    with pytest.raises(ValueError, match="is not JSON"):
        keep_lines(tmp_path / "rollouts.jsonl", lambda row: True)
    assert (tmp_path / "rollouts.jsonl").read_text() == "my notes\n{}\n"


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_two_ranks_write_the_prompts_of_both_as_one_rank_does(tiny_folder, playground_folder, tmp_path, strategy):
    def run(name):
        init_args = {
            "policy": {"name": str(tiny_folder)}, "schedule": {"prompts": 4, "group_size": 4, "micro_batch": 4},
            "sampling": {"max_tokens": 24},
        }  # fmt: skip
        recipe = {
            "trainer": {
                "accelerator": "cpu", "max_epochs": 1, "default_root_dir": str(tmp_path / name), "logger": False,
                "enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False,
                "callbacks": [
                    {"class_path": "tests.modules.training.TokenSumReward"},
                    {"class_path": "callbacks.ODSWReweighting", "init_args": {"shape": "hard", "renormalise": True}},
                    {"class_path": "callbacks.RolloutStatistics"},
                ],
            } | STRATEGIES[name],
            "model": {"class_path": "cogito_pl.modules.GRPOModule", "init_args": init_args},
            "data": {
                "rollouts_per_epoch": 2,
                "train": [{"path": str(playground_folder), "subset": "train", "split": "train"}],
            },
        }  # fmt: skip
        (tmp_path / name).mkdir()
        (tmp_path / name / "recipe.yaml").write_text(yaml.safe_dump(recipe))
        command = [sys.executable, "train.py", "fit", "--config", str(tmp_path / name / "recipe.yaml")]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
        assert result.returncode == 0, result.stderr[-3000:]
        return read_jsonl(tmp_path / name / "rollouts.jsonl")

    assert run(strategy) == run("one")

"""A GRPO run validates before its first step, once, and every metric of a step stands at one place in TensorBoard."""

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from callbacks import BestCheckpointHandoff, RolloutStatistics, RolloutTable, Throughput
from cogito_pl.files import read_jsonl
from tests.modules.training import TokenSumReward, data, grpo, sft, trainer, weights


def validated(folder) -> list[int]:
    """Optimiser steps that the recorded validations stand at."""
    return sorted({row["step"] for row in read_jsonl(folder / "validation.rank0.jsonl")})


def run(folder, problems, module, *callbacks, resume=None, **settings):
    fit = trainer(folder, TokenSumReward(), RolloutTable(images=0), *callbacks, **settings)
    part = "train" if hasattr(module, "sampling") else "sft"
    fit.fit(module, data(problems, part, validation=True, rollouts_per_epoch=2), ckpt_path=resume)


@pytest.mark.parametrize(
    ("settings", "callbacks", "steps"),
    [({}, [], [0, 2]), ({"validate_start": False}, [], [2]), ({}, [BestCheckpointHandoff], [0, 2])],
    ids=["by default", "switched off", "with a hand-off"],
)
def test_a_grpo_run_validates_its_start_once(tiny_folder, playground_folder, tmp_path, settings, callbacks, steps):
    run(tmp_path, playground_folder, grpo(tiny_folder, **settings), *(kind() for kind in callbacks))
    assert validated(tmp_path) == steps
    rows = read_jsonl(tmp_path / "validation.rank0.jsonl")
    assert len(rows) == len({(row["step"], row["id"]) for row in rows}) == 10 * len(steps)


def test_an_sft_run_does_not_validate_its_start(tiny_folder, playground_folder, tmp_path):
    run(tmp_path, playground_folder, sft(tiny_folder))
    assert validated(tmp_path) == [2]


def test_the_start_validation_changes_no_weight_and_a_resumed_run_does_not_repeat_it(
    tiny_folder, playground_folder, tmp_path
):
    with_it, without = grpo(tiny_folder), grpo(tiny_folder, validate_start=False)
    saved = ModelCheckpoint(tmp_path / "ckpt", "{step}", every_n_train_steps=1, save_top_k=-1)
    run(tmp_path, playground_folder, with_it, saved)
    run(tmp_path / "without", playground_folder, without)
    expected = weights(without)
    assert all(torch.equal(value, expected[name]) for name, value in weights(with_it).items())
    run(tmp_path / "resumed", playground_folder, grpo(tiny_folder), resume=tmp_path / "ckpt" / "step=1.ckpt")
    assert validated(tmp_path / "resumed") == [2]


def test_all_metrics_of_a_step_stand_at_its_number_and_a_validation_at_the_steps_before_it(
    tiny_folder, playground_folder, tmp_path
):
    logger = TensorBoardLogger(tmp_path, name="", version="run")
    callbacks = (Throughput(), RolloutStatistics())
    run(tmp_path, playground_folder, grpo(tiny_folder), *callbacks, logger=logger, max_epochs=2)
    board = EventAccumulator(str(tmp_path / "run"))
    board.Reload()
    ours = [tag for tag in board.Tags()["scalars"] if tag not in ("epoch", "hp_metric")]
    assert {"speed/step_s", "policy/gradient_norm", "reward/total", "val/accuracy"} <= set(ours)
    places = {tag: [event.step for event in board.Scalars(tag)] for tag in ours}
    assert {tuple(steps) for tag, steps in places.items() if tag.startswith("val")} == {(0, 2, 4)}
    training = {tuple(steps) for tag, steps in places.items() if not tag.startswith(("val", "difficulty"))}
    assert training == {(0, 1, 2, 3)}

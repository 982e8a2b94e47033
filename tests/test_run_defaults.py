"""What the command line adds to a run by itself, and which checkpoint it goes on from."""

import os

import pytest
import torch
import yaml

from callbacks import RunCheckpoint, ValidationReport
from cogito_pl.modules.resuming import newest_checkpoint
from tests.conftest import ROOT

RECIPE = ROOT / "configs/playground/grpo.yaml"


@pytest.mark.parametrize("named", [False, True])
def test_every_run_has_its_callbacks_once_and_those_that_are_named_with_their_settings(build_cli, tmp_path, named):
    listed = [
        {"class_path": "callbacks.RunCheckpoint", "init_args": {"grace": 7.0}},
        {"class_path": "callbacks.ValidationReport", "init_args": {"columns": ["family"]}},
    ]
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"trainer": {"callbacks+": listed}} if named else {}))
    cli = build_cli("fit", "--config", RECIPE, "--config", tmp_path / "own.yaml")
    kept, report = ([c for c in cli.trainer.callbacks if type(c) is kind] for kind in (RunCheckpoint, ValidationReport))
    assert len(kept) == len(report) == 1
    assert kept[0].interruption.grace == (7.0 if named else 30.0)
    assert report[0].columns == (["family"] if named else None)


def test_a_stage_without_epochs_counts_one(build_cli, tmp_path):
    stages = [{"name": "one"}, {"name": "three", "epochs": 3}, {"name": "two", "epochs": 2}]
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"data": {"stages": stages}, "trainer": {"max_epochs": None}}))
    assert build_cli("fit", "--config", RECIPE, "--config", tmp_path / "own.yaml").trainer.max_epochs == 6


def test_the_newest_checkpoint_is_the_one_that_was_written_last(tmp_path):
    for name, seconds in (("b", 10), ("c", 30), ("a", 20)):
        (tmp_path / name).mkdir()
        torch.save({"lr_schedulers": []}, tmp_path / name / "step.ckpt")
        os.utime(tmp_path / name / "step.ckpt", (seconds, seconds))
    assert newest_checkpoint(tmp_path) == tmp_path / "c" / "step.ckpt"

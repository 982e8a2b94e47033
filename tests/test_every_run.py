"""What the command line gives to every run: a checkpoint, a table, the newest checkpoint, one line on settings lost."""

from pathlib import Path

import pytest
import torch
import yaml

from callbacks import RunCheckpoint, ValidationReport
from tests.conftest import ROOT

RECIPE = ROOT / "configs/playground/grpo.yaml"


def of_kind(trainer, kind):
    return [callback for callback in trainer.callbacks if isinstance(callback, kind)]


def test_every_run_has_a_checkpoint_and_a_table(build_cli):
    trainer = build_cli("fit", "--config", RECIPE).trainer
    (kept,), (table,) = of_kind(trainer, RunCheckpoint), of_kind(trainer, ValidationReport)
    assert (kept.interruption.grace, table.columns) == (30.0, None)
    assert trainer.checkpoint_callbacks == [kept]


def test_those_that_a_recipe_names_take_their_place(build_cli, tmp_path):
    mine = [
        {"class_path": "callbacks.RunCheckpoint", "init_args": {"grace": 5}},
        {"class_path": "callbacks.ValidationReport", "init_args": {"columns": ["family"]}},
    ]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"trainer": {"callbacks+": mine}}))
    trainer = build_cli("fit", "--config", RECIPE, "--config", tmp_path / "mine.yaml").trainer
    (kept,), (table,) = of_kind(trainer, RunCheckpoint), of_kind(trainer, ValidationReport)
    assert (kept.interruption.grace, list(table.columns)) == (5.0, ["family"])


def test_checkpoints_can_be_switched_off(build_cli):
    trainer = build_cli("fit", "--config", RECIPE, "--trainer.enable_checkpointing=false").trainer
    assert trainer.checkpoint_callbacks == []


def test_frequent_checkpoints_come_besides_the_one_of_every_run(build_cli):
    overlay = ROOT / "configs/with/frequent_checkpoints.yaml"
    trainer = build_cli("fit", "--config", RECIPE, "--config", overlay).trainer
    assert len(trainer.checkpoint_callbacks) == 2
    assert isinstance(trainer.checkpoint_callbacks[1], RunCheckpoint)


def saved(folder: Path, version: int, step: int) -> Path:
    path = folder / f"lightning_logs/version_{version}/checkpoints/step={step}.ckpt"
    path.parent.mkdir(parents=True)
    state = {
        "pytorch-lightning_version": "2.6.6",
        "lr_schedulers": [],
        "global_step": step,
        "log_dir": f"lightning_logs/version_{version}",
    }
    torch.save(state, path)
    return path


@pytest.mark.parametrize("given", ["last", "file"])
def test_a_resumed_fit_logs_where_its_checkpoint_did(build_cli, tmp_path, given):
    wanted, newer = (saved(tmp_path, version, step) for version, step in ((3, 7), (4, 9)))
    checkpoint = {"last": "last", "file": wanted}[given]
    at = ("--trainer.default_root_dir", tmp_path, "--ckpt_path", checkpoint)
    cli = build_cli("fit", "--config", RECIPE, *at)
    assert cli.config.fit.ckpt_path == str({"last": newer, "file": wanted}[given])
    version = {"last": 4, "file": 3}[given]
    assert Path(cli.trainer.log_dir) == tmp_path / f"lightning_logs/version_{version}"


def test_last_without_a_checkpoint_begins_a_run(build_cli, tmp_path):
    cli = build_cli("fit", "--config", RECIPE, "--trainer.default_root_dir", tmp_path, "--ckpt_path", "last")
    assert cli.config.fit.ckpt_path is None


def test_stages_that_a_later_file_replaces_are_a_warning_of_one_line_that_names_both(build_cli):
    one, other = (ROOT / f"configs/playground/{name}.yaml" for name in ("curriculum", "stages"))
    with pytest.warns(UserWarning, match=r"data\.stages is set by .*curriculum\.yaml and .*stages\.yaml") as warned:
        build_cli("fit", "--config", RECIPE, "--config", one, "--config", other)
    (text,) = (str(warning.message) for warning in warned if "data.stages" in str(warning.message))
    assert "\n" not in text
    assert text.endswith(f"the stages of {other} are used")


def listing(folder, name, key, *entries):
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"trainer": {key: list(entries)}}))
    return path


def of(class_path, **settings):
    return {"class_path": class_path, "init_args": settings} if settings else {"class_path": class_path}


LENGTH, ODSW = "callbacks.DynamicLengthReward", "callbacks.ODSWReweighting"
CHECKPOINT = "lightning.pytorch.callbacks.ModelCheckpoint"


def test_a_callback_of_two_overlays_is_refused_with_both(build_cli):
    one, other = ROOT / "configs/playground/curriculum.yaml", ROOT / "configs/with/odsw.yaml"
    with pytest.raises(ValueError, match=r"lists callbacks\.ODSWReweighting twice \(in .*curriculum.* and in .*odsw"):
        build_cli("fit", "--config", RECIPE, "--config", one, "--config", other)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (of(LENGTH, max_length=30), of(LENGTH, max_length=40), r"DynamicLengthReward twice .* own `stages`"),
        (of(LENGTH, stages=["a"]), of(LENGTH, stages=["a", "b"]), r"DynamicLengthReward twice .* own `stages`"),
        (of("callbacks.odsw.ODSWReweighting"), of(ODSW, shape="hard"), "ODSWReweighting twice"),
        (of(CHECKPOINT, monitor="a"), of(CHECKPOINT, monitor="a"), "ModelCheckpoint twice"),
        (of(LENGTH, stages=["a"]), of(LENGTH, stages=["b"]), None),
        (of(CHECKPOINT, monitor="a"), of(CHECKPOINT, monitor="b"), None),
        (of(ODSW), of("callbacks.RepetitionPenalty"), None),
    ],
)
def test_what_would_act_twice_is_refused_and_copies_that_differ_where_it_counts_are_not(
    build_cli, tmp_path, first, second, message
):
    files = [listing(tmp_path, "one", "callbacks", first), listing(tmp_path, "two", "callbacks+", second)]
    words = ["fit", "--config", RECIPE, *(word for file in files for word in ("--config", file))]
    if message is None:
        build_cli(*words)
    else:
        with pytest.raises(ValueError, match=message) as caught:
            build_cli(*words)
        assert f"(in {files[0]} and in {files[1]})" in str(caught.value)


def test_one_file_that_lists_a_callback_twice_is_named_once_and_a_list_that_replaces_is_no_second(build_cli, tmp_path):
    two = listing(tmp_path, "two", "callbacks", of(ODSW), of(ODSW))
    with pytest.raises(ValueError, match=rf"twice \(twice in {two}\)"):
        build_cli("fit", "--config", RECIPE, "--config", two)
    one = listing(tmp_path, "one", "callbacks", of(ODSW))
    build_cli("fit", "--config", RECIPE, "--config", two, "--config", one)

"""What the callbacks leave behind: tables, speeds, an exported folder."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import AutoModelForImageTextToText

from callbacks import HFExport, RolloutTable, Throughput
from cogito_pl.policy import Policy, PolicyConfig, PromptEncoder
from cogito_pl.policy.export import export
from cogito_pl.rewards import grade
from tests.conftest import ROOT, problem
from tests.modules.training import TokenSumReward, data, grpo, sft, trainer


@pytest.fixture(scope="module")
def finished(tiny_folder, playground_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    logger = TensorBoardLogger(folder, name="", version="run")
    callbacks = [TokenSumReward(), RolloutTable(every=2, prompts=1), Throughput(), HFExport()]
    module = grpo(tiny_folder)
    fit = trainer(folder, *callbacks, logger=logger, log_every_n_steps=1)
    fit.fit(module, data(playground_folder, validation=True, rollouts_per_epoch=3))
    board = EventAccumulator(str(folder / "run"))
    board.Reload()
    return folder / "run", module, board


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_table_holds_every_second_rollout_and_all_of_validation(finished):
    folder = finished[0]
    rollouts, validation = lines(folder / "rollouts.rank0.jsonl"), lines(folder / "validation.rank0.jsonl")
    assert len(rollouts) == 2 * 4  # rollouts 1 and 3 of 3, one prompt of four completions each
    assert {row["step"] for row in rollouts} == {0, 2}
    assert len({(row["step"], row["id"]) for row in validation}) == len(validation) == 2 * 10
    assert {row["step"] for row in validation} == {0, 3}
    keys = {"id", "gold", "response", "verdict", "reward", "terms", "tokens", "meta", "question", "images"}
    assert keys <= rollouts[0].keys()
    for row in rollouts + validation:
        assert row["verdict"] == grade(row["response"], row["gold"], row["kind"], row["choices"]).verdict


def test_tensorboard_shows_completions_with_their_images(finished):
    tags = finished[2].Tags()
    assert "rollout/0/text_summary" in tags["tensors"]
    rows = lines(finished[0] / "rollouts.rank0.jsonl")
    assert rows[0]["images"]
    assert {f"rollout/0.{place}" for row in rows for place in range(len(row["images"]))} == set(tags["images"])


def test_speeds_are_logged_at_every_step_from_real_tokens(finished):
    folder, module, board = finished
    for tag in ("speed/train_tokens_per_s", "speed/rollout_tokens_per_s", "speed/step_cpu_s", "memory/peak_rss_mib"):
        assert len(board.Scalars(tag)) == 3, tag
        assert all(event.value > 0 for event in board.Scalars(tag)), tag
    lengths = [event.value for event in board.Scalars("rollout/length_tokens")]
    validation = sum(row["tokens"] for row in lines(folder / "validation.rank0.jsonl"))
    assert module.tokens["rollout"] == pytest.approx(sum(lengths) * 8 + validation, abs=0.5)


def test_sft_logs_training_speed_and_no_rollout(tiny_folder, playground_folder, tmp_path):
    logger = TensorBoardLogger(tmp_path, name="", version="run")
    fit = trainer(tmp_path, Throughput(), logger=logger, log_every_n_steps=1)
    fit.fit(sft(tiny_folder), data(playground_folder, "sft", rollouts_per_epoch=2))
    board = EventAccumulator(str(tmp_path / "run"))
    board.Reload()
    assert len(board.Scalars("speed/train_tokens_per_s")) == 2
    assert "speed/rollout_tokens_per_s" not in board.Tags()["scalars"]


def test_the_export_reloads_in_plain_transformers_with_equal_logits(finished):
    folder, module, _ = finished
    again = AutoModelForImageTextToText.from_pretrained(folder / "export").eval()
    prompt = PromptEncoder(PolicyConfig(name=str(folder / "export"))).encode(problem("How many?", (84, 56)))
    inputs = {
        "input_ids": prompt.ids[None],
        **{name: value[None] for name, value in prompt.token_fields.items()},
        **prompt.image_fields,
    }
    module.policy.model.eval().model.rope_deltas = None
    with torch.no_grad():
        assert torch.equal(again(**inputs).logits, module.policy.model(**inputs).logits)


def test_an_export_is_a_model_folder_to_start_from(finished):
    folder, module, _ = finished
    policy = Policy(PolicyConfig(name=str(folder / "export"), init_from=str(folder / "export")))
    theirs = policy.model.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in module.policy.model.state_dict().items())


def test_an_earlier_export_is_replaced_and_somebody_elses_folder_is_not(finished, tmp_path):
    _, module, _ = finished
    export(module.policy, tmp_path / "model")
    export(module.policy, tmp_path / "model")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thoughts.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"HFExport\.path"):
        export(module.policy, tmp_path / "notes")
    with pytest.raises(FileExistsError, match=r"HFExport\.path"):  # before a fit, too
        HFExport(str(tmp_path / "notes")).setup(module.trainer, module, "fit")
    assert (tmp_path / "notes" / "thoughts.txt").read_text() == "mine"


def test_a_disk_that_fills_during_an_export_leaves_the_earlier_one_whole(tiny_folder, tmp_path):
    """A limit on the size of a file stands for the full disk; it is set in a process of its own."""
    shutil.copytree(tiny_folder, tmp_path / "model")
    before = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}
    code = f"""
import resource, signal
from pathlib import Path
from cogito_pl.policy import Policy, PolicyConfig
from cogito_pl.policy.export import export
from cogito_pl.rewards import grade
policy = Policy(PolicyConfig(name={str(tiny_folder)!r}))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
export(policy, Path({str(tmp_path / "model")!r}))
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode != 0
    assert "OSError" in result.stderr or "SafetensorError" in result.stderr or "No space" in result.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_an_export_has_the_permissions_that_the_umask_leaves(tiny_folder, tmp_path):
    policy, before = Policy(PolicyConfig(name=str(tiny_folder))), os.umask(0o027)
    try:
        export(policy, tmp_path / "model")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "model").iterdir()} == {0o640}

"""Scoring that is killed at random moments, again and again, leaves the scores and the trials of one that is not."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT

KILLS = 20
BASE = ROOT / "cogito_pl/playground/base"
TRIALS = "scores.trials/trials.rank0.jsonl"


def command(folder: Path, *words: object) -> subprocess.Popen:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    quiet = ("--trainer.enable_progress_bar=false", f"--trainer.default_root_dir={folder}")
    with (folder / "log.txt").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "train.py", *map(str, words), *quiet], cwd=ROOT, env=environment, stdout=log, stderr=log
        )


def assert_finishes(process: subprocess.Popen, folder: Path) -> None:
    assert process.wait(timeout=600) == 0, (folder / "log.txt").read_text()[-3000:]


@pytest.fixture(scope="module")
def answering(playground_folder, tmp_path_factory) -> Path:
    """The tiny base after so little fine-tuning that it answers in tags, some problems rightly and some not."""
    folder = tmp_path_factory.mktemp("answering")
    assert_finishes(
        command(folder, "fit", "--config", ROOT / "configs/playground/sft.yaml", "--trainer.max_epochs=1",
                "--data.validation=[]", f"--data.train=[{{path: {playground_folder}, subset: train, split: train}}]",
                "--model.init_args.schedule={prompts: 16, group_size: 1, micro_batch: 16}"), folder,
    )  # fmt: skip
    return folder / "lightning_logs/version_0/export"


def scoring(folder: Path, problems: Path, model: Path) -> subprocess.Popen:
    """One start of the real command; batches are small, so that there are many moments between them."""
    return command(
        folder, "predict", "--config", ROOT / "configs/score/pism.yaml", f"--model.init_args.policy.name={BASE}",
        f"--model.init_args.policy.init_from={model}", f"--trainer.callbacks.init_args.path={folder}/scores.parquet",
        f"--data.predict=[{{path: {problems}, subset: train, split: train}}]",
        "--model.init_args.rollout_batch_size=8", "--model.init_args.least_rows=1",
    )  # fmt: skip


def trials(folder: Path) -> dict[tuple, tuple]:
    """Outcome and response by key; what a kill cut off is no trial."""
    text = (folder / TRIALS).read_bytes() if size(folder) else b""
    lines = [json.loads(line) for line in text.split(b"\n")[:-1]]
    found = {(t["id"], t["ratio"], t["repeat"]): (t["correct"], t["response"]) for t in lines}
    assert len(found) == len(lines)
    return found


def size(folder: Path) -> int:
    return (folder / TRIALS).stat().st_size if (folder / TRIALS).exists() else 0


def killed(process: subprocess.Popen, folder: Path, before: int, moment_s: float, at_work: bool) -> bool:
    """Kills a scoring so long after its start, or after its first new trial; False when it had ended."""
    while at_work and size(folder) == before and process.poll() is None:
        time.sleep(0.005)
    time.sleep(moment_s)
    process.kill()
    return process.wait() == -9 and not (folder / "scores.parquet").exists()


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_kills_at_random_moments_change_nothing(answering, playground_folder, tmp_path):
    (whole := tmp_path / "whole").mkdir()
    process, began = scoring(whole, playground_folder, answering), time.monotonic()
    while not size(whole):
        time.sleep(0.005)
    start_s = time.monotonic() - began
    assert_finishes(process, whole)
    most_s = 2 * (time.monotonic() - began - start_s) / KILLS  # twenty moments of half of it on average
    expected = trials(whole)
    assert {correct for correct, _ in expected.values()} == {True, False}
    chance, done, attempt = random.Random(5), 0, 0
    while done < KILLS:
        if done == 0:
            (folder := tmp_path / f"attempt{attempt}").mkdir()
        before, at_work = size(folder), chance.random() < 0.75
        process = scoring(folder, playground_folder, answering)
        if killed(process, folder, before, chance.uniform(0, most_s if at_work else start_s), at_work):
            assert trials(folder).items() <= expected.items()
            done += 1
        else:  # no work was left: from the start, with earlier moments
            done, attempt, most_s = 0, attempt + 1, most_s / 2
        print(f"attempt {attempt}: {done} kills, {len(trials(folder))} of {len(expected)} trials")
    assert_finishes(scoring(folder, playground_folder, answering), folder)
    assert trials(folder) == expected
    assert (folder / "scores.parquet").read_bytes() == (whole / "scores.parquet").read_bytes()

"""A search and a tuned ablation with a handful of steps, through the command line: killed and continued, or not."""

import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from cogito_pl.experiments.ablation.results import read_results
from cogito_pl.experiments.search.results import read_search
from tests.conftest import ROOT
from tests.experiments.ablation.test_drive import without_seconds
from tests.experiments.ablation.test_end_to_end import sums

RECIPE = """
trainer: {max_epochs: 2}
model:
  init_args:
    sampling: {max_tokens: 16}
    evaluation: {max_tokens: 16, temperature: 1.0}
    schedule: {prompts: 4, group_size: 4, micro_batch: 8}
    loss: {entropy_coef: 0.1}  # changes the model before any reward is earned
data: {rollouts_per_epoch: 1, validation_batch: 8}
"""
SPACE = {
    "trials": 4,
    "startup": 1,
    "seeds": [7],
    "metric": "val/length_tokens",  # which differs between trials, where nothing is ever solved
    "space": {
        "model.optimizer.lr": {"low": 1.0e-3, "high": 0.1, "log": True},
        "sizes": {
            "choices": {
                "4 x 4": {"model.schedule.prompts": 4, "model.schedule.group_size": 4},
                "8 x 2": {"model.schedule.prompts": 8, "model.schedule.group_size": 2},
            }
        },
    },
}


@pytest.fixture
def command(tmp_path):
    """Runs a command of `cogito_pl.experiments` on a small recipe."""
    data = {"train": [sums(tmp_path / "train.jsonl", 1, 24)], "validation": [sums(tmp_path / "held.jsonl", 3, 8)]}
    recipe = yaml.safe_load(RECIPE)
    odsw = {"class_path": "callbacks.ODSWReweighting", "init_args": {"shape": "easy"}}
    files = {
        "mine": recipe | {"data": recipe["data"] | data},
        "test": {"data": {"validation": [sums(tmp_path / "test.jsonl", 2, 10)]}},
        "odsw": {"trainer": {"callbacks+": [odsw]}},
        "space": SPACE,
    }
    for name, values in files.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(values))
    shared = ["--recipe", "configs/playground/grpo.yaml", "--recipe", str(tmp_path / "mine.yaml")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HOME": str(tmp_path / "cache")}

    def start(name, *words, wait=True):
        line = [sys.executable, "-m", "cogito_pl.experiments", name, *shared, *map(str, words)]
        if wait:
            return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        return subprocess.Popen(line, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)

    return start


def kill_when(process, there):
    deadline = time.monotonic() + 600
    while not there():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_search_that_is_killed_twice_gives_the_same_table_and_the_same_best_settings(command, tmp_path):
    words = ["--space", tmp_path / "space.yaml"]
    one, killed = tmp_path / "in one go", tmp_path / "killed"
    done = command("search", *words, "--out", one)
    assert done.returncode == 0, done.stderr
    assert "pruned" in (one / "search.md").read_text()
    assert len({trial["value"] for trial in read_search(one)["trials"]}) > 1

    process = command("search", *words, "--out", killed, wait=False)
    kill_when(process, lambda: list(killed.glob("trials/1/seed7/fit/checkpoints/*.ckpt")))
    process = command("search", *words, "--out", killed, wait=False)
    kill_when(process, lambda: list(killed.glob("trials/3/seed7/fit/events*")))
    last = command("search", *words, "--out", killed)
    assert last.returncode == 0, last.stderr
    for name in ("search.md", "best.yaml"):
        assert (killed / name).read_bytes() == (one / name).read_bytes()
    expected, found = read_search(one), read_search(killed)
    for trials in (expected["trials"], found["trials"], [expected["best"]], [found["best"]]):
        for trial in trials:
            assert trial.pop("cost")["cpu_s"] > 0
    assert found == expected
    assert not list(killed.glob("**/*.safetensors"))

    other = command("search", *words, "--out", killed, "--seeds", 8)
    assert other.returncode == 2
    assert "seeds was [7] and is now [8]" in other.stderr


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_tuned_ablation_that_is_killed_gives_the_same_table(command, tmp_path):
    words = ["--tuned", tmp_path / "space.yaml", "--with", tmp_path / "odsw.yaml", "--test", tmp_path / "test.yaml"]
    words += ["--samples", 1, "--seeds", 3]
    refused = command("ablate", *words, 7, "--out", tmp_path / "refused")
    assert (refused.returncode, (tmp_path / "refused").exists()) == (2, False)
    assert "--seeds 7 is a seed of the search too" in refused.stderr
    one, killed = tmp_path / "in one go", tmp_path / "killed"
    done = command("ablate", *words, "--out", one)
    assert done.returncode == 0, done.stderr
    process = command("ablate", *words, "--out", killed, wait=False)
    kill_when(process, lambda: list(killed.glob("tuned/arms/odsw/trials/2/seed7/fit/checkpoints/*.ckpt")))
    process = command("ablate", *words, "--out", killed, wait=False)
    kill_when(process, lambda: list(killed.glob("seed3/arms/plain/fit/checkpoints/*.ckpt")))
    last = command("ablate", *words, "--out", killed)
    assert last.returncode == 0, last.stderr
    expected, found = (without_files(read_results(run)) for run in (one, killed))
    assert found == expected
    tuned = found["arms"]["odsw"]["tuned"]
    assert tuned["trials"] == found["arms"]["plain"]["tuned"]["trials"] == 4
    assert "each arm at its own best settings" in (killed / "ablation.md").read_text()
    assert f"odsw, best of 4 trials ({tuned['pruned']} pruned" in (killed / "report.html").read_text()


def without_files(result):
    """What two runs in different folders share: all but seconds, and the names of the files of arms."""
    result = without_seconds(result)
    for arm in result["arms"].values():
        arm["overlays"] = [file["digest"] for file in arm["overlays"]]
    return result

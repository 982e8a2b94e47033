"""A whole ablation with a handful of steps, through the command line: killed inside an arm and continued, or not."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from cogito_pl.experiments.ablation.results import read_results
from tests.experiments.ablation.test_drive import without_seconds

ROOT = Path(__file__).parents[3]
OVERLAYS = {
    "all": "model: {init_args: {evaluation: {max_tokens: 24}}}",
    "sft": "trainer: {max_epochs: 1}\ndata: {rollouts_per_epoch: 5}",
    "grpo": "trainer: {max_epochs: 2}\ndata: {rollouts_per_epoch: 2}\nmodel: {init_args: {sampling: {max_tokens: 24}, "
    "schedule: {prompts: 8, group_size: 4, micro_batch: 32}, optimizer: {init_args: {lr: 1.0e-3}}}}",
    "loose": "model: {init_args: {loss: {entropy_coef: 0.1}}}",  # changes the model before any reward is earned
}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_ablation_that_is_killed_and_continued_gives_the_same_table(tmp_path):
    files = {name: tmp_path / f"{name}.yaml" for name in OVERLAYS}
    for name, file in files.items():
        file.write_text(OVERLAYS[name])
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HOME": str(tmp_path / "cache")}

    def command(run):
        shared = ["--overlay", str(files["all"]), *(f"--overlay={name}={files[name]}" for name in ("sft", "grpo"))]
        program = [sys.executable, "-m", "cogito_pl.quickstart", "ablate", "--seeds", "3", "--n-test", "24"]
        return [*program, "--run", str(run), "--with", str(files["loose"]), *shared]

    def start(run):
        return subprocess.run(command(run), cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    in_one_go, killed = tmp_path / "in one go", tmp_path / "killed"
    assert start(in_one_go).returncode == 0

    first = subprocess.Popen(command(killed), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not list(killed.glob("seed3/arms/loose/grpo/checkpoints/*.ckpt")):
        assert first.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert "accuracy" not in read_results(killed)["arms"]["loose"]

    second = start(killed)
    assert second.returncode == 0, second.stderr
    assert second.stdout.count("done before") == 2
    assert "--ckpt_path" in second.stdout
    expected, found = read_results(in_one_go), read_results(killed)
    assert without_seconds(found) == without_seconds(expected)
    weights = {
        (run, arm): (run / "seed3" / "arms" / arm / "grpo" / "export" / "model.safetensors").read_bytes()
        for run in (in_one_go, killed)
        for arm in ("plain", "loose")
    }
    assert weights[in_one_go, "loose"] == weights[killed, "loose"] != weights[killed, "plain"]
    assert found["arms"]["loose"]["seeds"]["3"]["cost"]["starts"] == 2
    assert all((killed / name).stat().st_size for name in ("ablation.json", "ablation.md", "ablation.png"))

    files["loose"].write_text(OVERLAYS["loose"] + "\ntrainer: {max_epochs: 3}")
    longer = start(killed)
    assert longer.returncode == 2
    assert "updates is 6, in the plain recipe 4" in longer.stderr


def sums(file, first, count):
    """Problems as JSON Lines, with columns of their own."""
    rows = (
        {"ask": f"{first} + {n} = ?", "gold": str(first + n), "topic": "odd" if n % 2 else "even"} for n in range(count)
    )
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = {"question": "ask", "answer": "gold"} | dict.fromkeys(("images", "kind", "choices", "solution", "id"))
    return {"path": str(file), "columns": columns, "kind": "number"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_any_recipe_on_json_lines_with_a_test_of_its_own_survives_a_kill(tmp_path):
    data = {"train": [sums(tmp_path / "train.jsonl", 1, 24)], "validation": [sums(tmp_path / "held.jsonl", 3, 4)]}
    files = {
        "mine": yaml.safe_load(OVERLAYS["grpo"]) | {"data": data | {"rollouts_per_epoch": 2}},
        "test": {"data": {"validation": [sums(tmp_path / "test.jsonl", 2, 10)]}},
        "loose": yaml.safe_load(OVERLAYS["loose"]),
    }
    for name, values in files.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(values))
    recipe = ["--recipe", "configs/playground/grpo.yaml", "--recipe", str(tmp_path / "mine.yaml")]
    further = ["--test", str(tmp_path / "test.yaml"), "--with", str(tmp_path / "loose.yaml"), "--samples", "2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HOME": str(tmp_path / "cache")}

    def command(run, by="topic"):
        program = [sys.executable, "-m", "cogito_pl.experiments", "ablate", "--out", str(run), "--seeds", "3"]
        return [*program, *recipe, *further, "--by", by]

    def start(run, **changes):
        words = command(run, **changes)
        return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    in_one_go, killed = tmp_path / "in one go", tmp_path / "killed"
    refused = start(in_one_go, by="family")
    assert refused.returncode == 2
    assert "--by family" in refused.stderr
    assert "topic" in refused.stderr
    assert not in_one_go.exists()

    done = start(in_one_go)
    assert done.returncode == 0, done.stderr
    first = subprocess.Popen(command(killed), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not list(killed.glob("seed3/arms/loose/fit/checkpoints/*.ckpt")):
        assert first.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = start(killed)
    assert second.returncode == 0, second.stderr
    assert "--ckpt_path" in second.stdout
    expected, found = read_results(in_one_go), read_results(killed)
    assert without_seconds(found) == without_seconds(expected)
    plain = found["arms"]["plain"]["seeds"]["3"]
    assert (found["n_test"], plain["n"], plain["samples"]) == (10, 20, 2)
    assert plain["by_topic"].keys() == {"even", "odd"}
    assert len(plain["curve"]) == 3  # before the first update, and after both epochs
    weights = [
        run / "seed3/arms" / arm / "fit/export/model.safetensors"
        for run in (in_one_go, killed)
        for arm in ("plain", "loose")
    ]
    one, other, again, same = (file.read_bytes() for file in weights)
    assert one == again != other == same
    assert all((killed / name).stat().st_size for name in ("ablation.md", "ablation.png", "report.html"))

"""A whole quickstart with a handful of steps, through the command line, stopped in between and continued."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_quickstart_that_is_killed_goes_on_and_ends_with_all_files(tmp_path):
    from cogito_pl.playground.tiny import save_tiny

    save_tiny(tmp_path / "tiny", 0)
    overlays = {
        "all": f"model: {{init_args: {{policy: {{name: '{tmp_path / 'tiny'}'}}, evaluation: {{max_tokens: 12}}}}}}",
        "score": "model: {init_args: {sampling: {max_tokens: 12}}}",
        "sft": "trainer: {max_epochs: 2}\ndata: {rollouts_per_epoch: 4}",
        "grpo": "data: {rollouts_per_epoch: 1}\nmodel: {init_args: {sampling: {max_tokens: 12}}}",
    }
    for name, text in overlays.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    run = tmp_path / "my run: 1 'é' #2"
    command = [
        sys.executable, "-m", "cogito_pl.quickstart", "--seed", "3", "--run", str(run), "--n-test", "20",
        "--overlay", str(tmp_path / "all.yaml"),
        "--overlay", f"score={tmp_path / 'score.yaml'}",
        "--overlay", f"sft={tmp_path / 'sft.yaml'}", "--overlay", f"grpo={tmp_path / 'grpo.yaml'}",
    ]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HOME": str(tmp_path / "cache")}

    first = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 200
    while not list(run.glob("grpo/checkpoints/*.ckpt")):
        assert first.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()

    second = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    assert second.stdout.count("done before") == 3
    summary = json.loads((run / "summary.json").read_text())
    assert {"wall_s", "cpu_s", "by_family", "by_difficulty"} <= set(summary)
    assert summary["n_test"] == 20
    assert summary["seed"] == 3
    assert len((run / "samples.jsonl").read_text().splitlines()) == 60
    assert (run / "report.html").read_text().rstrip().endswith("</html>")
    assert len(second.stdout.splitlines()) < 80

    other = subprocess.run(
        [*command, "--seed", "4"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert other.returncode == 2
    assert "choose another folder" in other.stderr

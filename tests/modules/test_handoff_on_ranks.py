"""The hand-off on two ranks under FSDP2: resumed anywhere it ends with the same weights, and no rank waits in vain."""

import json
import os
import socket
import subprocess
import sys

import pytest

from tests.conftest import ROOT

CUTS = ["step4", "val4", "epoch4", "step2", "step6", "step8", "val8", "step10", "step12", "epoch12", "step14", "step18"]
"""Among them: the last batch of a stage, between its validation and the swap, the first step after it."""


def on_two_ranks(folder, tiny, problems, *arguments):
    """Runs `tests/modules/curricula.py` as two processes; what each of them found."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = os.environ | {
        "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
        "WORLD_SIZE": "2",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.modules.curricula", *map(str, (folder, tiny, problems)), *arguments]
    ranks = [
        subprocess.Popen(
            command, cwd=ROOT, env=shared | {"LOCAL_RANK": str(rank), "RANK": str(rank)},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    try:
        errors = [rank.communicate(timeout=2400)[1] for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    assert [rank.returncode for rank in ranks] == [0, 0], errors[0][-3000:]
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(2)]


def assert_exact(results, cuts):
    for result in results:
        assert [cut for cut in cuts if not result[cut]] == []
        assert "is gone" in result["missing"]


def test_a_run_that_is_cut_on_the_last_batch_of_a_stage_goes_on_exactly(tiny_folder, playground_folder, tmp_path):
    assert_exact(on_two_ranks(tmp_path, tiny_folder, playground_folder, "short", "step4"), ["step4"])


@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("kind", ["full", "sharded", "lora", "sharded-lora"])
def test_a_run_that_is_cut_anywhere_goes_on_exactly(tiny_folder, playground_folder, tmp_path, kind):
    assert_exact(on_two_ranks(tmp_path, tiny_folder, playground_folder, kind, *CUTS), CUTS)

"""A small model trains with one thread unless the user has chosen; the choice is one line on the terminal."""

import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from cogito_pl import threads
from cogito_pl.threads import SMALL, choose_threads, parameters_in, threads_for
from tests.conftest import ROOT

LINE = "torch uses 1 CPU thread, since the model is small; OMP_NUM_THREADS sets another number"


@pytest.mark.parametrize(
    ("parameters", "cores", "environment", "chosen"),
    [
        (1_000_000, 2, {}, 1),
        (SMALL - 1, 64, {}, 1),
        (SMALL, 64, {}, None),
        (8_000_000_000, 64, {}, None),
        (None, 64, {}, None),
        (1_000_000, 1, {}, None),
        (1_000_000, 8, {"OMP_NUM_THREADS": "8"}, None),
        (1_000_000, 8, {"OMP_NUM_THREADS": ""}, 1),
        (1_000_000, 8, {"OMP_WAIT_POLICY": "passive"}, 1),
    ],
)
def test_a_small_model_gets_one_thread_unless_the_user_has_set_them(parameters, cores, environment, chosen):
    assert threads_for(parameters, cores, environment) == chosen


def test_parameters_are_counted_in_all_files_of_a_folder(tmp_path):
    assert parameters_in(tmp_path) is None
    assert parameters_in(tmp_path / "absent") is None
    save_file({"a": torch.zeros(3, 5), "b": torch.zeros(7)}, tmp_path / "model-1.safetensors")
    save_file({"c": torch.zeros(2, 2, 2)}, tmp_path / "model-2.safetensors")
    assert parameters_in(tmp_path) == 30


@pytest.fixture
def four_threads(monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    monkeypatch.setenv("OMP_NUM_THREADS", "gone")  # so that it is put back as it was
    monkeypatch.delenv("OMP_NUM_THREADS")
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("limit", "chosen"), [(31, 1), (30, 4)])
def test_the_choice_reaches_torch_and_the_processes_that_are_started(
    tmp_path, four_threads, monkeypatch, limit, chosen
):
    save_file({"a": torch.zeros(30)}, tmp_path / "model.safetensors")
    monkeypatch.setattr(threads, "SMALL", limit)
    choose_threads(str(tmp_path))
    assert torch.get_num_threads() == chosen
    assert os.environ.get("OMP_NUM_THREADS") == ("1" if chosen == 1 else None)


def test_threads_that_the_user_has_set_stay(tmp_path, four_threads, monkeypatch):
    save_file({"a": torch.zeros(30)}, tmp_path / "model.safetensors")
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    choose_threads(str(tmp_path))
    assert (torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]) == (4, "4")


def test_a_model_of_the_hub_keeps_the_choice_of_torch(four_threads):
    choose_threads("Qwen/Qwen2.5-VL-7B-Instruct")
    assert torch.get_num_threads() == 4


@pytest.mark.parametrize("given", [None, pytest.param("2", marks=pytest.mark.slow)])
def test_a_run_says_in_one_line_that_it_uses_one_thread_and_nothing_where_they_are_set(tmp_path, given):
    words = [sys.executable, "train.py", "validate", "--config", "configs/playground/evaluate.yaml"]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment |= {"PYTHONPATH": str(ROOT)} | ({} if given is None else {"OMP_NUM_THREADS": given})
    words += ["--data.validation", f"[{{path: {tmp_path}/absent}}]", f"--trainer.default_root_dir={tmp_path}"]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert "absent does not exist" in done.stderr  # where the run ends: no model has been needed yet
    assert (done.stdout + done.stderr).count(LINE) == (1 if given is None and (os.cpu_count() or 1) > 1 else 0)

"""The notebook of the curriculum draws its curves, any run's `rollouts.jsonl`, and a run that it makes itself."""

import importlib.util
import json

import matplotlib
import pytest
import torch

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from cogito_pl.files import append_jsonl
from cogito_pl.rl.statistics import outcomes
from tests.conftest import ROOT
from tests.rl.rollouts import graded

NOTEBOOK = ROOT / "notebooks/curriculum.ipynb"


def run_cells(monkeypatch) -> tuple[dict, int]:
    monkeypatch.chdir(NOTEBOOK.parent)  # where Jupyter starts it
    names, figures = {}, 0
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec("".join(cell["source"]), names)
            figures += len(plt.get_fignums())
            plt.close("all")
    return names, figures


@pytest.mark.parametrize("stages", [("easy", "medium", "hard"), ("", ""), ("warm up",)], ids=len)
@pytest.mark.parametrize("solved", [0.0, 0.4, 1.0])
def test_it_draws_the_rollouts_of_any_run(tmp_path, monkeypatch, stages, solved):
    generator = torch.Generator().manual_seed(1)
    for step, stage in enumerate(stages):
        correct = (torch.rand(24, generator=generator) < solved).int().tolist()
        lengths = torch.randint(1, 90, (24,), generator=generator).tolist()
        meta = [{"difficulty": 1}, {"difficulty": 2}, {}] * 2
        rollout = graded(correct, 4, lengths=lengths, stage=stage, meta=meta)
        row = {"step": step, "epoch": 0, "stage": stage, "prompts": outcomes(rollout, "difficulty")}
        append_jsonl(tmp_path / "rollouts.jsonl", row)
    monkeypatch.setenv("COGITO_RUN", str(tmp_path))
    names, figures = run_cells(monkeypatch)
    assert figures == 5
    assert sum(count for _, count in names["spans"]) == len(stages)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("cogito_pl.data.curriculum") is None, reason="needs the stages of a run")
def test_without_a_run_it_makes_one_through_the_three_stages(monkeypatch):
    monkeypatch.setenv("COGITO_FAST", "1")
    monkeypatch.delenv("COGITO_RUN", raising=False)
    names, figures = run_cells(monkeypatch)
    assert [name for name, _ in names["spans"]] == ["easy", "medium", "hard"]
    assert figures == 5
    assert "length" in names["rollouts"][-1]["prompts"][0]["terms"]

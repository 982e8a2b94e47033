"""The notebook of staged RL draws what a run left, and a run that it makes itself."""

import json

import matplotlib
import pytest
import yaml

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from torch.utils.tensorboard import SummaryWriter

from cogito_pl.files import append_jsonl
from tests.conftest import ROOT
from tests.report.test_staged import JOURNAL

NOTEBOOK = ROOT / "notebooks/staged_rl.ipynb"


def run_cells(monkeypatch) -> tuple[dict, list[int]]:
    """The names of the notebook, and how many lines each panel of its figures has."""
    monkeypatch.chdir(NOTEBOOK.parent)
    names, lines = {}, []
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec("".join(cell["source"]), names)
            for number in plt.get_fignums():
                panels = plt.figure(number).axes
                lines += [sum(len(line.get_xdata()) > 2 for line in panel.get_lines()) for panel in panels]
            plt.close("all")
    return names, lines


def test_it_draws_what_a_run_of_two_stages_left(tmp_path, monkeypatch, capsys):
    for row in JOURNAL:
        append_jsonl(tmp_path / "validation.rank0.jsonl", row)
    stages = [{"name": "image", "epochs": 2}, {"name": "text", "epochs": 1}]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"data": {"stages": stages}}))
    logged = ("rollout/length_tokens", "policy/entropy", "stagnation/sampled/equal_groups", "policy/gradient_norm")
    with SummaryWriter(tmp_path) as writer:
        for step in range(9):
            writer.add_scalar("stage", float(step >= 6), step)
            for name in logged:
                writer.add_scalar(name, step / 9, step)
    monkeypatch.setenv("COGITO_RUN", str(tmp_path))
    names, lines = run_cells(monkeypatch)
    assert [span[0] for span in names["spans"]] == ["image", "text"]
    assert lines == [2, 2, 1, 1, 1, 1]
    printed = capsys.readouterr().out
    assert "stage image    image    50.0% ->  100.0%" in printed
    assert "stage text     image   100.0% ->   50.0%" in printed


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_without_a_run_it_makes_one_through_both_stages(monkeypatch):
    monkeypatch.setenv("COGITO_FAST", "1")
    monkeypatch.delenv("COGITO_RUN", raising=False)
    names, lines = run_cells(monkeypatch)
    assert [span[0] for span in names["spans"]] == ["image", "text"]
    assert {one.stage for one in names["found"]} == {"start", "image", "text"}
    assert min(lines[:5]) >= 1

"""Notebooks run from top to bottom on their smallest settings, and are kept without outputs."""

import json
from pathlib import Path

import matplotlib
import pytest

matplotlib.use("Agg")
from matplotlib import pyplot as plt

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
TESTED_ELSEWHERE = ("ablations", "curriculum")
"""Those that draw a run's files: their own tests make the files."""


def code_cells(path: Path) -> list[dict]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", [n for n in NOTEBOOKS if n.stem not in TESTED_ELSEWHERE], ids=lambda path: path.stem)
def test_a_notebook_runs(path, monkeypatch):
    monkeypatch.setenv("COGITO_FAST", "1")
    monkeypatch.delenv("COGITO_MODEL", raising=False)
    monkeypatch.chdir(path.parent)
    names = {"__name__": "__main__"}
    figures = 0
    for number, cell in enumerate(code_cells(path)):
        exec(compile("".join(cell["source"]), f"{path.name} cell {number}", "exec"), names)
        figures += len(plt.get_fignums())
        plt.close("all")
    assert figures > 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path):
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code_cells(path))

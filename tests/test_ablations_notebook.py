"""The notebook of ablations draws the results of any ablation, and of one that it makes itself."""

import json
from pathlib import Path

import pytest

from cogito_pl.experiments.ablation.results import write_results
from tests.conftest import ROOT
from tests.experiments.ablation.results import result

NOTEBOOK = json.loads((ROOT / "notebooks" / "ablations.ipynb").read_text(encoding="utf-8"))


def code_cells():
    return [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def run_cells():
    names = {}
    for cell in code_cells():
        exec("".join(cell["source"]), names)
    return names


def test_it_is_kept_without_outputs():
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code_cells())


def test_it_draws_the_folder_that_it_is_given(tmp_path, monkeypatch):
    write_results(tmp_path, result())
    monkeypatch.chdir(ROOT / "notebooks")  # where Jupyter starts it
    monkeypatch.setenv("COGITO_RUN", str(tmp_path))
    assert run_cells()["result"] == result()
    assert {"ablation.png", "difficulty.png"} <= {file.name for file in tmp_path.iterdir()}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_without_a_folder_it_makes_one(tmp_path, monkeypatch):
    for name in ("configs", "pyproject.toml", "callbacks", "cogito_pl"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COGITO_RUN", raising=False)
    names = run_cells()
    assert names["folder"] == Path("runs/ablation_tiny")
    assert all(seed["state"] == "done" for arm in names["result"]["arms"].values() for seed in arm["seeds"].values())
    assert (names["folder"] / "difficulty.png").stat().st_size

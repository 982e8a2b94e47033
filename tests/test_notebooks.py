"""Notebooks run from top to bottom on their smallest settings, on one's own data too, and are kept without outputs."""

import json
from pathlib import Path

import matplotlib
import pytest
from PIL import Image, ImageDraw

matplotlib.use("Agg")
from matplotlib import pyplot as plt

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
TESTED_ELSEWHERE = ("ablations", "curriculum", "staged_rl")
"""Those that draw a run's files: their own tests make the files."""


VARIABLES = ("COGITO_RUN", "COGITO_DATA", "COGITO_MODEL")


def code_cells(path: Path) -> list[dict]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def run(path: Path, monkeypatch, **variables: object) -> tuple[dict, int]:
    """The names that the cells leave, and how many figures they draw."""
    monkeypatch.setenv("COGITO_FAST", "1")
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(path.parent)
    names, figures = {"__name__": "__main__"}, 0
    for number, cell in enumerate(code_cells(path)):
        exec(compile("".join(cell["source"]), f"{path.name} cell {number}", "exec"), names)
        figures += len(plt.get_fignums())
        plt.close("all")
    return names, figures


@pytest.mark.parametrize("path", [n for n in NOTEBOOKS if n.stem not in TESTED_ELSEWHERE], ids=lambda path: path.stem)
def test_a_notebook_runs(path, monkeypatch):
    names, figures = run(path, monkeypatch)
    assert figures > 0
    assert names["inputs"] == names["playground"]


@pytest.fixture
def drawings(tmp_path) -> Path:
    """A JSON Lines file of own drawings, one row with two images."""
    rows = []
    for place, (width, height, count) in enumerate(((84, 56, 1), (56, 84, 2), (112, 84, 1))):
        names = []
        for number in range(count):
            image = Image.new("RGB", (width, height), "white")
            ImageDraw.Draw(image).ellipse((8, 8 + 6 * number, 36, 36 + 6 * number), fill=("red", "blue")[number])
            names.append(f"{place}_{number}.png")
            image.save(tmp_path / names[-1])
        question = "<image>" * count + "How many circles?"
        rows.append({"id": f"own{place}", "question": question, "answer": str(count), "images": names})
    (tmp_path / "drawings.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path / "drawings.jsonl"


def test_the_attention_notebook_shows_own_drawings_and_the_trials_that_it_left(drawings, monkeypatch):
    path = NOTEBOOKS[0].with_name("attention_balance.ipynb")
    names, figures = run(path, monkeypatch, COGITO_DATA=f"{{path: {drawings}, kind: number}}")
    looked = [record.id for record in names["correct"] + names["wrong"]]
    assert set(looked) == {"own0", "own1", "own2"}
    assert names["shown"]
    assert figures > 10
    own = {"COGITO_RUN": names["trials"], "COGITO_DATA": f"{{path: {drawings}, kind: number}}"}
    again, same = run(path, monkeypatch, **own)
    assert same == figures
    assert [record.id for record in again["correct"] + again["wrong"]] == looked


def test_the_attention_notebook_shows_trials_alone(monkeypatch):
    path = NOTEBOOKS[0].with_name("attention_balance.ipynb")
    names, figures = run(path, monkeypatch)
    bare, fewer = run(path, monkeypatch, COGITO_RUN=names["trials"])
    assert {record.id for record in bare["correct"]} == {record.id for record in names["correct"]}
    assert (bare["shown"], bare["wrong"]) == ([], [])  # without the data there is no image
    assert 5 < fewer < figures


def test_the_difficulty_notebook_takes_own_drawings(drawings, monkeypatch):
    path = NOTEBOOKS[0].with_name("difficulty.ipynb")
    monkeypatch.setattr("cogito_pl.difficulty.pism.RATIOS", (0.0, 0.5))
    names, figures = run(path, monkeypatch, COGITO_DATA=f"{{path: {drawings}, kind: number}}")
    assert [problem.id for problem in names["problems"]] == ["own0", "own1", "own2"]
    assert names["families"] == ("number",)
    assert figures == 7


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path):
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code_cells(path))

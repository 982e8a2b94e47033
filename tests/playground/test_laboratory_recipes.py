"""The tracks of the laboratory: their recipes agree, and run on what the commands at their heads write."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from cogito_pl.experiments.__main__ import read_recipe
from cogito_pl.experiments.ablation.arms import Ablation
from cogito_pl.experiments.ablation.drive import common_sizes, configurations
from cogito_pl.experiments.command import build_parser, with_study
from cogito_pl.playground.__main__ import main
from tests.conftest import ROOT

TRACKS = ("exploration", "length", "reliability")
RECIPES = ROOT / "configs/laboratory"


def settings(track: str, name: str) -> dict:
    return yaml.safe_load((RECIPES / track / f"{name}.yaml").read_text())


def writing_commands(track: str) -> list[list[str]]:
    """The commands at the heads of a track's recipes that write its data."""
    texts = [(RECIPES / track / f"{name}.yaml").read_text() for name in ("sft", "grpo", "evaluate")]
    text = "\n".join(texts).replace("\\\n#", " ")
    return [shlex.split(line) for line in re.findall(r"#\s+python -m cogito_pl\.playground (write .+)", text)]


def write_data(track: str, folder: Path, counts: dict[str, int]) -> None:
    for words in writing_commands(track):
        part = words[words.index("--part") + 1]
        words[words.index("--out") + 1], words[words.index("--count") + 1] = str(folder), str(counts[part])
        main(words)


def test_there_are_recipes_of_three_tracks_and_a_study_of_each():
    assert sorted(path.parent.name for path in RECIPES.glob("*/evaluate.yaml")) == [*TRACKS, "staged"]
    studies = {path.name.removesuffix(".study.yaml") for path in RECIPES.glob("*.study.yaml")}
    assert studies == {"controls", "selection", "staged", *TRACKS, *(f"{track}.methods" for track in TRACKS)}


STUDIES = [("controls",), ("selection",), ("staged",), *((track, f"{track}.methods") for track in TRACKS)]


@pytest.mark.parametrize("names", STUDIES, ids=lambda names: names[-1])
def test_a_study_writes_all_that_its_arms_read_and_its_arms_are_comparable(names, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    words = [word for name in names for word in ("--study", str(RECIPES / f"{name}.study.yaml"))]
    options = with_study(vars(build_parser().parse_args(["ablate", *words, "--out", str(tmp_path)])))
    study = read_recipe(options)
    ablation = Ablation.read(study, options["with"], [3], str(tmp_path), unequal=options["unequal"])
    phases = {phase.name: phase for phase in ablation.start(3).phases}
    for command in phases["data"].commands:
        assert command[:3] == ("python", "-m", "cogito_pl.playground")
        words = list(command[3:])
        words[words.index("--count") + 1] = "4"
        main(words)
    study.check(ablation.arms, ablation.folder(3))
    sizes = common_sizes(configurations(ablation), study, ablation.unequal)
    assert sizes["completions_per_update"] == (32 if "exploration" in names else 64)
    assert [name for name in phases if name.startswith("score-")] == [
        f"score-{Path(file).stem}" for file in options["score"]
    ]


@pytest.mark.parametrize("folder", ["controls", "methods", "selection"])
def test_every_overlay_of_the_laboratory_belongs_to_a_study(folder):
    named = "\n".join(path.read_text() for path in RECIPES.glob("*.study.yaml"))
    assert [path.name for path in (RECIPES / folder).glob("*.yaml") if f"{folder}/{path.name}" not in named] == []

"""The tracks of the laboratory: their recipes agree, and run on what the commands at their heads write."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from cogito_pl.playground.__main__ import main
from cogito_pl.playground.laboratory import LaboratoryRow
from cogito_pl.playground.parts import part_file
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


def test_there_are_recipes_of_three_tracks():
    folders = {path.name for path in RECIPES.iterdir() if path.is_dir()}
    assert folders == {*TRACKS, "controls", "staged"}  # the last one has a test of its own


@pytest.mark.parametrize("track", TRACKS)
def test_a_track_is_trained_and_evaluated_alike_but_for_the_randomness_of_tests(track):
    sft, grpo, evaluate = (settings(track, name) for name in ("sft", "grpo", "evaluate"))
    (export,) = sft["trainer"]["callbacks"]
    assert grpo["model"]["init_args"]["policy"]["init_from"] == export["init_args"]["path"]
    limit = grpo["model"]["init_args"]["sampling"]["max_tokens"]
    for recipe in (grpo, evaluate):
        assert recipe["model"]["init_args"]["evaluation"] == {"max_tokens": limit, "temperature": 1.0}
    sources = [recipe["data"][use] for recipe in (sft, grpo, evaluate) for use in ("train", "validation")
               if use in recipe["data"]]  # fmt: skip
    assert {source["path"] for (source,) in sources} == {f".data/laboratory/{track}"}


def test_what_the_tracks_are_about():
    schedules = {track: settings(track, "grpo")["model"]["init_args"]["schedule"] for track in TRACKS}
    assert schedules["exploration"].get("updates", 1) > 1  # otherwise every ratio is 1 and nothing is clipped
    limits = {track: settings(track, "grpo")["model"]["init_args"]["sampling"]["max_tokens"] for track in TRACKS}
    assert limits["length"] < limits["reliability"]
    own = {"exploration": "--hasty-share", "length": "--repeat-rate", "reliability": "--slip-rate"}
    for track, option in own.items():
        (sft,) = [words for words in writing_commands(track) if "sft" in words]
        assert {word for word in sft if word in own.values()} == {option}


@pytest.mark.parametrize("track", TRACKS)
def test_the_commands_of_a_track_write_its_parts_with_the_columns_to_break_down_by(track, tmp_path):
    import pyarrow.parquet as pq

    parts = {"sft": 6, "train": 5, "validation": 4, "test": 3}
    write_data(track, tmp_path, parts)
    for part, count in parts.items():
        table = pq.read_table(part_file(tmp_path, part))
        assert table.num_rows == count
        assert {"family", "difficulty", *LaboratoryRow.__annotations__} <= set(table.column_names)
        assert set(table["modality"].to_pylist()) == {"text", "image"}
        assert part == "sft" or "looks like" not in "".join(table["solution"].to_pylist())


@pytest.mark.slow
@pytest.mark.parametrize("track", TRACKS)
def test_a_track_runs_from_its_start_to_its_evaluation(track, tmp_path, run_cli):
    counts = {"sft": 32, "train": 16, "validation": 4, "test": 6}
    write_data(track, tmp_path / "data", counts)

    def run(command: str, name: str, *further: str) -> None:
        use = {"sft": ("train", "sft"), "grpo": ("train", "train"), "evaluate": ("validation", "test")}[name]
        data = {use[0]: [{"path": str(tmp_path / "data"), "subset": use[1], "split": use[1]}]}
        if name == "grpo":
            source = {"path": str(tmp_path / "data"), "subset": "validation", "split": "validation"}
            data["validation"] = [source]
        if command == "fit":
            data["rollouts_per_epoch"] = 1
        trainer = {"default_root_dir": str(tmp_path / name), "enable_progress_bar": False}
        overlay = tmp_path / f"{name}.yaml"
        overlay.write_text(yaml.safe_dump({"trainer": trainer, "data": data}))
        run_cli(command, "--config", RECIPES / track / f"{name}.yaml", "--config", overlay, *further)

    start, trained = tmp_path / "start", tmp_path / "trained"
    run("fit", "sft", "--trainer.callbacks.init_args.path", str(start))
    init = "--model.init_args.policy.init_from"
    run("fit", "grpo", init, str(start), "--trainer.max_epochs=2", "--trainer.callbacks.init_args.path", str(trained))
    run("validate", "evaluate", init, str(trained))
    assert len(list((tmp_path / "evaluate").rglob("validation.rank0.jsonl"))) == 1

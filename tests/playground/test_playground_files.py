import io
import re

import pytest
import yaml
from datasets import load_dataset
from PIL import Image

from cogito_pl.playground.__main__ import main
from cogito_pl.playground.families import FAMILIES, make_problem
from cogito_pl.playground.parts import PARTS, PartSpec
from cogito_pl.playground.write import write_part
from cogito_pl.problem import LazyImage, Problem
from cogito_pl.rewards import KINDS

TAGGED = re.compile(r"<think>(.+)</think><answer>(.+)</answer>")


def write(folder, part, count, **settings):
    spec = PartSpec(part=part, **settings)
    return write_part(folder, spec, (spec.row(index) for index in range(count)))


def load(folder, part, cache):
    return load_dataset(str(folder), part, split=part, cache_dir=str(cache))


@pytest.mark.parametrize("part", PARTS)
def test_every_row_comes_back_through_datasets_as_a_usable_problem(part, tmp_path):
    write(tmp_path / "set", part, 40)
    spec = PartSpec(part=part)
    rows = load(tmp_path / "set", part, tmp_path / "cache")
    assert len(rows) == 40
    for index, row in enumerate(rows):
        expected = spec.row(index)
        for column in ("id", "question", "answer", "kind", "solution", "family", "difficulty", "seed"):
            assert row[column] == getattr(expected, column)
        assert tuple(row["choices"]) == expected.choices
        assert [image.tobytes() for image in row["images"]] == [image.tobytes() for image in expected.images]
        Problem(
            id=row["id"],
            question=row["question"],
            answer=row["answer"],
            kind=row["kind"],
            images=tuple(LazyImage.of(image) for image in row["images"]),
            choices=tuple(row["choices"]),
            solution=row["solution"],
        )


def test_images_are_stored_as_png(tmp_path):
    import pyarrow.parquet as pq

    file = write(tmp_path, "test", 5)
    (stored,) = pq.read_table(file)["images"].to_pylist()[0]
    image = Image.open(io.BytesIO(stored["bytes"]))
    assert image.format == "PNG"
    assert image.mode == "RGB"


def test_writing_again_replaces_only_its_part_and_gives_the_same_bytes(tmp_path):
    train = write(tmp_path, "train", 12)
    before = train.read_bytes()
    write(tmp_path, "test", 12)
    write(tmp_path, "test", 7)
    assert train.read_bytes() == before
    assert write(tmp_path, "train", 12).read_bytes() == before
    assert len(load(tmp_path, "test", tmp_path / "cache")) == 7
    card = yaml.safe_load((tmp_path / "README.md").read_text().split("---")[1])
    assert [config["config_name"] for config in card["configs"]] == ["train", "test"]
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "test-00000-of-00001.parquet",
        "train-00000-of-00001.parquet",
    ]


def test_parts_never_share_a_seed_not_even_across_base_seeds():
    seeds = [
        PartSpec(part=part, seed=seed).row(index).seed for part in PARTS for seed in range(3) for index in range(9)
    ]
    assert len(set(seeds)) == len(seeds)


def test_families_and_difficulties_are_evenly_mixed():
    rows = [PartSpec(part="train").row(index) for index in range(10 * len(FAMILIES))]
    assert all(
        sum((row.family, row.difficulty) == key for row in rows) == 2
        for key in {(r.family, r.difficulty) for r in rows}
    )
    few = [PartSpec(part="train", families=["sum", "count"], difficulties=[2]).row(index) for index in range(6)]
    assert {(row.family, row.difficulty) for row in few} == {("count", 2), ("sum", 2)}


def test_the_kinds_cover_number_text_and_choice():
    kinds = {PartSpec(part="train").row(index).kind for index in range(5 * len(FAMILIES))}
    assert kinds == {"number", "text", "choice"}
    assert kinds <= set(KINDS)


def test_sft_mixes_guesses_with_scans_in_the_share_that_was_asked_for():
    rows = [PartSpec(part="sft", hasty_share=0.7).row(index) for index in range(600)]
    seen = [row for row in rows if row.images]
    assert sum("looks like" in row.solution for row in seen) / len(seen) == pytest.approx(0.7, abs=0.06)
    assert not any("looks like" in row.solution for row in rows if not row.images)
    for row in rows:
        reasoning, answer = TAGGED.fullmatch(row.solution).groups()
        assert answer == f" {row.answer}"
        problem = make_problem(row.family, row.difficulty, row.seed)
        assert reasoning in (problem.careful, problem.hasty)


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_other_parts_are_solved_carefully(part):
    for index in range(25):
        row = PartSpec(part=part).row(index)
        careful = make_problem(row.family, row.difficulty, row.seed).careful
        assert row.solution == f"<think>{careful}</think><answer> {row.answer}</answer>"


def test_settings_that_make_no_sense_are_refused_by_name(capsys):
    for settings, message in (
        (["--families", "guess"], "has no guess; it has count"),
        (["--hasty-share", "1.5"], "hasty_share=1.5"),
        (["--seed", "-1"], "seed -1"),
    ):
        with pytest.raises(SystemExit):
            main(["write", "--out", "unused", "--part", "sft", "--count", "1", *settings])
        assert message in capsys.readouterr().err


def test_the_command_line_writes_a_part_and_a_contact_sheet(tmp_path):
    main(["write", "--out", str(tmp_path / "set"), "--part", "pretrain", "--count", "4", "--families", "caption"])
    assert set(load(tmp_path / "set", "pretrain", tmp_path / "cache")["family"]) == {"caption"}
    main(["show", "--out", str(tmp_path / "sheet.png"), "--families", "count", "arithmetic"])
    assert Image.open(tmp_path / "sheet.png").width > 300

"""The table of completions: kept images, and what a resumed run writes again."""

import pytest
from lightning.pytorch.callbacks import ModelCheckpoint
from PIL import Image

from callbacks import RolloutTable
from cogito_pl.files import read_jsonl
from cogito_pl.modules.completion_record import image_files, keep_images
from tests.conftest import problem
from tests.modules.training import data, grpo, trainer


def run(folder, tiny_folder, playground_folder, epochs=1, resume=None, **settings):
    saved = ModelCheckpoint(folder / "ckpt", "{step}", every_n_train_steps=1, save_top_k=-1)
    fit = trainer(folder, RolloutTable(every=1, **settings), saved, max_epochs=epochs)
    fit.fit(grpo(tiny_folder), data(playground_folder, validation=True, rollouts_per_epoch=1), ckpt_path=resume)
    return [read_jsonl(folder / f"{name}.rank0.jsonl") for name in ("rollouts", "validation")]


def test_a_resumed_run_records_every_step_once(tiny_folder, playground_folder, tmp_path):
    whole, checked = run(tmp_path, tiny_folder, playground_folder, 3)
    with (tmp_path / "rollouts.rank0.jsonl").open("a") as file:
        file.write('{"step": 3, "epo')  # killed in the middle of a line
    again, checked_again = run(tmp_path, tiny_folder, playground_folder, 3, tmp_path / "ckpt" / "step=2.ckpt")
    assert again == whole
    assert [row["step"] for row in checked_again] == [row["step"] for row in checked]


@pytest.mark.parametrize("limit", [0, 3])
def test_images_of_the_first_problems_are_kept_for_every_row_of_them(tiny_folder, playground_folder, tmp_path, limit):
    trained, checked = run(tmp_path, tiny_folder, playground_folder, image_files=limit)
    rows = [row for row in trained + checked if row["images"]]
    kept = {(row["source"], row["id"]) for row in rows if row["image_files"]}
    assert len(kept) == limit
    for row in rows:
        assert len(row["image_files"]) == len(row["images"]) * ((row["source"], row["id"]) in kept)
        for name, size in zip(row["image_files"], row["sizes"], strict=False):
            assert Image.open(tmp_path / name).size == tuple(size)
    files = {str(file.relative_to(tmp_path)) for file in tmp_path.glob("images/*")}
    assert files == {name for row in rows for name in row["image_files"]}


def test_small_images_are_kept_exactly_and_large_ones_reduced(tmp_path):
    two = problem("Which?", (256, 40), (2000, 1000))
    keep_images(two, tmp_path)
    small, large = (tmp_path / name for name in image_files(two))
    assert Image.open(small).tobytes() == two.images[0].load().tobytes()
    assert Image.open(large).size == (512, 256)
    assert Image.open(large).format == "JPEG"


def test_problems_of_two_sources_do_not_share_a_file():
    one, other = (problem("Which?", (8, 8), source=source) for source in ("a", "b"))
    assert image_files(one) != image_files(other)

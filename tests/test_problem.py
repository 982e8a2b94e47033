"""Digests of a problem: of what it shows and of what it expects, by content."""

import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cogito_pl.data.reading.images import FileImage, StoredImage
from cogito_pl.problem import LazyImage, Problem


def drawn(seed, size=(9, 7)):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8))


def asked(image, **fields):
    given = {"id": "a", "question": "<image>?", "answer": "1", "kind": "number", "images": (image,)}
    return Problem(**(given | fields))


def test_an_image_of_the_same_size_and_other_content_is_another_problem():
    one, same, other = (asked(LazyImage.of(drawn(seed))) for seed in (1, 1, 2))
    assert one.shown_digest() == same.shown_digest() != other.shown_digest()


def test_a_file_that_is_replaced_by_one_of_the_same_size_has_another_digest(tmp_path):
    path = tmp_path / "image.bmp"
    drawn(1).save(path)
    image, size = LazyImage("image", (9, 7), FileImage(path)), path.stat().st_size
    before = image.digest()
    drawn(2).save(path)
    os.utime(path, ns=(1, 1))
    assert path.stat().st_size == size
    assert image.digest() != before


def test_a_file_is_read_once_for_as_long_as_it_stays_as_it_is(tmp_path, monkeypatch):
    path = tmp_path / "image.bmp"
    drawn(1).save(path)
    first = FileImage(path).digest()
    monkeypatch.setattr("pathlib.Path.open", None)
    assert FileImage(path).digest() == first


def test_stored_bytes_and_a_file_of_them_have_one_digest_without_decoding(tmp_path, monkeypatch):
    path = tmp_path / "image.png"
    drawn(1).save(path)
    reads = []

    def cell():
        reads.append(1)
        return [{"bytes": b"other", "path": None}, {"bytes": path.read_bytes(), "path": None}]

    stored = StoredImage(cell, 1)
    monkeypatch.setattr("PIL.Image.open", None)
    assert stored.digest() == stored.digest() == FileImage(path).digest() != StoredImage(cell, 0).digest()
    assert len(reads) == 2  # each its own, once


def test_the_same_image_in_other_words_or_size_is_shown_otherwise():
    image = LazyImage.of(drawn(1))
    flat = LazyImage.of(Image.frombytes("RGB", (7, 9), drawn(1).tobytes()))  # the same bytes
    digests = {
        asked(image).shown_digest(),
        asked(image, question="<image>!").shown_digest(),
        asked(flat).shown_digest(),
        asked(image, question="<image>?<image>", images=(image, image)).shown_digest(),
    }
    assert len(digests) == 4
    assert asked(image, id="b", answer="2", source="s").shown_digest() == asked(image).shown_digest()


@pytest.mark.parametrize("change", [{"answer": "2"}, {"kind": "text"}, {"choices": ("1", "2")}, {"source": "s"}])
def test_what_is_expected_is_told_apart_by_answer_kind_choices_and_source(change):
    one = asked(LazyImage.of(drawn(1)))
    assert replace(one, **change).expected_digest() != one.expected_digest()
    assert replace(one, question="<image>!", id="b").expected_digest() == one.expected_digest()

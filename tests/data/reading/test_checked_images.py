"""An image that was decoded once is not decoded again, by any process, until it is another image."""

import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from cogito_pl.data.reading import images as reading
from cogito_pl.data.reading.checked_images import MANIFEST, CheckedImages
from cogito_pl.data.reading.decoding import decoded_size, open_image
from cogito_pl.data.reading.reader import read_source
from cogito_pl.data.source import Source
from tests.conftest import ROOT


def jpeg(seed: int, size=(44, 20)) -> bytes:
    stream = io.BytesIO()
    noise = np.random.RandomState(seed).randint(0, 255, (*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, "JPEG")
    return stream.getvalue()


def row(number: int, image) -> dict:
    return {"question": "<image>?", "answer": str(number), "kind": "number", "images": [image]}


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def files(tmp_path) -> Source:
    """Five problems with an image file each."""
    for number in range(5):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(number))
    rows = [json.dumps(row(number, f"{number}.jpg")) for number in range(5)]
    (tmp_path / "train.jsonl").write_text("\n".join(rows))
    return Source(path=str(tmp_path / "train.jsonl"))


@pytest.fixture
def table(tmp_path) -> Source:
    """Five problems whose images are in the table."""
    rows = [row(number, {"bytes": jpeg(number), "path": None}) for number in range(5)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    return Source(path=str(tmp_path / "train.parquet"))


@pytest.fixture
def decoded(monkeypatch) -> list:
    """The sizes of the images that are decoded from now on."""
    sizes = []
    monkeypatch.setattr(reading, "decoded_size", lambda image: sizes.append(image.size) or decoded_size(image))
    return sizes


def reasons(source, **settings) -> list[tuple[int, str]]:
    result = read_source(source, rejection_limit=0.9, **settings)
    return [(rejection.row, rejection.reason) for rejection in result.rejections]


@pytest.mark.parametrize("kind", ["files", "table"])
def test_a_second_start_decodes_nothing_and_reads_the_same_problems(kind, request, decoded):
    source = request.getfixturevalue(kind)
    first = read_source(source).problems
    assert len(decoded) == 5
    again = read_source(source).problems
    assert len(decoded) == 5
    assert [[image.size for image in problem.images] for problem in again] == [[(44, 20)]] * 5
    assert [p.images[0].load().tobytes() for p in again] == [p.images[0].load().tobytes() for p in first]


def test_the_name_of_a_table_is_nothing_to_an_image_that_is_in_another_too(table, tmp_path, decoded):
    read_source(table)
    (tmp_path / "train.parquet").rename(tmp_path / "other.parquet")
    read_source(replace(table, path=str(tmp_path / "other.parquet")))
    assert len(decoded) == 5


def test_a_replaced_image_is_checked_again_though_its_bytes_and_time_are_as_many_and_as_old(files, tmp_path, decoded):
    read_source(files)
    place = tmp_path / "3.jpg"
    before = place.stat()
    place.write_bytes(bytes(before.st_size))
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert place.stat().st_size == before.st_size
    ((number, reason),) = reasons(files)
    assert number == 4
    assert "cannot be opened" in reason
    assert len(decoded) == 5  # and it was no image


def test_a_replaced_image_in_a_table_is_checked_again(table, tmp_path):
    read_source(table)
    rows = [row(number, {"bytes": jpeg(number)[: -400 * (number == 1) or None], "path": None}) for number in range(5)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    ((number, reason),) = reasons(table)
    assert number == 2
    assert "cannot be decoded" in reason


def test_a_broken_image_is_rejected_at_every_start_for_the_same_reason(files, tmp_path, decoded):
    (tmp_path / "2.jpg").write_bytes(jpeg(2)[:-200])
    first = reasons(files)
    assert len(first) == 1
    assert len(decoded) == 5
    assert reasons(files) == first
    assert len(decoded) == 6


@pytest.mark.parametrize("kind", ["files", "table"])
def test_a_lower_limit_rejects_an_image_that_was_within_the_one_before(kind, request):
    source = request.getfixturevalue(kind)
    read_source(source, max_image_pixels=880)
    with pytest.raises(ValueError, match="has 44 x 20 pixels: more than 879"):
        read_source(source, max_image_pixels=879)
    assert len(read_source(source, max_image_pixels=880).problems) == 5


def test_another_decoder_checks_again(files, decoded, monkeypatch):
    read_source(files)
    monkeypatch.setattr(PIL, "__version__", "0.0.1")
    read_source(files)
    assert len(decoded) == 10


def test_headers_alone_are_neither_remembered_nor_taken_from_what_was(files, tmp_path):
    read_source(files, check_images="header")
    assert not (tmp_path / MANIFEST).exists()
    read_source(files)
    (tmp_path / MANIFEST).write_text((tmp_path / MANIFEST).read_text().replace("44, 20", "1, 1"))
    assert read_source(files, check_images="header").problems[0].images[0].size == (44, 20)


def test_a_line_that_was_cut_off_costs_its_own_image_alone(files, tmp_path, decoded):
    read_source(files)
    manifest = tmp_path / MANIFEST
    whole = manifest.read_bytes()
    last = whole.rindex(b"\n")
    for end in (last + 1, last + 9, len(whole) - 1):
        manifest.write_bytes(whole[:end])
        decoded.clear()
        assert len(read_source(files).problems) == 5
        assert len(decoded) == 1
        assert len(read_source(files).problems) == 5
        assert len(decoded) == 1
    for junk in (b"\n{}", b"\n7", b"\n\xff\xfe", b"\nnull"):
        manifest.write_bytes(whole + junk)
        assert len(read_source(files).problems) == 5
        assert len(decoded) == 1


def test_of_processes_that_start_together_one_decodes_and_the_others_wait_for_what_it_finds(tmp_path, caplog):
    found = []

    def later():
        with CheckedImages(tmp_path) as other:
            found.append(other.size("a"))
            found.append(other.size("b"))
            other.add("b", (3, 4))

    thread = threading.Thread(target=later)
    with CheckedImages(tmp_path) as first:
        assert first.size("a") is None
        with caplog.at_level(logging.WARNING):
            thread.start()
            thread.join(timeout=0.3)
        assert found == []
        first.add("a", (1, 2))
    thread.join(timeout=10)
    assert found == [(1, 2), None]
    assert "another process checks these images; waiting for it" in caplog.text
    with CheckedImages(tmp_path) as last:
        assert (last.size("a"), last.size("b")) == ((1, 2), (3, 4))


def test_what_is_known_waits_for_nobody(tmp_path):
    with CheckedImages(tmp_path) as first:
        first.size("a")
        first.add("a", (1, 2))
    with CheckedImages(tmp_path) as busy:
        assert busy.size("b") is None  # from here on it has the manifest
        with CheckedImages(tmp_path) as other:
            assert other.size("a") == (1, 2)


def test_a_rank_that_shows_nothing_waits_without_a_word(tmp_path, caplog):
    with CheckedImages(tmp_path) as first:
        first.size("a")
        thread = threading.Thread(target=lambda: CheckedImages(tmp_path, announce=False).size("a"))
        with caplog.at_level(logging.WARNING):
            thread.start()
            thread.join(timeout=0.3)
            assert thread.is_alive()
    thread.join(timeout=10)
    assert not caplog.records


def test_where_the_data_cannot_be_written_to_the_cache_folder_remembers(files, tmp_path, decoded, caplog):
    (tmp_path / MANIFEST).mkdir()
    for _ in range(2):
        read_source(files)
    assert len(decoded) == 5
    assert len(list((tmp_path / os.environ["XDG_CACHE_HOME"]).glob("cogito_pl/checked_images/*.jsonl"))) == 1
    assert not caplog.records


def test_where_nothing_can_be_written_every_start_decodes_and_says_so(files, tmp_path, decoded, caplog, monkeypatch):
    (tmp_path / MANIFEST).mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    for _ in range(2):
        assert len(read_source(files).problems) == 5
    assert len(decoded) == 10
    assert caplog.text.count("checked images cannot be remembered, so every start decodes them") == 2


def test_a_manifest_that_may_not_be_read_is_passed_over(files, tmp_path, decoded, monkeypatch):
    read_source(files)
    allowed = Path.read_bytes

    def refused(path):
        if path.name == MANIFEST:
            raise PermissionError(path)
        return allowed(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    assert len(read_source(files).problems) == 5
    assert len(decoded) == 10


def test_a_folder_without_a_card_has_no_more_rows_once_its_images_were_checked(files, tmp_path, decoded):
    folder = Source(path=str(tmp_path))
    for _ in range(2):
        assert len(read_source(folder).problems) == 5
        assert (tmp_path / MANIFEST).is_file()
    assert len(decoded) == 5


def test_a_disk_that_is_full_ends_the_remembering_and_not_the_reading(tmp_path, caplog):
    (tmp_path / MANIFEST).symlink_to("/dev/full")
    with CheckedImages(tmp_path) as checked:
        assert checked.size("a") is None
        checked.add("a", (1, 2))
    assert "checked images are no longer remembered" in caplog.text
    assert checked.size("a") == (1, 2)


def test_threads_that_open_images_leave_the_filters_of_warnings_as_they_were():
    before, data = list(warnings.filters), jpeg(0)
    threads = [threading.Thread(target=lambda: [open_image(io.BytesIO(data)) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


READ = """
import sys
from cogito_pl.data.reading.reader import read_source
from cogito_pl.data.source import Source
print("reads", flush=True)
result = read_source(Source(path=sys.argv[1]), rejection_limit=0.9)
print([(p.id, p.images[0].size) for p in result.problems], [r.row for r in result.rejections])
"""


@pytest.mark.slow
def test_readers_that_were_killed_anywhere_and_readers_at_once_find_the_same(tmp_path):
    rows = []
    for number in range(400):
        size = (600 + number, 480)
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(number, size)[: -2000 if number % 50 == 7 else None])
        rows.append(json.dumps(row(number, f"{number}.jpg")))
    (tmp_path / "train.jsonl").write_text("\n".join(rows))
    command = [sys.executable, "-c", READ, str(tmp_path / "train.jsonl")]

    def start():
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ)
        assert process.stdout.readline() == "reads\n"
        return process

    for moment in (0.05, 0.3, 0.6, 0.9):
        killed = start()
        time.sleep(moment)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    answers = [process.communicate(timeout=120)[0] for process in [start(), start()]]
    wanted = [(str(n), (600 + n, 480)) for n in range(400) if n % 50 != 7]
    assert answers == [f"{wanted} {[n + 1 for n in range(400) if n % 50 == 7]}\n"] * 2
    lines = [line for line in (tmp_path / MANIFEST).read_text().split("\n") if line.endswith("]")]
    assert len(lines) == len({json.loads(line)[0] for line in lines}) == len(wanted)

"""Files are written whole or not at all, and a line that a kill cut off does not count."""

import os

import pytest

from cogito_pl.files import (
    append_jsonl,
    atomic,
    keep_lines,
    read_jsonl,
    whole_lines,
    write_json,
    write_jsonl,
    write_text,
)


def test_a_file_is_replaced_when_the_block_ends_and_its_folder_is_made(tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    for text in ("one", "two"):
        with atomic(path) as draft:
            draft.write_text(text)
            assert not path.exists() or path.read_text() == "one"
        assert path.read_text() == text
    assert [p.name for p in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_the_file_is_as_it_was_and_the_draft_is_gone(tmp_path, error):
    def spoil():
        with atomic(path) as draft:
            draft.write_text("half")
            raise error

    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(error):
        spoil()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("durable", [True, False])
def test_a_durable_file_is_flushed_to_disk_before_it_replaces_the_old_one(tmp_path, monkeypatch, durable):
    path, flushed = tmp_path / "file", []
    monkeypatch.setattr(os, "fsync", lambda number: flushed.append(path.exists()))
    with atomic(path, durable=durable) as draft:
        draft.write_text("new")
    assert flushed == [False] * durable


def test_text_and_json_are_readable_utf_8(tmp_path):
    path = tmp_path / "file"
    write_text(path, "²√3 é")
    assert path.read_bytes().decode() == "²√3 é"
    write_json(path, {"a": ["é"]}, indent=1)
    assert path.read_bytes().decode() == '{\n "a": [\n  "é"\n ]\n}\n'


def test_rows_come_back_in_order_without_the_line_that_was_cut_off(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, ({"n": n, "text": "line\nbreak"} for n in range(3)))
    append_jsonl(path, {"n": 3})
    rows = [*({"n": n, "text": "line\nbreak"} for n in range(3)), {"n": 3}]
    assert read_jsonl(path) == rows
    whole = path.read_bytes()
    for end in range(len(whole) + 1):
        path.write_bytes(whole[:end])
        complete = whole[:end].count(b"\n")
        assert read_jsonl(path) == rows[:complete]
        assert len(whole_lines(path)) == complete


def test_a_resumed_file_goes_on_after_its_last_complete_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"n": 0}\n{"n": 1}\n{"n": 2}\n{"n"')
    keep_lines(path, lambda row: row["n"] != 1)
    append_jsonl(path, {"n": 3})
    assert [row["n"] for row in read_jsonl(path)] == [0, 2, 3]


def test_a_complete_line_that_is_no_json_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"n": 0}\n{"n"\n{"n": 2}\n')
    with pytest.raises(ValueError, match=r"rows\.jsonl line 2 is not JSON .*remove the line"):
        read_jsonl(path)


def test_rows_that_cannot_be_made_leave_the_old_file(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"n": 0}])
    with pytest.raises(ZeroDivisionError):
        write_jsonl(path, ({"n": 1 // n} for n in (1, 0)))
    assert read_jsonl(path) == [{"n": 0}]
    assert [p.name for p in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_first_row_makes_its_folder(tmp_path):
    append_jsonl(tmp_path / "new" / "rows.jsonl", {"n": 0})
    assert read_jsonl(tmp_path / "new" / "rows.jsonl") == [{"n": 0}]


def test_lines_that_are_kept_stay_byte_for_byte(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes('{"n":1,  "text": "caf\\u00e9"}\n{"n": 2}\n{"n": 3, "text": "café"}\n{"n": 4'.encode())
    keep_lines(path, lambda row: row["n"] != 2)
    assert path.read_bytes() == '{"n":1,  "text": "caf\\u00e9"}\n{"n": 3, "text": "café"}\n'.encode()

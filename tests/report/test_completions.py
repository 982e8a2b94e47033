"""The completions of a page: what is read, what is embedded, and how the browser filters."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from cogito_pl.report import completions as module
from cogito_pl.report.completions import compact, embedded, read_completions, stored_images
from tests.report.runs import completion, write_lines

SCRIPT = Path(module.__file__).parent / "templates" / "completions.js"
HOSTILE = "</script><script>alert('x')</script> & \u2028 \ud800 \"quoted\""


def labelled(rows, name="training"):
    return [row | {"set": name} for row in rows]


def test_files_of_all_ranks_are_read_together_and_torn_lines_left_out(tmp_path):
    write_lines(tmp_path / "rollouts.rank0.jsonl", [completion(0, step=4)], torn='{"step": 5')
    write_lines(tmp_path / "rollouts.rank1.jsonl", [completion(1, step=2), completion(1, step=2)])
    write_lines(tmp_path / "validation.rank0.jsonl", [completion(0, step=4, validation="v")], torn="{")
    rows = read_completions(tmp_path)
    assert [(row["step"], row["set"], row["draw"]) for row in rows] == [
        (2, "training", 1), (2, "training", 1), (4, "training", 0), (4, "validation", 0),
    ]  # fmt: skip
    assert read_completions(tmp_path / "nothing here") == []


def test_of_a_validation_that_was_taken_twice_the_later_answers_count(tmp_path):
    first, second = (completion(0, step=4, validation="v", response=text) for text in ("old", "new"))
    other = completion(0, step=4, validation="w", response="of another source")
    write_lines(tmp_path / "validation.rank0.jsonl", [first, other, second])
    assert sorted(row["response"] for row in read_completions(tmp_path)) == ["new", "of another source"]


def test_the_columns_hold_what_the_records_held():
    rows = labelled([completion(0), completion(1, verdict="wrong", finished=False), completion(0, response="again")])
    data = compact(rows, {})
    columns, words = data["rows"], data["words"]
    for place, row in enumerate(rows):
        problem = data["problems"][columns["problem"][place]]
        assert (problem["id"], problem["question"], problem["gold"]) == (row["id"], row["question"], "4")
        assert problem["named"] == row["images"]
        assert words["verdict"][columns["verdict"][place]] == row["verdict"]
        assert words["set"][columns["set"][place]] == "training"
        for name, own in (("text", "response"), ("reward", "reward"), ("tokens", "tokens"), ("advantage", "advantage")):
            assert columns[name][place] == row[own]
        assert columns["cut"][place] == (not row["finished"])
        assert columns["terms"][place] == [1.0, 1.0]
    assert len(data["problems"]) == 2
    assert data["terms"] == ["accuracy", "format"]


def test_a_term_that_only_some_rows_have_is_missing_in_the_others():
    rows = labelled([completion(0, terms={"a": 1.0}), completion(1, terms={"b": float("nan")})])
    assert compact(rows, {})["rows"]["terms"] == [[1.0, None], [None, None]]


def test_beyond_the_limit_the_oldest_rows_are_left_out():
    rows = labelled([completion(place, step=place, response="x" * 1000) for place in range(10)])
    data = compact(rows, {}, most_text=4000)
    assert data["rows"]["step"] == [7, 8, 9]
    assert data["total"] == 10
    assert compact(rows, {})["rows"]["step"] == list(range(10))


def test_no_text_can_end_the_script_that_holds_it():
    text = embedded({"text": HOSTILE})
    assert "<" not in text
    assert json.loads(text.encode("utf-8", "backslashreplace").decode()) == {"text": HOSTILE}


@pytest.fixture
def images(tmp_path):
    for name in ("images/a.png", "images/b.png", "images/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), "red").save(tmp_path / name)
    return tmp_path


def test_images_that_were_kept_are_shown_and_others_named(images):
    names = ["images/a.png", "images/gone.png"]
    rows = labelled([completion(0, images=["first", "second"], image_files=names), completion(1, images=["third"])])
    found = stored_images(images, rows)
    assert list(found) == ["images/a.png"]
    assert found["images/a.png"].startswith("data:image/png;base64,")
    one, other = compact(rows, found)["problems"]
    assert (one["kept"], one["named"]) == (["images/a.png"], ["second"])
    assert (other["kept"], other["named"]) == ([], ["third"])


def test_images_are_bounded_in_number_and_size_and_the_newest_come_first(images):
    rows = labelled(
        [
            completion(place, step=place, image_files=[f"images/{n}"])
            for place, n in enumerate(("a.png", "b.png", "c.jpg"))
        ]
    )
    assert list(stored_images(images, rows, most=2)) == ["images/c.jpg", "images/b.png"]
    size = (images / "images/c.jpg").stat().st_size
    assert list(stored_images(images, rows, most_bytes=size)) == ["images/c.jpg"]


def test_files_outside_of_the_log_folder_are_not_read(images):
    outside = images / "outside.png"
    Image.new("RGB", (8, 8), "red").save(outside)
    rows = labelled([completion(0, image_files=["../outside.png", str(outside), "a.png"])])
    assert list(stored_images(images / "images", rows)) == ["a.png"]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
class TestBrowser:
    ROWS = (
        completion(0, step=1, verdict="right", response="I see FOUR", stage="easy"),
        completion(1, step=2, verdict="wrong", response="five", stage="hard", reward=0.25),
        completion(2, step=3, verdict="unparsed", source="other", kind="choice", stage="hard", reward=None),
        completion(3, step=3, verdict="right", question="What is (4.2)?", stage="hard", meta={"family": "Chart"}),
    )

    def found(self, query, order="oldest"):
        data = compact([*labelled(self.ROWS[:3]), *labelled(self.ROWS[3:], "validation")], {})
        code = (
            f"const b = require({json.dumps(str(SCRIPT))}), data = {embedded(data)};"
            f"const rows = b.matching(data, {json.dumps(query)}, b.problemTexts(data));"
            f"console.log(JSON.stringify(b.ordered(data, rows, {json.dumps(order)})))"
        )
        return json.loads(subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True).stdout)

    @pytest.mark.parametrize(
        ("query", "rows"),
        [
            ({}, [0, 1, 2, 3]),
            ({"verdict": "right"}, [0, 3]),
            ({"source": "other"}, [2]),
            ({"kind": "choice"}, [2]),
            ({"stage": "hard", "verdict": "wrong"}, [1]),
            ({"set": "validation"}, [3]),
            ({"from": 2}, [1, 2, 3]),
            ({"from": 2, "to": 2}, [1]),
            ({"text": "four"}, [0]),
            ({"text": "(4.2)"}, [3]),
            ({"text": "chart"}, [3]),
            ({"text": "p2"}, [2]),
            ({"text": "see", "to": 1}, [0]),
            ({"verdict": "no such word"}, []),
            ({"verdict": "", "text": ""}, [0, 1, 2, 3]),
        ],
    )
    def test_a_filter_keeps_what_meets_all_of_it(self, query, rows):
        assert self.found(query) == rows

    def test_rows_are_ordered_by_age_reward_or_length(self):
        assert self.found({}, "newest") == [3, 2, 1, 0]
        assert self.found({}, "reward up") == [1, 3, 0, 2]  # without a reward: last
        assert self.found({}, "reward down") == [3, 0, 1, 2]
        assert self.found({}, "tokens down") == [3, 2, 1, 0]
        assert self.found({}, "tokens up") == [0, 1, 2, 3]

    def test_advantages_are_told_of_training_alone(self):
        data = compact([*labelled(self.ROWS[:1]), *labelled(self.ROWS[1:2], "validation")], {})
        code = f"const b = require({json.dumps(str(SCRIPT))}), data = {embedded(data)};"
        code += "console.log(JSON.stringify([b.facts(data, 0), b.facts(data, 1)]))"
        told = json.loads(subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True).stdout)
        assert told == [
            ["reward 1.1", "accuracy 1", "format 1", "advantage -0.5", "10 tokens"],
            ["reward 0.25", "accuracy 1", "format 1", "11 tokens"],
        ]

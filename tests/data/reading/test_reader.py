"""Data become problems, or are rejected with file, row and reason: `pytest tests/data/reading`."""

import gzip
import io
import json
import logging
import pickle
import socket
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from datasets import Image as ImageFeature
from PIL import Image

from cogito_pl.data.reading.reader import Rejection, TooManyRejected, read_source
from cogito_pl.data.source import Columns, Source


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """A working directory and a cache of one's own, and no network."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.chdir(tmp_path)

    def refuse(*_):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def png(size=(6, 4), colour="red") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "PNG")
    return stream.getvalue()


def cell(size=(6, 4), colour="red") -> dict:
    return {"bytes": png(size, colour), "path": None}


FULL = Features(
    question=Value("string"),
    answer=Value("string"),
    images=List(ImageFeature()),
    kind=Value("string"),
    choices=List(Value("string")),
    solution=Value("string"),
    id=Value("string"),
    family=Value("string"),
    level=Value("int64"),
)


def row(**changes) -> dict:
    base = dict.fromkeys(FULL) | {"question": "How many?", "answer": "3", "images": [cell()], "kind": "number"}
    return base | changes


def parquet(path: str, rows: list[dict], features: Features = FULL) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=features.arrow_schema), path)
    return path


def jsonl(path: str, rows: list) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows), "utf-8")
    return path


def read(path, *, rejection_limit=1.0, check=lambda problem: None, check_images="decode", **settings):
    source = Source(path=str(path), **settings)
    return read_source(source, rejection_limit=rejection_limit, check=check, check_images=check_images, progress=False)


def test_a_full_row_becomes_a_problem():
    path = parquet(
        "train.parquet",
        [row(id="x1", choices=["a", "b"], solution="Because.", family="count", level=2, images=[cell(), cell((3, 9))])],
    )
    (problem,) = read(path).problems
    assert problem.question == "<image><image>\nHow many?"
    assert (problem.id, problem.answer, problem.kind, problem.source) == ("x1", "3", "number", "train")
    assert (problem.choices, problem.solution) == (("a", "b"), "Because.")
    assert problem.meta == {"family": "count", "level": 2}
    assert [p.size for p in problem.images] == [(6, 4), (3, 9)]
    assert [p.load().size for p in problem.images] == [(6, 4), (3, 9)]
    assert problem.images[0].name == "train.parquet row 1 image 1"


def test_another_schema_is_read_by_configuration_alone():
    features = Features(
        image=ImageFeature(), query=Value("string"), label=List(Value("string")), level=Value("float64")
    )
    sizes = [(6, 4), (200, 100), (1, 1), (33, 257)]
    rows = [{"image": cell(size), "query": "What?", "label": [f"a{i}"], "level": 0.5} for i, size in enumerate(sizes)]
    path = parquet("chart/data/val-00000-of-00001.parquet", rows, features)
    columns = Columns(question="query", answer="label", images="image", kind=None)
    for place in (path, "chart"):
        problems = read(place, split="val", columns=columns, kind="chart").problems
        assert [p.images[0].size for p in problems] == sizes
        assert [p.answer for p in problems] == ["a0", "a1", "a2", "a3"]
        assert {p.kind for p in problems} == {"chart"}
        assert problems[0].meta == {"level": 0.5}
        assert [p.id for p in problems] == ["0", "1", "2", "3"]


BROKEN = {
    "question": (row(question=" "), "the question is empty"),
    "no question": (row(question=None), "the question is empty"),
    "answer": (row(answer=""), "the answer is empty"),
    "no answer": (row(answer=None), "the answer is empty"),
    "no kind": (row(kind=None), "the kind is empty"),
    "markers": (row(question="<image> and <image>"), "the question has 2 <image> markers for 1 images"),
    "no images": (row(question="<image> How many?", images=None), "the question has 1 <image> markers for 0 images"),
    "corrupt": (row(images=[cell(), {"bytes": b"junk", "path": None}]), "image 2 cannot be opened"),
    "truncated": (row(images=[{"bytes": png((64, 64))[:-30], "path": None}]), "image 1 cannot be decoded"),
    "absent file": (row(images=[{"bytes": None, "path": "gone.png"}]), "image 1 does not exist: '/"),
    "escape": (row(images=[{"bytes": None, "path": "/etc/hostname"}]), "image 1 lies outside of image_root"),
    "empty choice": (row(choices=["a", ""]), "one of the choices is empty"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_row_that_cannot_be_used_is_rejected_with_file_row_and_reason(name):
    broken, reason = BROKEN[name]
    result = read(parquet("d/p.parquet", [row(), row(), broken, row()]))
    (rejection,) = result.rejections
    assert (rejection.file, rejection.row) == ("d/p.parquet", 3)
    assert rejection.reason.startswith(reason)
    assert len(result.problems) == 3


def test_an_answer_that_its_verifier_cannot_use_is_rejected():
    path = parquet("p.parquet", [row(), row(answer="many")])
    result = read(path, check=lambda p: "no number" if p.answer == "many" else None)
    assert result.rejections == [Rejection("p.parquet", 2, "no number")]
    default = read_source(Source(path=path), rejection_limit=0.5, progress=False)
    assert [r.row for r in default.rejections] == [2]


def test_a_kind_without_a_verifier_is_refused_with_the_kinds_there_are_and_how_to_add_one():
    path = parquet("p.parquet", [row(), row(kind="riddle")])
    (rejection,) = read_source(Source(path=path), rejection_limit=0.5, progress=False).rejections
    assert rejection.reason.startswith("kind 'riddle' has no verifier; choose from math, number, choice, text, chart,")
    assert "reward.verifiers: {riddle: {class_path: my_package.MyVerifier}}" in rejection.reason


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), (3, "3"), (1.0, "1.0"), (True, "True"), (["y"], "y"), ([2.5], "2.5"), ("²√3 é", "²√3 é")],
)
def test_answers_become_text_as_they_stand(value, text):
    path = jsonl("a.jsonl", [{"question": "q", "answer": value}])
    assert read(path, kind="text").problems[0].answer == text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (["a", "b"], "the answer is a list of 2 values instead of one"),
        ([], "the answer is empty"),
        ([None], "the answer is empty"),
        ({"a": 1}, "the answer is neither text nor a number: dict"),
        (float("nan"), "the answer is empty"),
        ("\ud800", "the answer has half a surrogate pair"),
    ],
)
def test_answers_that_are_not_one_value_are_rejected(value, reason):
    result = read(jsonl("a.jsonl", [{"question": "q", "answer": value}, {"question": "q", "answer": 1}]), kind="text")
    assert result.rejections[0].reason.startswith(reason)
    assert result.rejections[0].row == 1


def test_a_kind_column_wins_over_the_setting_which_fills_its_gaps():
    path = parquet("p.parquet", [row(kind="math"), row(kind=None)])
    assert [p.kind for p in read(path, kind="text").problems] == ["math", "text"]
    assert [p.kind for p in read(path, kind="text", columns=Columns(kind=None)).problems] == ["text", "text"]


def test_a_kind_that_is_stated_nowhere_is_an_error_that_names_the_setting():
    path = jsonl("a.jsonl", [{"question": "q", "answer": "1"}])
    with pytest.raises(ValueError, match=r"source a: .*set `kind` to one of math, number, choice, text, chart, boxes"):
        read(path)


@pytest.mark.parametrize("field", ["question", "answer", "images", "kind", "choices", "solution", "id"])
def test_a_named_column_that_is_absent_is_an_error_that_lists_the_columns(field):
    path = parquet("p.parquet", [row()])
    with pytest.raises(ValueError, match=rf"columns.{field}='other' does not exist; p.parquet has .* question, answer"):
        read(path, columns=Columns(**{field: "other"}))


def test_default_columns_may_be_absent_except_question_and_answer():
    assert len(read(jsonl("a.jsonl", [{"question": "q", "answer": "1"}]), kind="number").problems) == 1
    for absent, present in (("question", "answer"), ("answer", "question")):
        with pytest.raises(ValueError, match=rf"columns.{absent}='{absent}' does not exist"):
            read(jsonl("b.jsonl", [{present: "x"}]), kind="text")


@pytest.mark.parametrize(
    "kind", [ImageFeature(), List(ImageFeature()), {"bytes": Value("binary"), "path": Value("string")}, Value("binary")]
)
def test_images_that_no_setting_names_are_an_error(kind, caplog):
    features = Features(question=Value("string"), answer=Value("string"), image=kind)
    value = [cell()] if isinstance(kind, List) else png() if kind == Value("binary") else cell()
    path = parquet("p.parquet", [{"question": "q", "answer": "1", "image": value}], features)
    with pytest.raises(ValueError, match=r"no setting names the images in image; set `columns.images`"):
        read(path, kind="number")
    assert len(read(path, kind="number", columns=Columns(images="image")).problems[0].images) == 1
    with caplog.at_level(logging.WARNING):
        (problem,) = read(path, kind="number", columns=Columns(images=None)).problems
    assert problem.images == ()
    assert "images in image are not used" in caplog.text


def test_unnamed_file_names_of_images_are_an_error_too():
    rows = [{"question": "q", "answer": "1", "figure": "a.png"}]
    features = Features(question=Value("string"), answer=Value("string"), figure=Value("string"))
    for path in (jsonl("a.jsonl", rows), parquet("p.parquet", rows, features)):
        with pytest.raises(ValueError, match="no setting names the images in figure"):
            read(path, kind="number")


def test_a_text_only_row_among_images_is_a_problem_without_images():
    result = read(parquet("p.parquet", [row(), row(images=None), row(images=[])]))
    assert [len(p.images) for p in result.problems] == [1, 0, 0]
    assert result.problems[1].question == "How many?"


def test_markers_in_the_question_stay_where_they_are():
    path = parquet("p.parquet", [row(question="Is <image> like <image>?", images=[cell(), cell()])])
    assert read(path).problems[0].question == "Is <image> like <image>?"


def test_a_missing_path_is_an_error_that_names_it():
    with pytest.raises(FileNotFoundError, match=r"source gone: path=data/gone does not exist in .*put the data there"):
        read("data/gone")
    with pytest.raises(FileNotFoundError, match="image_root=images is not a folder"):
        read(jsonl("a.jsonl", [{"question": "q", "answer": "1"}]), kind="text", image_root="images")


def test_too_many_rejections_stop_the_reading_and_are_counted_by_reason():
    rows = [row()] * 12 + [row(answer="")] * 4 + [row(question="<image>" * n) for n in (2, 3, 4)] + [row(kind=" ")]
    path = parquet("p.parquet", rows)
    with pytest.raises(TooManyRejected) as caught:
        read(path, rejection_limit=0.39)
    message = str(caught.value)
    assert "source p: 8 of 20 rows were rejected (40.0%), and rejection_limit=0.39 allows 39.0%" in message
    assert "4 rejected, such as p.parquet row 13: the answer is empty" in message
    assert "3 rejected, such as p.parquet row 17: the question has 2 <image> markers for 1 images" in message
    assert "1 rejected: p.parquet row 20: the kind is empty" in message
    assert "raise data.rejection_limit" in message
    assert len(message.splitlines()) <= 5
    result = read(path, rejection_limit=0.4)
    assert result.summary().splitlines()[0] == "12 of 20 rows are used, 8 rejected"
    assert len(result.summary().splitlines()) == 4


def test_a_source_without_one_usable_row_is_an_error_at_any_limit():
    with pytest.raises(TooManyRejected, match=r"1 of 1 rows were rejected \(100.0%\)"):
        read(parquet("p.parquet", [row(answer="")]), rejection_limit=1.0)
    with pytest.raises(TooManyRejected, match=r"2 rejected, such as a.jsonl row 1: the line is not valid JSON"):
        read(jsonl("a.jsonl", ["{", "}"]), kind="text")
    with pytest.raises(ValueError, match="holds no rows"):
        read(jsonl("b.jsonl", []), kind="text")
    with pytest.raises(ValueError, match="rejection_limit=5 is not a share"):
        read("a.jsonl", rejection_limit=5)


def test_a_summary_of_a_clean_source_is_one_line():
    assert read(parquet("p.parquet", [row()] * 2)).summary() == "2 of 2 rows are used, 0 rejected"


CARD = """---
configs:
- config_name: Full
  data_files:
  - split: testmini
    path: full_mini.parquet
  - split: sample_variant1
    path: full/*.parquet
- config_name: With-Images
  data_files:
  - split: test
    path: images.parquet
---
# A card
"""


def test_a_card_with_several_configurations_and_odd_splits_is_honoured():
    parquet("set/full_mini.parquet", [row(answer="1")])
    parquet("set/full/a.parquet", [row(answer="2")] * 3)
    parquet("set/full/b.parquet", [row(answer="3")] * 2 + [row(answer="")])
    parquet("set/images.parquet", [row(answer="4")])
    Path("set/README.md").write_text(CARD)
    assert [p.answer for p in read("set", subset="Full", split="testmini").problems] == ["1"]
    variant = read("set", subset="Full", split="sample_variant1")
    assert [p.answer for p in variant.problems] == ["2"] * 3 + ["3"] * 2
    assert variant.rejections == [Rejection("set/full/b.parquet", 3, "the answer is empty")]
    assert variant.problems[0].source == "set/Full"
    assert len(read("set", subset="With-Images", split="test").problems) == 1
    with pytest.raises(ValueError, match="split='test' does not exist; set has testmini, sample_variant1"):
        read("set", subset="Full", split="test")
    with pytest.raises(ValueError, match="subset='full' does not exist; set has Full, With-Images"):
        read("set", subset="full")
    with pytest.raises(ValueError, match="`subset` is needed; set has Full, With-Images"):
        read("set")


def test_a_folder_without_a_card_has_the_splits_of_its_file_names():
    parquet("set/data/train-00000-of-00002.parquet", [row(answer="1")] * 2)
    parquet("set/data/train-00001-of-00002.parquet", [row(answer="2"), row(answer="")])
    parquet("set/data/test-00000-of-00001.parquet", [row(answer="3")])
    result = read("set")
    assert [p.answer for p in result.problems] == ["1", "1", "2"]
    assert result.rejections == [Rejection("set/data/train-00001-of-00002.parquet", 2, "the answer is empty")]
    assert [p.id for p in result.problems] == ["0", "1", "2"]
    assert [p.answer for p in read("set", split="test").problems] == ["3"]


def test_a_changed_file_is_read_anew():
    parquet("set/train.parquet", [row(answer="1")])
    assert [p.answer for p in read("set").problems] == ["1"]
    parquet("set/train.parquet", [row(answer="2")])
    assert [p.answer for p in read("set").problems] == ["2"]


def test_a_card_that_points_to_another_machine_is_rejected():
    parquet("set/train.parquet", [row()])
    Path("set/README.md").write_text(
        "---\nconfigs:\n- config_name: d\n  data_files: https://example.com/a.parquet\n---\n"
    )
    with pytest.raises(ValueError, match="names files on other machines"):
        read("set")


def test_a_card_that_promises_more_rows_is_a_warning(caplog):
    parquet("set/train.parquet", [row()])
    Path("set/README.md").write_text(
        "---\ndataset_info:\n  splits:\n  - name: train\n    num_bytes: 1\n    num_examples: 7\n---\n"
    )
    assert len(read("set").problems) == 1
    assert "set has 1 rows, but its card says 7" in caplog.text


@pytest.mark.parametrize("name", [None, "notes.txt", "README.md", "train.py"])
def test_a_folder_without_data_is_an_error(name):
    Path("set").mkdir()
    if name:
        Path("set", name).write_text("nothing")
    with pytest.raises(ValueError, match="set holds no parquet, JSON, CSV or Arrow files"):
        read("set")


def test_a_card_that_is_no_yaml_is_an_error_that_names_it():
    parquet("set/train.parquet", [row()])
    Path("set/README.md").write_text("---\nconfigs: [\n---\n")
    with pytest.raises(ValueError, match=r"the card set/README.md cannot be read"):
        read("set")


def test_a_folder_of_images_with_a_metadata_file_is_read():
    Path("set/train").mkdir(parents=True)
    Path("set/train/a.png").write_bytes(png((3, 5)))
    jsonl("set/train/metadata.jsonl", [{"file_name": "a.png", "question": "q", "answer": 4}])
    (problem,) = read("set", kind="number", columns=Columns(images="image")).problems
    assert (problem.images[0].load().size, problem.answer) == ((3, 5), "4")


def test_json_lines_outnumbered_by_images_are_found_with_the_remedy_of_the_error():
    Path("set/images").mkdir(parents=True)
    for n in range(3):
        Path(f"set/images/train_{n}.png").write_bytes(png((n + 1, 5)))
    rows = [{"question": "q", "answer": 4, "images": f"images/train_{n}.png"} for n in range(3)]
    jsonl("set/train.jsonl", rows)
    with pytest.raises(ValueError, match="looks like a folder of images without questions; set `path` to the file"):
        read("set", kind="number")
    for card in (None, "---\nconfigs:\n- config_name: default\n  data_files: train.jsonl\n---\n"):
        if card is not None:
            Path("set/README.md").write_text(card)
        problems = read("set" if card else "set/train.jsonl", kind="number").problems
        assert [p.images[0].size for p in problems] == [(1, 5), (2, 5), (3, 5)]


def test_tables_of_comma_separated_values_are_read():
    Path("set").mkdir()
    Path("set/test.csv").write_text("question,answer,kind\nq,4,number\nq,,number\n")
    result = read("set", split="test")
    assert [p.answer for p in result.problems] == ["4.0"]
    assert result.rejections == [Rejection("set/test.csv", 2, "the answer is empty")]


def test_a_file_of_another_kind_is_an_error():
    Path("a.pkl").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"a.pkl is neither a folder nor a .parquet, .jsonl or .json file"):
        read("a.pkl")
    with pytest.raises(ValueError, match="has no subsets; leave `subset` out"):
        read(parquet("p.parquet", [row()]), subset="x")


def test_a_parquet_file_that_is_broken_is_an_error_that_names_it():
    Path("p.parquet").write_bytes(b"PAR1 no PAR1")
    with pytest.raises(ValueError, match=r"source p: p.parquet cannot be read"):
        read("p.parquet")


def test_saved_data_sets_are_read_with_and_without_splits():
    data = Dataset.from_list([row(answer="1"), row(answer="")], features=FULL)
    data.save_to_disk("one")
    DatasetDict(train=data, testmini=data.select([0])).save_to_disk("several")
    assert read("one").rejections == [Rejection("one", 2, "the answer is empty")]
    assert read("several").rejections == [Rejection("several/train", 2, "the answer is empty")]
    (problem,) = read("several", split="testmini").problems
    assert problem.images[0].load().size == (6, 4)
    with pytest.raises(ValueError, match="split='test' does not exist; several has train, testmini"):
        read("several", split="test")


def test_a_parquet_file_written_by_pandas_needs_no_image_type():
    table = pa.Table.from_pylist([{"question": "q", "answer": 1.5, "images": cell(), "level": float("nan")}])
    pq.write_table(table, "p.parquet")
    (problem,) = read("p.parquet", kind="number").problems
    assert (problem.answer, problem.images[0].size, problem.meta) == ("1.5", (6, 4), {})


def test_class_labels_are_read_as_their_names():
    features = Features(
        question=Value("string"), answer=ClassLabel(names=["cat", "dog"]), kind=ClassLabel(names=["text"])
    )
    path = parquet("p.parquet", [{"question": "q", "answer": 1, "kind": 0}], features)
    (problem,) = read(path).problems
    assert (problem.answer, problem.kind) == ("dog", "text")


def test_json_lines_lose_one_row_per_broken_line_and_keep_line_numbers():
    good = {"question": "q", "answer": 1}
    rows = [good, "", '{"question": "q", "ans', good, "[1, 2]", "3", good, '{"a": ' + "[" * 100_000, good]
    result = read(jsonl("a.jsonl", rows), kind="number")
    assert len(result.problems) == 4
    assert [(r.file, r.row) for r in result.rejections] == [("a.jsonl", n) for n in (3, 5, 6, 8)]
    assert result.rejections[0].reason.startswith("the line is not valid JSON: Unterminated string")
    assert result.rejections[1].reason == "the row is a list, not an object of columns and values"
    assert [p.id for p in result.problems] == ["0", "2", "5", "7"]


def test_json_lines_with_images_by_path_read_them_from_the_folder_of_the_data():
    Path("data/img").mkdir(parents=True)
    for n in range(3):
        Path(f"data/img/{n}.png").write_bytes(png((n + 1, 4)))
    rows = [
        {"question": "q", "answer": 1, "images": "img/0.png"},
        {"question": "q", "answer": "1", "images": ["img/1.png", "img/2.png"]},
        {"question": "q", "answer": [1], "images": []},
        {"question": "q", "answer": 1.0},
        {"question": "q", "answer": 1, "images": ["../../etc/hostname"]},
        {"question": "q", "answer": 1, "images": "img/9.png"},
    ]
    jsonl("data/train.jsonl", rows)
    for place in ("data/train.jsonl", "data"):
        result = read(place, kind="number")
        assert [[p.size for p in problem.images] for problem in result.problems] == [[(1, 4)], [(2, 4), (3, 4)], [], []]
        assert [(r.file, r.row) for r in result.rejections] == [("data/train.jsonl", 5), ("data/train.jsonl", 6)]
    moved = read("data/train.jsonl", kind="number", image_root="data/img")
    assert len(moved.problems) == 2
    assert result.problems[0].images[0].name == "data/train.jsonl row 1 image 1 (img/0.png)"


def test_a_folder_of_json_lines_loses_one_row_per_broken_line_too():
    jsonl("set/train.jsonl", [{"question": "q", "answer": "1"}, "{broken", {"question": "q", "answer": 2}])
    result = read("set", kind="number")
    assert [p.answer for p in result.problems] == ["1", "2"]
    assert [(r.file, r.row) for r in result.rejections] == [("set/train.jsonl", 2)]


def test_a_compressed_json_file_that_is_broken_is_an_error_that_names_the_folder():
    Path("set").mkdir()
    Path("set/train.jsonl.gz").write_bytes(gzip.compress(b'{"question": "q", "answer": "1"}\n{broken\n'))
    with pytest.raises(ValueError, match="source set: set cannot be read"):
        read("set", kind="number")
    Path("set/train.jsonl.gz").write_bytes(gzip.compress(b'{"question": "q", "answer": "1"}\n'))
    assert len(read("set", kind="number").problems) == 1


def test_a_json_file_may_be_one_list():
    path = "a.json"
    Path(path).write_text("\ufeff" + json.dumps([{"question": "q", "answer": 1}, 5], indent=1), "utf-8")
    result = read(path, kind="number")
    assert (len(result.problems), result.rejections[0].row) == (1, 2)
    Path(path).write_text('[{"question": "q",\n "answer": }]')
    with pytest.raises(ValueError, match=r"a.json is not valid JSON: .*line 2"):
        read(path, kind="number")


def test_a_byte_order_mark_and_bytes_that_are_no_text_cost_at_most_their_row():
    line = json.dumps({"question": "q", "answer": "1"}).encode()
    Path("a.jsonl").write_bytes(b"\xef\xbb\xbf" + line + b"\n" + b'{"question": "\xff"}\n' + line)
    result = read("a.jsonl", kind="number")
    assert (len(result.problems), [r.row for r in result.rejections]) == (2, [2])


def test_long_text_and_huge_numbers_are_no_trouble():
    rows = [{"question": "x" * 1_000_000, "answer": 10**3000, "n": 1}, {"question": "q", "answer": "\ud83d\ude00"}]
    result = read(jsonl("a.jsonl", [*rows, '{"question": "q", "answer": 1' + "0" * 9000 + "}"]), kind="text")
    assert [len(p.answer) for p in result.problems] == [3001, 1]
    rows = [{"question": "q", "answer": 1}, {"question": "q", "answer": 1, "note": "\udfff"}]
    (rejection,) = read(jsonl("b.jsonl", rows), kind="text").rejections
    assert rejection.reason.startswith("the note has half a surrogate pair")


def test_choices_are_texts_or_numbers_in_a_list():
    rows = [{"question": "q", "answer": "A", "choices": c} for c in (["x", 2], None, "A. x", [None], list("x" * 27))]
    result = read(jsonl("a.jsonl", rows), kind="choice")
    assert [p.choices for p in result.problems] == [("x", "2"), ()]
    assert [r.reason.split(":")[0] for r in result.rejections] == [
        "the choices are not a list",
        "one of the choices is empty",
        "27 choices are more than there are labels (A to Z)",
    ]


def test_ids_are_unique_and_do_not_depend_on_what_is_rejected(caplog):
    rows = [
        {"question": "q", "answer": a, "id": i} for i, a in (("x", 1), (7, 1), ("x", ""), ("x", 1), (None, 1), ("", 1))
    ]
    rows += [{"question": "q", "answer": 1, "id": "x#2"}]
    result = read(jsonl("a.jsonl", rows), kind="number")
    assert [p.id for p in result.problems] == ["x", "7", "x#3", "4", "5", "x#2#2"]
    assert "3 rows repeat an id" in caplog.text


def test_a_limit_takes_the_first_rows_and_says_so(caplog):
    rows = [row(answer=str(n) if n != 1 else "") for n in range(6)]
    lines = jsonl("a.jsonl", [{k: v for k, v in r.items() if k != "images"} for r in rows])
    for path in (parquet("p.parquet", rows), lines):
        result = read(path, limit=4)
        assert [p.answer for p in result.problems] == ["0", "2", "3"]
        assert [p.id for p in result.problems] == ["0", "2", "3"]
    assert "source p: limit=4: only the first 4 rows were read" in caplog.text
    with pytest.raises(ValueError, match="limit=0 leaves no rows"):
        read("p.parquet", limit=0)


def test_problems_travel_to_another_process_without_their_images():
    big = Image.effect_noise((300, 300), 90)
    stream = io.BytesIO()
    big.save(stream, "PNG")
    path = parquet("p.parquet", [row(images=[{"bytes": stream.getvalue(), "path": None}])] * 3)
    problem = read(path).problems[1]
    sent = pickle.dumps(problem)
    assert len(sent) < 10_000
    assert pickle.loads(sent).images[0].load().size == (300, 300)


def test_images_belong_to_their_rows_across_batches_and_files():
    for part, first in enumerate((0, 45)):
        rows = [row(answer=str(n + 1), images=[cell((n + 1, 2))]) for n in range(first, first + 45)]
        parquet(f"set/train-{part:05d}-of-00002.parquet", rows)
    for problem in read("set").problems:
        assert problem.images[0].load().size == problem.images[0].size == (int(problem.answer), 2)


def test_reading_the_header_alone_finds_what_is_no_image_but_not_what_is_cut_short():
    rows = [
        row(),
        row(images=[{"bytes": b"x", "path": None}]),
        row(images=[{"bytes": png((64, 64))[:-30], "path": None}]),
    ]
    path = parquet("p.parquet", rows)
    assert [r.row for r in read(path, check_images="header").rejections] == [2]
    assert [r.row for r in read(path).rejections] == [2, 3]


def test_the_name_of_a_source_comes_from_its_path_unless_it_is_given():
    assert Source(path="a/MathLLMs/MathVision").label == "MathVision"
    assert Source(path="a/v1.5").label == "v1.5"
    assert Source(path="a/train.jsonl").label == "train"
    assert Source(path="a/ScienceQA", subset="IMG").label == "ScienceQA/IMG"
    assert Source(path="a/train.jsonl", name="mine").label == "mine"

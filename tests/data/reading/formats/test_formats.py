"""Every row of a format becomes its problem, or is rejected with a reason that says what to set."""

import json
import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from cogito_pl.data.reading.reader import TooManyRejected, read_source
from cogito_pl.data.source import Columns, Source
from cogito_pl.problem import Exchange
from tests.data.reading.formats.rows import CASES, said, shared

SOLVED = {"messages": said("2 + 3?", "So it is \\boxed{4}, no, \\boxed{5}."), "answer": "5"}


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    for name, size in (("a.png", (6, 4)), ("b.png", (9, 3))):
        Image.new("RGB", size, "red").save(name)


def read(rows, *, file="rows.jsonl", **settings):
    with open(file, "w") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    source = Source(path=file, **({"kind": "text"} | settings))
    return read_source(source, rejection_limit=1.0, check=lambda problem: None, progress=False)


@pytest.mark.parametrize("name", CASES)
def test_the_rows_of_a_format_become_their_problems_or_are_rejected_with_their_reasons(name):
    cases = CASES[name]
    result = read([row for row, _ in cases.values()], format=name)
    reasons = {rejection.row: rejection for rejection in result.rejections}
    problems = iter(result.problems)
    for number, (case, (_, expected)) in enumerate(cases.items(), 1):
        if isinstance(expected, str):
            assert reasons.pop(number).reason.startswith(expected), case
            continue
        assert number not in reasons, (case, reasons.get(number))
        found = next(problems)
        found = {field: getattr(found, field) for field in expected}
        found |= {"images": len(found["images"])} if "images" in found else {}
        assert found == expected, case
    assert not reasons


def test_every_format_names_the_file_and_the_row_of_what_it_rejects():
    rejection = read([SOLVED, {"messages": [], "answer": "5"}], format="messages").rejections[0]
    assert str(rejection) == "rows.jsonl row 2: the column 'messages' is no list of turns: list"


@pytest.mark.parametrize(
    ("row", "setting", "named"),
    [
        (SOLVED, "columns", "messages"),
        ({"messages": said("?"), "solution": "5"}, "columns", "swift"),
        ({"conversations": shared("?", "5"), "answer": "5"}, "columns", "sharegpt"),
        ({"conversations": shared("?", "5"), "answer": "5"}, "swift", "sharegpt"),
        ({"messages": said("?"), "solution": "5"}, "messages", "swift"),
        ({"question": "?", "answer": "5"}, "sharegpt", "columns"),
    ],
)
def test_data_of_another_format_are_refused_with_the_format_to_set(row, setting, named):
    with pytest.raises(ValueError, match=rf"source rows: columns\..* does not exist;.* set `format: {named}`"):
        read([row], format=setting)


def test_a_row_of_another_format_among_columns_is_rejected_with_the_format_to_set():
    result = read([{"question": "?", "answer": "5"}, {"messages": said("?", "5")}], format="columns")
    assert [r.reason for r in result.rejections] == ["the row looks like the format messages: set `format: messages`"]


def test_a_format_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ValueError, match=r"source rows: format='chatml' is none of columns, messages, sharegpt, swift"):
        read([SOLVED], format="chatml")


def test_a_column_that_a_conversation_replaces_cannot_be_named():
    with pytest.raises(ValueError, match=r"messages has no use for columns\.solution='trace'"):
        read([SOLVED], format="messages", columns=Columns(solution="trace"))
    with pytest.raises(ValueError, match=r"columns has no use for columns\.turns='chat'"):
        read([SOLVED], columns=Columns(turns="chat"))


def test_columns_of_a_conversation_have_any_name():
    row = {"chat": shared("<image>?", "5"), "gold": "5", "pictures": ["a.png"], "rules": "Be brief.", "type": "number"}
    columns = Columns(turns="chat", answer="gold", images="pictures", system="rules", kind="type")
    (problem,) = read([row], format="sharegpt", columns=columns).problems
    assert (problem.answer, problem.kind, problem.system, len(problem.images)) == ("5", "number", "Be brief.", 1)
    assert problem.meta == {}


@pytest.mark.parametrize(
    ("rule", "response", "answer"),
    [
        ("box", "So it is \\boxed{4}, no, \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"),
        ("tag", "<think>4</think><answer> 5 </answer>", "5"),
        ("last_line", "Add them.\n\n 5 apples \n", "5 apples"),
        ("response", " It is 5. ", "It is 5."),
    ],
)
def test_the_answer_is_taken_from_the_response_where_the_setting_says_so(rule, response, answer):
    rows = [{"messages": said("?", "no", "?", response), "answer": "7"}, {"messages": said("?"), "answer": "7"}]
    result = read(rows, format="messages", answer_in=rule)
    assert [problem.answer for problem in result.problems] == [answer]
    assert result.problems[0].solution == response
    assert [r.reason for r in result.rejections] == ["the answer is empty: the row has no response to take it from"]
    assert read([{"question": "?", "solution": response}], answer_in=rule).problems[0].answer == answer


@pytest.mark.parametrize(("rule", "what"), [("box", r"\boxed{...}"), ("tag", "<answer>...</answer>")])
def test_a_response_that_does_not_state_its_answer_is_rejected(rule, what):
    rows = [{"messages": said("?", "\\boxed{1}<answer>1</answer>")}, {"messages": said("?", "5")}]
    (rejection,) = read(rows, format="messages", answer_in=rule).rejections
    assert (rejection.row, rejection.reason) == (2, f"the answer is empty: the response has no {what}")


def test_an_answer_that_has_no_column_is_refused_with_both_remedies():
    with pytest.raises(ValueError, match=r"columns\.answer='answer' does not exist.*`answer_in` takes it from"):
        read([{"messages": said("?", "5")}], format="messages")


def test_a_system_message_is_kept_dropped_or_refused_as_the_source_says():
    rows = [SOLVED, SOLVED | {"messages": said("?", "5", system="Be brief.")}]
    assert [p.system for p in read(rows, format="messages").problems] == [None, "Be brief."]
    assert [p.system for p in read(rows, format="messages", system="drop").problems] == [None, None]
    (rejection,) = read(rows, format="messages", system="refuse").rejections
    assert (rejection.row, rejection.reason) == (
        2,
        "the row has a system message, and the source says `system: refuse`",
    )


def test_columns_hold_a_history_and_a_system_message_where_they_are_named():
    columns = Columns(history="before", system="rules")
    row = {"question": "?", "answer": "5", "before": [["a?", "1"]], "rules": "Be brief."}
    result = read([row, row | {"before": [["a?"]]}, row | {"rules": 3}], columns=columns)
    assert (result.problems[0].history, result.problems[0].system) == ((Exchange("a?", "1"),), "Be brief.")
    assert [rejection.reason for rejection in result.rejections] == [
        "the history is not a list of pairs of question and response; set columns.history to null to leave it out",
        "the system message is not text: int",
    ]
    row = {"question": "?", "answer": "5", "history": [["a?", "1"]], "system": "Be brief."}
    (default,) = read([row]).problems
    assert (default.history, default.system) == ((Exchange("a?", "1"),), "Be brief.")
    (without,) = read([row], columns=Columns(history=None, system=None)).problems
    assert (without.history, without.system) == ((), None)


def test_a_conversation_in_parquet_has_its_images_in_the_table_or_in_its_parts():
    part = {"type": "image", "image": {"bytes": Path("b.png").read_bytes(), "path": None}}
    parts = [{"role": "user", "content": [part, {"type": "text", "text": "?"}]}]
    pq.write_table(pa.Table.from_pylist([{"messages": parts, "answer": "5"}] * 2), "parts.parquet")
    cell = [{"bytes": Path("a.png").read_bytes(), "path": None}]
    pq.write_table(pa.Table.from_pylist([{"messages": said("<image>?"), "images": cell, "answer": "5"}]), "c.parquet")
    for file, size, count in (("parts.parquet", (9, 3), 2), ("c.parquet", (6, 4), 1)):
        source = Source(path=file, format="messages", kind="text")
        problems = read_source(source, check=lambda problem: None).problems
        assert [problem.images[0].size for problem in problems] == [size] * count
        assert pickle.loads(pickle.dumps(problems[-1])).images[0].load().size == size


def test_rows_of_the_wrong_format_stop_a_run_as_other_rejections_do():
    rows = [SOLVED] * 9 + [{"conversations": shared("?", "5"), "answer": "5"}]
    with open("mixed.jsonl", "w") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    source = Source(path="mixed.jsonl", format="messages", kind="text")
    with pytest.raises(TooManyRejected, match=r"1 of 10 rows.*\n.*looks like the format sharegpt: set `format:"):
        read_source(source, rejection_limit=0.05, check=lambda problem: None)

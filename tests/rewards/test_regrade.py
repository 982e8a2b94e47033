import json
from collections import Counter

import pytest

from cogito_pl.rewards.__main__ import main

ROWS = [
    {"response": "<answer>4</answer>", "gold": "4", "kind": "number", "verdict": "right", "step": 7},
    {"response": "<answer>5</answer>", "gold": "4", "kind": "number", "verdict": "right", "step": 8},
    {"response": "I cannot tell.\nSorry", "gold": "4", "kind": "number", "verdict": "unparsed"},
    {"response": "<answer>B</answer>", "gold": "green", "kind": "choice", "choices": ["red", "green"], "verdict": True},
    {"response": "\ud800 <answer>x + 1</answer>", "gold": "1+x", "kind": "math", "verdict": 0},
    {"response": "[64, 48, 320, 240]", "gold": [[64, 48, 320, 240]], "kind": "boxes", "sizes": [[640, 480]]},
]


def write(path, rows):
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_file_is_graded_and_its_own_verdicts_are_compared(tmp_path, capsys):
    out = tmp_path / "out.jsonl"
    assert main(["grade", str(write(tmp_path / "rows.jsonl", ROWS)), "--out", str(out), "--workers", "1"]) == 0
    said = capsys.readouterr().out
    assert "2 of 5 verdicts differ" in said
    assert "answer-tag/number" in said
    assert said.split().index("correct") < said.split().index("wrong") < said.split().index("unparsed")
    rows = read(out)
    assert [row["verdict"] for row in rows] == ["right", "wrong", "unparsed", "right", "right", "right"]
    assert rows[0]["step"] == 7
    assert rows[4]["response"] == ROWS[4]["response"]
    assert rows[0]["rule"] == "answer-tag/number"
    assert {file.name for file in tmp_path.iterdir()} == {"rows.jsonl", "out.jsonl"}


def test_bad_lines_are_counted_with_their_numbers_and_stop_nothing(tmp_path, capsys):
    bad = [
        b"{broken",
        b"",
        b"[]",
        b'{"response": 4, "gold": "4", "kind": "number"}',
        b'{"response": "4", "kind": "number"}',
    ]
    bad += [b'{"response": "4", "gold": "4"}', b'{"response": "4", "gold": "about", "kind": "number"}', b"\xff\xfe"]
    bad += [b'{"response": "4", "gold": "4", "kind": "poem"}', b"[" * 100_000]
    bad += [b'{"response": "4", "gold": "4", "kind": "choice", "choices": "AB"}']
    assert main(["grade", str(write(tmp_path / "rows.jsonl", [*bad, ROWS[0]]))]) == 0
    said = capsys.readouterr().out
    assert f"{len(bad) - 1} lines could not be graded" in said
    assert all(f"line {number}:" in said for number in range(1, len(bad) + 1) if number != 2)
    assert "1 completions" in said


def test_columns_may_have_other_names_and_one_kind_may_hold_for_all(tmp_path, capsys):
    rows = [{"text": "<answer>4</answer>", "label": 4, "options": None, "ok": False}]
    names = ["--response", "text", "--gold", "label", "--choices", "options", "--verdict", "ok"]
    assert main(["grade", str(write(tmp_path / "rows.jsonl", rows)), *names, "--every-kind", "number"]) == 0
    assert "1 of 1 verdicts differ" in capsys.readouterr().out


def test_a_file_without_any_row_that_can_be_graded_ends_with_status_one(tmp_path, capsys):
    assert main(["grade", str(write(tmp_path / "rows.jsonl", [b"nothing"]))]) == 1
    assert "1 lines could not" in capsys.readouterr().out


def test_a_papers_own_verdicts_can_be_asked_for(tmp_path, capsys):
    row = {"response": r"<answer>\boxed{Monday}</answer>", "gold": "Mon", "kind": "text", "verdict": "wrong"}
    path = str(write(tmp_path / "rows.jsonl", [row]))
    assert main(["grade", path]) == 0
    assert "0 of 1 verdicts differ" in capsys.readouterr().out
    assert main(["grade", path, "--variant", "vl_cogito", "--workers", "1", "--deadline", "30"]) == 0
    assert "1 of 1 verdicts differ" in capsys.readouterr().out


def test_the_settings_of_a_run_can_be_taken_over(tmp_path, capsys):
    config = tmp_path / "config.yaml"
    reward = "{format: 0.1, grading: {absolute_tolerance: 0.5}, boxes: {frame: pixels, answer_frame: thousand}}"
    config.write_text(f"model:\n  class_path: x\n  init_args:\n    reward: {reward}\n")
    rows = [
        {"response": "<answer>4.4</answer>", "gold": "4", "kind": "number", "verdict": "right"},
        {"response": "[100, 100, 500, 500]", "gold": "[[64, 48, 320, 240]]", "kind": "boxes", "sizes": [[640, 480]]},
        {"response": "[100, 100, 500, 500]", "gold": "[[64, 48, 320, 240]]", "kind": "boxes"},
    ]
    out = tmp_path / "out.jsonl"
    path = str(write(tmp_path / "rows.jsonl", rows))
    assert main(["grade", path, "--config", str(config), "--out", str(out)]) == 0
    assert [row["verdict"] for row in read(out)] == ["right", "right"]
    assert "only with the size of their image" in capsys.readouterr().out


def test_the_verifiers_of_a_run_and_its_options_per_source_are_taken_over(tmp_path, capsys):
    config = tmp_path / "config.yaml"
    own = "verifiers: {whisper: {class_path: graders.Whispers, init_args: {also: psst}}}"
    reward = f"{{{own}, per_source: {{signs: {{edit_distance: 0.3}}}}}}"
    config.write_text(f"model:\n  class_path: x\n  init_args:\n    reward: {reward}\n")
    rows = [
        {"response": "psst", "gold": "hello", "kind": "whisper"},
        {"response": "psst", "gold": "HELLO", "kind": "whisper"},
        {"response": "resturant", "gold": "restaurant", "kind": "text", "source": "signs"},
        {"response": "resturant", "gold": "restaurant", "kind": "text", "from": "signs"},
    ]
    out, path = tmp_path / "out.jsonl", str(write(tmp_path / "rows.jsonl", rows))
    assert main(["grade", path, "--config", str(config), "--out", str(out), "--workers", "1"]) == 0
    assert [row["verdict"] for row in read(out)] == ["right", "right", "wrong"]
    assert "line 2: the answer is loud" in capsys.readouterr().out
    assert main(["grade", path, "--config", str(config), "--out", str(out), "--workers", "1", "--source", "from"]) == 0
    assert [row["verdict"] for row in read(out)] == ["right", "wrong", "right"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "{file}"], "choose another"),
        (["--workers", "0"], "workers=0"),
        (["--config", "{file}"], "model.init_args.reward"),
        (["--variant", "trl"], "invalid choice"),
    ],
)
def test_settings_that_make_no_sense_end_with_a_message(tmp_path, capsys, arguments, message):
    path = write(tmp_path / "rows.jsonl", ROWS[:1])
    with pytest.raises(SystemExit) as ended:
        main(["grade", str(path), *(argument.format(file=path) for argument in arguments)])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert read(path) == ROWS[:1]


def test_help_names_every_flag(capsys):
    with pytest.raises(SystemExit):
        main(["grade", "--help"])
    said = Counter(capsys.readouterr().out.split())
    for flag in (
        "--out",
        "--response",
        "--gold",
        "--kind",
        "--choices",
        "--source",
        "--variant",
        "--workers",
        "--deadline",
        "--config",
    ):
        assert said[flag]

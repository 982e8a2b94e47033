"""The steps on disk: what they write is read again, a killed one goes on, and nothing of anybody else is touched."""

import json

import pytest
from PIL import Image

from cogito_pl.data.__main__ import main
from cogito_pl.data.prepare import steps as preparing
from cogito_pl.data.reading.reader import read_source
from cogito_pl.data.source import Source
from cogito_pl.problem import Exchange


@pytest.fixture
def choices(tmp_path):
    """Twelve multiple choices over four images, one of which needs its options, and one open question."""
    for shade in range(4):
        Image.new("RGB", (20 + shade, 20), (shade * 60, 0, 0)).save(tmp_path / f"shade{shade}.jpg")
    rows = [
        {"id": f"q{i}", "question": f"<image>What is {i} + 1?\nA. {i} B. {i + 1}", "answer": "B", "kind": "choice",
         "images": [f"shade{i % 4}.jpg"], "solution": "<answer>B</answer>", "level": i}
        for i in range(12)
    ]  # fmt: skip
    rows[5]["question"] = "<image>Which of the following is six? A. 5 B. 6"
    rows.append({"id": "open", "question": "1 + 1?", "answer": "2", "kind": "number", "images": []})
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_is_made_open_ended_is_read_again_with_the_same_images(choices, tmp_path, capsys):
    main(["open-ended", str(choices), str(tmp_path / "out")])
    again = read_source(Source(path=str(tmp_path / "out" / "problems.jsonl")))
    assert again.rejections == []
    made = {p.id: p for p in again.problems}
    assert (made["q3"].question, made["q3"].answer, made["q3"].kind) == ("<image>What is 3 + 1?", "4", "number")
    assert made["q3"].meta == {"level": 3, "was_choice": True}
    assert made["q3"].images[0].load().tobytes() == Image.open(tmp_path / "shade3.jpg").convert("RGB").tobytes()
    assert made["open"].answer == "2"
    assert [row["id"] for row in lines(tmp_path / "out" / "rejected.jsonl")] == ["q5"]
    assert len(list((tmp_path / "out" / "images").iterdir())) == 4
    counts = json.loads((tmp_path / "out" / "counts.json").read_text())
    assert counts == {
        "now number": 11, "worked solutions left out": 11, "was open already": 1,
        "stays multiple choice: the question points to its options": 1,
    }  # fmt: skip
    assert "11  now number" in capsys.readouterr().out


def test_rejected_problems_can_be_kept_as_they_are(choices, tmp_path):
    main(["open-ended", str(choices), str(tmp_path / "out"), "--keep-rejected"])
    made = {row["id"]: row for row in lines(tmp_path / "out" / "problems.jsonl")}
    assert len(made) == 13
    assert (made["q5"]["kind"], made["q5"]["answer"]) == ("choice", "B")
    assert "options" in made["q5"]["why_choice"]


def test_a_killed_step_goes_on_and_ends_with_the_same_files(choices, tmp_path, monkeypatch):
    main(["open-ended", str(choices), str(tmp_path / "whole")])
    written = []

    def killed_after_seven(path, row):
        if len(written) == 7:
            path.open("a").write('{"id": "q7", "que')
            raise KeyboardInterrupt
        written.append(row["id"])
        append(path, row)

    append = preparing.append_jsonl
    monkeypatch.setattr(preparing, "append_jsonl", killed_after_seven)
    with pytest.raises(KeyboardInterrupt):
        main(["open-ended", str(choices), str(tmp_path / "cut")])
    monkeypatch.setattr(preparing, "append_jsonl", append)
    main(["open-ended", str(choices), str(tmp_path / "cut")])
    for name in ("problems.jsonl", "rejected.jsonl", "counts.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_split_shares_no_image_and_loses_no_problem(choices, tmp_path):
    main(["split", str(choices), str(tmp_path / "out"), "--count", "4"])
    train, held = lines(tmp_path / "out" / "train.jsonl"), lines(tmp_path / "out" / "validation.jsonl")
    assert 1 <= len(held) <= 4
    assert sorted(row["id"] for row in train + held) == sorted(row["id"] for row in lines(choices))
    shown = [{picture for row in rows for picture in row["images"]} for rows in (train, held)]
    assert shown[0].isdisjoint(shown[1])


def test_images_that_lie_in_a_table_are_written_as_files(playground_folder, tmp_path):
    main(["split", str(playground_folder), str(tmp_path / "out"), "--subset", "train", "--count", "10"])
    before = {p.id: p for p in read_source(Source(path=str(playground_folder), subset="train")).problems}
    for problem in read_source(Source(path=str(tmp_path / "out" / "validation.jsonl"))).problems:
        assert [p.load().tobytes() for p in problem.images] == [p.load().tobytes() for p in before[problem.id].images]
        assert problem.meta == before[problem.id].meta
        assert problem.solution == before[problem.id].solution


@pytest.mark.parametrize("made", ["notes", "other settings"])
def test_a_folder_of_somebody_else_is_left_alone(choices, tmp_path, capsys, made):
    (tmp_path / "out").mkdir()
    if made == "notes":
        (tmp_path / "out" / "thoughts.txt").write_text("mine")
    else:
        main(["split", str(choices), str(tmp_path / "out"), "--share", "0.3"])
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    with pytest.raises(SystemExit):
        main(["split", str(choices), str(tmp_path / "out"), "--share", "0.5"])
    assert "name another folder" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_a_column_that_is_not_ours_is_named(choices, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["split", str(choices), str(tmp_path / "out"), "--share", "0.5", "--column", "query=q"])
    assert "query" in capsys.readouterr().err


def test_columns_are_named_before_or_after_the_folders(choices, tmp_path):
    rows = lines(choices)
    for row in rows:
        row["query"], row["gold"] = row.pop("question"), row.pop("answer")
    renamed = tmp_path / "renamed.jsonl"
    renamed.write_text("".join(json.dumps(row) + "\n" for row in rows))
    named = ["--column", "question=query", "--column", "answer=gold"]
    main(["split", *named, str(renamed), str(tmp_path / "before"), "--count", "4"])
    main(["split", str(renamed), str(tmp_path / "after"), "--count", "4", *named])
    for name in ("train.jsonl", "validation.jsonl"):
        assert (tmp_path / "before" / name).read_bytes() == (tmp_path / "after" / name).read_bytes() != b""


@pytest.mark.parametrize("command", [["split", "--count", "4"], ["open-ended"]])
def test_rows_that_cannot_be_read_are_listed_with_their_line(choices, tmp_path, command):
    with choices.open("a") as file:
        file.write('{"id": "bad", "question": "q", "answer": "", "kind": "number"}\n')
    for _ in range(2):  # again, on top of a finished one
        main([command[0], str(choices), str(tmp_path / "out"), *command[1:], "--rejection-limit", "0.5"])
        listed = [row for row in lines(tmp_path / "out" / "rejected.jsonl") if "row" in row]
        assert listed == [{"file": str(choices), "row": 14, "reason": "the answer is empty"}]


def test_a_split_of_conversations_keeps_their_turns_and_system_messages(tmp_path):
    texts = ("2 + {0}?", "<answer>{0}</answer>", "And 1 more?", "<answer>1{0}</answer>")
    names = ("system", "user", "assistant", "user", "assistant")
    rows = [
        [{"role": name, "content": text.format(i)} for name, text in zip(names, ("Be brief.", *texts), strict=True)]
        for i in range(6)
    ]
    (tmp_path / "chats.jsonl").write_text("".join(json.dumps({"messages": turns}) + "\n" for turns in rows))
    settings = ["--format", "messages", "--answer-in", "tag", "--kind", "number", "--count", "2"]
    main(["split", str(tmp_path / "chats.jsonl"), str(tmp_path / "out"), *settings])
    read = [read_source(Source(path=str(tmp_path / "out" / f"{part}.jsonl"))) for part in ("train", "validation")]
    problems = sorted((problem for result in read for problem in result.problems), key=lambda problem: int(problem.id))
    assert [p.answer for p in problems] == ["10", "11", "12", "13", "14", "15"]
    assert [p.history for p in problems] == [(Exchange(f"2 + {i}?", f"<answer>{i}</answer>"),) for i in range(6)]
    assert {p.system for p in problems} == {"Be brief."}


def test_a_split_takes_kinds_with_a_verifier_of_the_users_own_and_still_checks_ours(tmp_path):
    rows = [
        {"question": f"{i}?", "answer": "anything", "kind": kind} for i, kind in enumerate(["mine"] * 4 + ["number"])
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    main(["split", str(tmp_path / "rows.jsonl"), str(tmp_path / "out"), "--count", "1", "--rejection-limit", "0.5"])
    written = [row for part in ("train", "validation") for row in lines(tmp_path / "out" / f"{part}.jsonl")]
    assert sorted(row["question"] for row in written) == ["0?", "1?", "2?", "3?"]
    (rejected,) = lines(tmp_path / "out/rejected.jsonl")
    assert "'anything' is not a number" in rejected["reason"]

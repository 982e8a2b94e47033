import json

import pytest
from rich.console import Console

from cogito_pl.experiments.intervals import wilson
from cogito_pl.quickstart.summary import read_answers, summarise, write_samples, write_summary
from cogito_pl.quickstart.tables import results_table
from tests.quickstart.records import answers, record, write_answers


def test_the_summary_of_hand_made_records_is_correct():
    summary = summarise(answers(), seed=5)
    assert summary["seed"] == 5
    assert summary["n_test"] == 4
    assert summary["accuracy"] == {"base": 0.0, "sft": 0.5, "grpo": 0.75}
    assert summary["accuracy_ci"]["sft"] == list(wilson(2, 4))
    assert summary["by_family"]["grpo"] == {"count": 1.0, "locate": 0.5}
    assert summary["by_difficulty"]["sft"] == {"1": 1.0, "2": 0.5, "10": 0.0}
    assert summary["by_family_ci"]["sft"]["count"] == list(wilson(1, 2))
    assert summary["mean_completion_tokens"] == {"base": 11.5, "sft": 11.5, "grpo": 11.5}
    assert summary["verdicts"]["base"] == {"right": 0, "wrong": 2, "unparsed": 2}
    assert summary["truncated"]["base"] == 0.25


def test_an_answer_outside_its_tags_counts_in_any_form_only():
    rows = answers()
    rows["base"] = [
        record(0, "unparsed", "a1 red yes 1 so 2"),
        record(1, "wrong", "so RED  square </think>", gold="red square"),
        record(2, "wrong", "12"),
        record(3, "unparsed", ""),
    ]
    summary = summarise(rows, seed=1)
    assert summary["accuracy"]["base"] == 0
    assert summary["accuracy_any_form"]["base"] == 0.5


def test_difficulties_are_in_the_order_of_numbers():
    assert list(summarise(answers(), seed=1)["by_difficulty"]["base"]) == ["1", "2", "10"]


def test_the_difference_is_over_the_same_problems():
    step = summarise(answers(), seed=1)["difference"]["grpo-sft"]
    assert (step["won"], step["lost"], step["estimate"]) == (2, 1, 0.25)
    assert step["ci"][0] < 0.25 < step["ci"][1]


def test_problems_that_repeat_training_problems_are_counted_and_can_be_left_out():
    summary = summarise(answers(), seed=1, seen={"count-1-0"})
    assert summary["n_test_seen"] == 1
    assert summary["accuracy_unseen"]["sft"] == pytest.approx(1 / 3)


def test_the_summary_survives_when_every_test_problem_was_seen():
    rows = answers()
    summary = summarise(rows, seed=1, seen={row["id"] for row in rows["base"]})
    assert summary["accuracy_unseen"]["sft"] == 0


def test_completions_are_read_in_the_order_of_the_problems(tmp_path):
    expected = answers()
    write_answers(tmp_path, {model: rows[::-1] for model, rows in expected.items()})
    assert read_answers(tmp_path) == expected


def test_models_graded_on_different_problems_are_not_compared(tmp_path):
    rows = answers()
    rows["grpo"][1] = record(1, "right", id="another")
    write_answers(tmp_path, rows)
    with pytest.raises(ValueError, match=r"evaluate.grpo does not grade the problems"):
        read_answers(tmp_path)


def test_a_sample_has_the_promised_keys_and_there_is_one_per_problem_and_model(tmp_path):
    lines = [json.loads(line) for line in write_samples(tmp_path, answers()).read_text().splitlines()]
    assert [line["model"] for line in lines] == ["base"] * 4 + ["sft"] * 4 + ["grpo"] * 4
    for line in lines:
        assert set(line) == {"model", "family", "difficulty", "seed", "gold", "response", "verdict"}


def test_samples_are_written_in_a_fixed_form(tmp_path):
    rows = {"sft": [record(0, "right", response="é \ud800", gold="two")]}
    assert write_samples(tmp_path, rows).read_bytes().decode() == (
        '{"model": "sft", "family": "count", "difficulty": 1, "seed": 0, "gold": "two", '
        '"response": "é \\ud800", "verdict": "right"}\n'
    )


def test_the_summary_file_is_plain_json(tmp_path):
    summary = summarise(answers(), seed=1)
    assert json.loads(write_summary(tmp_path, summary).read_text()) == summary


def test_the_table_shows_every_model_family_and_difficulty():
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(results_table(summarise(answers(), seed=1)))
    text = console.export_text()
    for word in ("base", "SFT", "GRPO", "count", "locate", "difficulty 10", "75.0%", "GRPO - SFT: +25.0 points"):
        assert word in text

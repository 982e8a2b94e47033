"""Problems of reasoning-gym: written with what their own verifiers need, trained on and graded by these."""

import json
import sys

import pytest
import yaml

from cogito_pl.data.__main__ import main
from cogito_pl.rewards import grade

pytest.importorskip("reasoning_gym", reason="the extra text-tasks is not installed")
from cogito_pl.rewards.verifier.reasoning_gym import ReasoningGymVerifier

TASKS = ("chain_sum", "basic_arithmetic")


def write(folder, *words):
    main(["text-tasks", str(folder), "--tasks", *TASKS, "--count", "6", *words])
    return [json.loads(line) for line in (folder / "problems.jsonl").read_text().splitlines()]


def test_problems_of_every_task_and_level_are_different_and_depend_on_the_seed_alone(tmp_path):
    rows = write(tmp_path / "a", "--levels", "0", "2", "--seed", "5")
    counted = [(row["task"], row["difficulty"]) for row in rows]
    assert {pair: counted.count(pair) for pair in counted} == {(task, level): 6 for task in TASKS for level in (0, 2)}
    assert len({row["question"] for row in rows}) == len({row["id"] for row in rows}) == len(rows)
    assert rows == write(tmp_path / "b", "--levels", "0", "2", "--seed", "5")
    assert not {row["question"] for row in rows} & {row["question"] for row in write(tmp_path / "c", "--seed", "6")}
    sums = [[len(row["question"]) for row in rows if row["difficulty"] == level and row["task"] == TASKS[0]]
            for level in (0, 2)]  # fmt: skip
    assert sum(sums[0]) < sum(sums[1])  # a higher level has longer sums


def test_an_answer_is_graded_by_the_task_of_the_problem(tmp_path):
    verifiers = {"reasoning_gym": ReasoningGymVerifier()}
    for row in write(tmp_path):
        correct = json.loads(row["answer"])["answer"]
        assert grade(row["solution"], row["answer"], row["kind"], verifiers=verifiers).correct
        wrong = grade(f"<answer>{int(correct) + 1}</answer>", row["answer"], row["kind"], verifiers=verifiers)
        assert not wrong.correct
        assert wrong.score < 1
        lenient = {"reasoning_gym": ReasoningGymVerifier(threshold=1e-6)}
        found = grade(f"<answer>{int(correct) + 1}</answer>", row["answer"], row["kind"], verifiers=lenient)
        assert found.correct == (wrong.score > 0)


@pytest.mark.parametrize("gold", ["4", "{}", '{"metadata": {"source_dataset": "nothing"}}'])
def test_an_answer_that_is_no_entry_of_a_task_is_rejected_when_data_are_read(gold):
    assert "is no entry of a task of reasoning-gym" in ReasoningGymVerifier().check(gold)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--tasks", "juggling"], "--tasks juggling: reasoning-gym has no such task"),
        (["--levels", "-1"], "--levels [-1]"),
        (["--count", "0"], "--count 0"),
        (["--tasks", "coin_flip", "--count", "20"], "--count 20: coin_flip at level 0 has 8 different problems"),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_option(tmp_path, capsys, words, named):
    with pytest.raises(SystemExit):
        write(tmp_path, *words)
    assert named in capsys.readouterr().err


def test_without_the_package_the_message_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(SystemExit):
        write(tmp_path)
    assert "pip install 'cogito-pl[text-tasks]'" in capsys.readouterr().err
    assert "cogito-pl[text-tasks]" in ReasoningGymVerifier().check('{"metadata": {"source_dataset": "chain_sum"}}')


@pytest.mark.parametrize("recipe", ["sft", "grpo"])
def test_two_steps_of_sft_and_grpo_on_such_problems(run_cli, tiny_folder, tmp_path, recipe):
    write(tmp_path)
    own = "cogito_pl.rewards.verifier.reasoning_gym.ReasoningGymVerifier"
    sampled = {"sampling": {"max_tokens": 4}} if recipe == "grpo" else {}
    group = 2 if recipe == "grpo" else 1
    overlay = {
        "trainer": {"default_root_dir": str(tmp_path / "out"), "max_epochs": 1, "enable_progress_bar": False},
        "model": {"init_args": {
            "policy": {"name": str(tiny_folder)}, "schedule": {"prompts": 2, "group_size": group, "micro_batch": 2},
            "reward": {"verifiers": {"reasoning_gym": {"class_path": own}}}, "evaluation": {"max_tokens": 4},
        } | sampled},
        "data": {"rollouts_per_epoch": 2, "train": [{"path": str(tmp_path / "problems.jsonl")}],
                 "validation": [{"path": str(tmp_path / "problems.jsonl"), "limit": 2}]},
    }  # fmt: skip
    (tmp_path / "tasks.yaml").write_text(yaml.safe_dump(overlay))
    cli = run_cli("fit", "--config", f"configs/playground/{recipe}.yaml", "--config", tmp_path / "tasks.yaml")
    assert cli.trainer.global_step == 2
    assert 0 <= cli.trainer.callback_metrics["val/accuracy"] <= 1

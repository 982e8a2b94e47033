"""What a rollout comes to, prompt by prompt and in means."""

import json
from dataclasses import replace

import pytest
import torch

from cogito_pl.rl.statistics import BINS, outcomes, summary
from tests.rl.rollouts import graded


@pytest.fixture
def prompts():
    rollout = graded(
        [1, 0, 0, 0, 1, 1, 1, 1], 4, lengths=[10, 20, 30, 40, 50, 60, 70, 80], form=[1, 0, 1, 1, 1, 1, 0, 0], limit=80,
        meta=[{"difficulty": 3}, {"level": 0.25}],
    )  # fmt: skip
    rollout = replace(rollout, advantages=torch.tensor([3.0, -1, -1, -1, 0, 0, 0, 0])).reweighted(
        torch.tensor([0.5, 0.0])
    )
    return outcomes(rollout, "difficulty")


def test_a_prompt_is_told_in_plain_values(prompts):
    assert prompts[0] == {
        "id": "p0", "difficulty": "3", "p": 0.25, "weight": 0.5, "correct": [10], "wrong": [20, 30, 40], "truncated": 0,
        "zero_advantage": 0, "terms": {"accuracy": 0.25, "format": 0.75},
    }  # fmt: skip
    assert prompts[1]["correct"] == [50, 60, 70, 80]
    assert (prompts[1]["difficulty"], prompts[1]["truncated"], prompts[1]["zero_advantage"]) == (None, 1, 4)
    assert json.loads(json.dumps(prompts)) == prompts


def test_the_difficulty_may_stand_under_any_name_and_decimals_make_few_levels():
    rollout = graded([1, 1, 1], 1, meta=[{"level": 0.251}, {"level": "hard"}, {"difficulty": 4}])
    assert [prompt["difficulty"] for prompt in outcomes(rollout, "level")] == ["0.3", "hard", None]


def test_the_summary_counts_prompts_and_completions_each_by_their_own_number(prompts):
    values = summary(prompts)
    expected = {
        "p/to_quarter": 0.5, "p/one": 0.5, "p/zero": 0, "accuracy": 0.625, "weight": 0.25, "zero_advantage": 0.5,
        "truncated": 1 / 8, "format": 5 / 8, "correct_length_tokens": 54, "wrong_length_tokens": 30,
    }  # fmt: skip
    assert {name: values[name] for name in expected} == pytest.approx(expected)
    assert "wrong_length_tokens" not in summary(prompts[1:])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 16])
def test_every_accuracy_falls_into_exactly_one_bin(size):
    for right in range(size + 1):
        assert sum(inside(right / size) for inside in BINS.values()) == 1
    assert sum(value for name, value in summary(outcomes(graded([1, 0] * 8, 4), "")).items() if "p/" in name) == 1

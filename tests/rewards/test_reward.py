import pytest

from cogito_pl.data.problem import Problem
from cogito_pl.rewards import Reward, RewardConfig, format_reward

GOOD = "<think>Two and two.</think>\n<answer>4</answer>"


def problem(answer: str, kind: str = "number") -> Problem:
    return Problem(id="p", question="How many?", answer=answer, kind=kind)


def test_the_total_is_the_weighted_sum_of_the_terms():
    reward = Reward(RewardConfig(accuracy=2.0, format=0.25))
    result = reward.score(
        [GOOD, "<answer>4</answer>", GOOD, ""], [problem("4"), problem("4"), problem("5"), problem("4")]
    )
    assert result.terms == {"accuracy": [1.0, 1.0, 0.0, 0.0], "format": [1.0, 0.0, 1.0, 0.0]}
    assert result.total == [2.25, 2.0, 0.25, 0.0]
    assert [verdict.parsed for verdict in result.grades] == [True, True, True, False]
    assert reward.counters["graded"] == 4
    assert reward.counters["unparsed"] == 1
    reward.close()


def test_boxes_earn_part_of_the_accuracy():
    reward = Reward(RewardConfig(format=0.0))
    result = reward.score(["<answer>[[0, 0, 10, 10]]</answer>"], [problem("[[0,0,10,10],[20,20,30,30]]", "boxes")])
    assert result.total == [pytest.approx(2 / 3)]
    assert not result.grades[0].correct


@pytest.mark.parametrize(
    ("setting", "value"), [("accuracy", -1.0), ("format", float("nan")), ("workers", 0), ("deadline_s", 0.0)]
)
def test_a_setting_that_cannot_work_is_named_in_the_refusal(setting, value):
    with pytest.raises(ValueError, match=f"reward.{setting}={value}.*choose"):
        RewardConfig(**{setting: value})


def test_responses_and_problems_must_be_as_many():
    with pytest.raises(ValueError, match="shorter"):
        Reward(RewardConfig()).score([GOOD, GOOD], [problem("4")])


@pytest.mark.parametrize(
    "response",
    [
        GOOD,
        "  <think></think><answer></answer>\n",
        "<think>a < b\n\nand more</think>\n\n<answer>\\boxed{4}</answer>",
    ],
)
def test_thought_then_answer_has_the_form(response):
    assert format_reward(response) == 1.0


@pytest.mark.parametrize(
    "response",
    [
        "",
        "4",
        "<answer>4</answer>",
        "<think>a</think>4",
        "Sure! " + GOOD,
        GOOD + " Done.",
        "<think>a</think> so <answer>4</answer>",
        "<answer>4</answer><think>a</think>",
        "<think>a<think>b</think></think><answer>4</answer>",
        "<think>a</think><answer>4</answer><answer>4</answer>",
        "<think>a<answer>4</answer></think>",
        "<think>a<answer></think>4</answer>",
        "<think>a</answer></think><answer>4",
        "<think>a",
    ],
)
def test_anything_else_lacks_the_form(response):
    assert format_reward(response) == 0.0

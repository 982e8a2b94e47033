import pytest

from cogito_pl.problem import Problem
from cogito_pl.rewards import GradeOptions, RepetitionOptions, Reward, RewardConfig, format_reward
from cogito_pl.rewards.repetition import repetition

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


@pytest.mark.parametrize(
    ("response", "boxed", "both"),
    [
        (r"<think>a</think> So \boxed{4}.", 1.0, 0.0),
        (r"It is \boxed{\frac{1}{2}}", 1.0, 0.0),
        (r"<think>a</think><answer>\boxed{4}</answer>", 1.0, 1.0),
        (r"<think>\boxed{4}</think><answer>4</answer>", 0.0, 0.0),
        (r"<think>a \boxed{4}", 0.0, 0.0),
        (r"First. <think>a</think>\boxed{4}", 0.0, 0.0),
        (r"<think>a</think>\boxed{ }", 0.0, 0.0),
        (r"<think>a</think>\boxed{4", 0.0, 0.0),
        ("4", 0.0, 0.0),
    ],
)
def test_a_box_can_be_part_of_the_form(response, boxed, both):
    assert format_reward(response, "boxed") == boxed
    assert format_reward(response, "both") == both


def test_repetition_is_the_share_of_runs_that_were_there_before():
    assert repetition("A b a B a b", words=2) == pytest.approx(-(1 - 2 / 5))
    assert repetition(" ".join(map(str, range(500)))) == 0.0
    assert repetition("one two three") == repetition("") == 0.0
    assert repetition("la " * 119) == pytest.approx(-0.99)
    assert repetition("1 " * 50_000) > -1.0


@pytest.mark.parametrize(("scope", "punished"), [("wrong", [0.0, -0.5]), ("all", [-0.5, -0.5])])
def test_repetition_counts_for_whom_it_is_meant(scope, punished):
    config = RewardConfig(format=0.0, repetition=2.0, repetition_of=RepetitionOptions(words=1, scope=scope))
    reward = Reward(config)
    result = reward.score(["4 4", "5 5"], [problem("4 4", "text"), problem("4 4", "text")])
    assert reward.terms == tuple(result.terms) == ("accuracy", "format", "repetition")
    assert result.terms["repetition"] == punished
    assert result.total == [1.0 + 2.0 * punished[0], 2.0 * punished[1]]


def test_a_kind_may_weigh_terms_otherwise():
    reward = Reward(RewardConfig(format=0.5, per_kind={"boxes": {"format": 0.0, "accuracy": 3.0}}))
    box = "<think>a</think><answer>[[0, 0, 9, 9]]</answer>"
    result = reward.score([GOOD, box], [problem("4"), problem("[[0,0,9,9]]", "boxes")])
    assert result.terms == {"accuracy": [1.0, 1.0], "format": [1.0, 1.0]}
    assert result.total == [1.5, 3.0]


def test_the_options_of_grading_reach_the_verifier():
    response, exact = "<answer>0.3334</answer>", problem("0.3333")
    near = RewardConfig(grading=GradeOptions(absolute_tolerance=0.001))
    assert not Reward(RewardConfig()).score([response], [exact]).grades[0].correct
    assert Reward(near).score([response], [exact]).grades[0].correct


def test_a_term_that_weighs_nothing_anywhere_is_not_computed_and_a_variant_names_its_own():
    assert Reward(RewardConfig()).terms == ("accuracy", "format")
    assert Reward(RewardConfig(per_kind={"text": {"repetition": 1.0}})).terms == ("accuracy", "format", "repetition")
    own = Reward(RewardConfig(variant="revisual_r1")).terms
    assert set(own) == {"accuracy", "format", "self_critic", "image_revisit", "repetition"}
    assert Reward(RewardConfig(variant="difficulty_sampling")).config.weights("text")["format"] == 0.0
    assert Reward(RewardConfig(variant="difficulty_sampling", format=0.1)).config.weights("text")["format"] == 0.1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variant": "trl"}, "reward.variant='trl'.*vl_cogito"),
        ({"form": "json"}, "reward.form='json'.*tags"),
        ({"per_kind": {"poem": {}}}, "reward.per_kind='poem'.*boxes"),
        ({"per_kind": {"text": {"self_critic": 1.0}}}, "per_kind.text weighs 'self_critic'.*repetition"),
        ({"per_kind": {"text": {"format": -1.0}}}, r"per_kind\.text\.format=-1\.0"),
        ({"variant": "vl_cogito", "form": "boxed"}, "reward.form does nothing.*vl_cogito"),
        ({"variant": "vl_cogito", "grading": GradeOptions(decimals=2)}, "reward.grading does nothing"),
    ],
)
def test_a_setting_that_says_nothing_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RewardConfig(**settings)

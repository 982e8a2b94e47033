"""Settings of the reward reach what they are for: a source's own grading, the form, the deadline."""

import pytest

from cogito_pl.rewards import Reward, RewardConfig
from cogito_pl.rewards import reward as rewarding
from cogito_pl.rewards.verifier.number import NumberVerifier
from cogito_pl.rewards.verifier.registry import KINDS
from tests.conftest import problem


def scored(config, responses, problems):
    reward = Reward(config)
    try:
        return reward.score(responses, problems)
    finally:
        reward.close()


def test_answers_of_a_source_are_compared_by_its_own_settings_and_others_by_those_of_all():
    config = RewardConfig(per_source={"lenient": {"decimals": 0}})
    asked = [problem(answer="3.14", source=source) for source in ("lenient", "strict", "lenient")]
    answers = ["<answer>3.4</answer>", "<answer>3.4</answer>", "<answer>4.4</answer>"]
    assert [grade.correct for grade in scored(config, answers, asked).grades] == [True, False, False]


@pytest.mark.parametrize(("form", "paid"), [("tags", [1, 0, 1]), ("boxed", [0, 1, 1]), ("both", [0, 0, 1])])
def test_the_form_that_is_rewarded_is_the_one_that_is_set(form, paid):
    responses = [
        "<think>Two.</think><answer>4</answer>",
        r"\boxed{4}",
        r"<think>Two.</think><answer>\boxed{4}</answer>",
    ]
    assert scored(RewardConfig(form=form), responses, [problem()] * 3).terms["format"] == paid


def test_workers_deadline_and_verifiers_are_those_of_the_pool(monkeypatch):
    made = []
    monkeypatch.setattr(rewarding, "GraderPool", lambda *arguments: made.append(arguments))
    own = NumberVerifier()
    Reward(RewardConfig(workers=3, deadline_s=0.7, verifiers={"number": own}))
    ((workers, deadline_s, verifiers, grader),) = made
    assert (workers, deadline_s, grader) == (3, 0.7, None)
    assert verifiers["number"] is own
    assert set(verifiers) == set(KINDS)

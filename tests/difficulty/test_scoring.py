"""Scoring from Python: nothing is trained meanwhile, and another verifier grades the stored responses again."""

from dataclasses import replace

import pytest

from cogito_pl.difficulty import CMAB, PassRate
from cogito_pl.difficulty.scoring import run_trials
from cogito_pl.policy import Policy, PolicyConfig, SamplingConfig
from tests.modules.scoring import Coin
from tests.policy.test_log_probs import PROBLEMS

IMAGES = sum(len(problem.images) for problem in PROBLEMS)


class Verdict(Coin):
    """Gives every response the same verdict."""

    def __init__(self, correct):
        self.correct = correct

    def score(self, texts, problems):
        result = super().score(texts, problems)
        return replace(result, grades=[replace(grade, correct=self.correct) for grade in result.grades])

    def grading_settings(self):
        return {"verdict": self.correct}


def run(policy, scorer=None, correct=False, **settings):
    how = {
        "policy": policy,
        "reward": Verdict(correct),
        "sampling": SamplingConfig(max_tokens=3),
        "seed": 1,
        "least": 1,
    }
    return run_trials(scorer or CMAB(tries=3), PROBLEMS, **(how | settings))


def trained(policy):
    return {name for name, parameter in policy.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize("freeze", [("vision",), ("vision", "projector")])
def test_an_image_is_encoded_once_while_trials_run_and_afterwards_all_is_as_it_was(tiny_folder, freeze):
    policy = Policy(PolicyConfig(name=str(tiny_folder), freeze=freeze))
    policy.freeze(freeze)
    before = trained(policy)
    run(policy)  # reads every prompt twice
    assert policy.features.forwards == IMAGES
    assert trained(policy) == before != set()
    assert bool(policy.features.held) == ("projector" in freeze)  # kept only where they cannot change


def test_what_was_trained_is_trained_again_after_an_error(tiny_folder, monkeypatch):
    policy = Policy(PolicyConfig(name=str(tiny_folder)))
    before = trained(policy)
    monkeypatch.setattr(policy, "sample", None)
    with pytest.raises(TypeError):
        run(policy)
    assert trained(policy) == before != set()


def test_another_verifier_grades_the_stored_responses_again(tiny_folder, tmp_path, monkeypatch):
    policy = Policy(PolicyConfig(name=str(tiny_folder)))
    run(policy, PassRate(repeats=2), folder=tmp_path)
    monkeypatch.setattr(policy, "sample", None)
    for correct in (True, False):
        store = run(policy, PassRate(repeats=2), correct, folder=tmp_path)
        assert [set(store.outcomes(problem.id).values()) for problem in PROBLEMS] == [{correct}] * len(PROBLEMS)

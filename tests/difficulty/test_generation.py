"""A trial is the same whatever it is batched with, and an engine that fails is not a model that errs."""

import numpy as np
import pytest

from cogito_pl.difficulty import PISM
from cogito_pl.difficulty.generation import Spent, TooManyErrors, TrialRunner, alike, masked
from cogito_pl.difficulty.identity import trial_seed
from cogito_pl.difficulty.scorer import Task
from cogito_pl.difficulty.trials import TrialStore
from cogito_pl.difficulty.waves import run_until_decided
from cogito_pl.policy import Policy, PolicyConfig, SamplingConfig
from cogito_pl.rewards import Grade, RewardResult
from tests.conftest import problem
from tests.modules.scoring import Coin

PROBLEMS = [
    problem("How many?", (84, 56), seed=1),
    problem("<image>And<image>?", (56, 56), (28, 84), seed=2),
    problem("Two plus two?", seed=3),
    problem("Which?", (61, 47), seed=4),
]
REQUESTS = [(PROBLEMS[0], Task(0.0, k)) for k in range(4)] + [
    (what, Task(ratio, 1)) for what in PROBLEMS for ratio in (0.0, 0.3, 0.7) if ratio == 0 or what.images
]


@pytest.fixture(scope="module")
def policy(tiny_folder):
    return Policy(PolicyConfig(name=str(tiny_folder)))


def runner(policy, **settings):
    defaults = {
        "policy": policy, "reward": Coin(), "scorer": PISM(), "sampling": SamplingConfig(max_tokens=8), "seed": 5,
        "least": 4, "attempts": 3, "most_errors": 2, "filler": PROBLEMS[0],
    }  # fmt: skip
    return TrialRunner(**(defaults | settings))


def by_key(trials):
    return {(trial.id, trial.ratio, trial.repeat): trial for trial in trials}


@pytest.fixture(scope="module")
def expected(policy):
    return by_key(runner(policy)(REQUESTS))


def test_a_batch_of_trials_gives_what_each_gives_alone(policy, expected):
    assert len(expected) == len({(what.id, task) for what, task in REQUESTS})
    for request in REQUESTS:
        (alone,) = runner(policy)([request])
        assert expected[alone.id, alone.ratio, alone.repeat] == alone
    assert len({trial.response for trial in expected.values()}) > len(expected) / 2  # seeds differ
    assert any(trial.correct for trial in expected.values())


def test_prompts_of_about_one_length_are_sampled_together_and_groups_of_one_size_only():
    sizes = [(1, 50), (1, 90), (1, 52), (8, 50), (1, 91), (1, 54)]
    assert alike(sizes, least=2) == [[0, 2, 5], [1, 4], [3]]
    assert alike(sizes, least=9) == [[0, 2, 5, 1, 4], [3]]
    assert alike([], least=2) == []


def test_trials_that_hide_nothing_share_one_prompt_and_others_have_a_mask_each(policy):
    before = policy.features.forwards
    runner(policy)([(PROBLEMS[0], Task(0.0, k)) for k in range(8)])
    assert policy.features.forwards == before + 1
    runner(policy)([(PROBLEMS[0], Task(0.5, k)) for k in range(3)])
    assert policy.features.forwards == before + 4


def test_trials_and_the_readings_of_their_prompts_are_counted(policy):
    spent = Spent(problems=2)
    runner(policy, spent=spent)(REQUESTS)
    shared = {(what.id, task.ratio) for what, task in REQUESTS if task.ratio == 0}
    masked = [task for _, task in REQUESTS if task.ratio]
    assert (spent.trials, spent.prefills) == (len(REQUESTS), len(shared) + len(masked))
    assert str(Spent(4, 1300, 90)) == (
        "ran 1,300 trials, with 90 prefills of their prompts, for 4 problems: 325.0 and 22.5 each"
    )
    assert str(Spent()) == "ran 0 trials, with 0 prefills of their prompts"


def test_every_image_has_a_mask_of_its_own_which_its_trial_decides(policy):
    def hidden(ratio, repeat, seed=5):
        shown = masked(PROBLEMS[1], Task(ratio, repeat), PISM(), seed, policy.encoder)
        return [(np.array(image.load()) == 0).all(-1) for image in shown.images]

    first, second = hidden(0.5, 0)
    assert first.mean() == second[:28].mean() == second.mean() * 1.5 or second.sum() == 28 * 28  # 1 cell of 3
    assert first.sum() == 2 * 28 * 28  # 2 cells of 4
    masks = {tuple(np.concatenate([part.ravel() for part in hidden(0.5, k)])) for k in range(12)}
    assert len(masks) > 4
    assert np.array_equal(hidden(0.5, 0)[0], first)
    assert masked(PROBLEMS[1], Task(0.0, 1), PISM(), 5, policy.encoder) is PROBLEMS[1]
    assert masked(PROBLEMS[2], Task(0.5, 1), PISM(), 5, policy.encoder) is PROBLEMS[2]


def test_the_seed_of_a_trial_is_its_own(expected):
    assert all(trial.seed == trial_seed(5, trial.id, Task(trial.ratio, trial.repeat)) for trial in expected.values())


def failing(policy, monkeypatch, when):
    real, calls = policy.sample, []

    def sample(prompts, sampling, seeds):
        calls.append(len(prompts))
        if when(len(calls), prompts):
            raise RuntimeError("out of memory")
        return real(prompts, sampling, seeds)

    monkeypatch.setattr(policy, "sample", sample)


def test_an_error_is_tried_again_and_leaves_no_trace(policy, expected, monkeypatch):
    failing(policy, monkeypatch, lambda call, prompts: call in (1, 3, 4))
    run = runner(policy)
    assert by_key(run(REQUESTS)) == expected
    assert run.set_aside == []


def test_a_batch_too_large_for_memory_is_run_in_parts(policy, expected, monkeypatch):
    failing(policy, monkeypatch, lambda call, prompts: len(prompts) > 2)
    assert by_key(runner(policy)(REQUESTS)) == expected


def test_a_problem_that_always_raises_is_set_aside_and_nothing_of_it_counts(policy, monkeypatch):
    bad = len(policy.encode(PROBLEMS[3]))
    failing(policy, monkeypatch, lambda call, prompts: any(len(prompt) == bad for prompt in prompts))
    run, store, scorer = runner(policy), TrialStore(None, {}), PISM(ratios=(0.0, 0.5), repeats=3, threshold=0.3)
    run_until_decided(scorer, PROBLEMS, store, run, most=32, least=1)
    assert run.set_aside == [PROBLEMS[3]]
    assert list(run([(PROBLEMS[3], Task(0.5, k)) for k in range(3)])) == []
    assert run.set_aside == [PROBLEMS[3]]  # counted once
    assert store.outcomes(PROBLEMS[3].id) == {}
    assert scorer.score(store.outcomes(PROBLEMS[3].id), 1)["lambda_star"] is None
    assert all(scorer.score(store.outcomes(p.id), len(p.images))["solved"] is not None for p in PROBLEMS[:3])


def test_too_many_errors_stop_the_scoring(policy, monkeypatch):
    failing(policy, monkeypatch, lambda call, prompts: True)
    with pytest.raises(TooManyErrors, match="most_errors=2"):
        runner(policy)(REQUESTS)


def test_a_grader_that_dies_has_given_no_verdict(policy, expected):
    class Mortal(Coin):
        deaths = 0

        def score(self, texts, problems):
            result = super().score(texts, problems)
            Mortal.deaths += 1
            if Mortal.deaths == 1:
                return RewardResult(result.total, {}, [Grade.without_answer("died"), *result.grades[1:]])
            return result

    assert by_key(runner(policy, reward=Mortal())(REQUESTS)) == expected

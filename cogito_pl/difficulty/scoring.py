"""Scores problems from Python, without a trainer: in notebooks and scripts."""

from collections.abc import Sequence
from pathlib import Path

from cogito_pl.difficulty.generation import TrialRunner
from cogito_pl.difficulty.identity import trial_settings, weights_digest
from cogito_pl.difficulty.regrading import regrade
from cogito_pl.difficulty.scorer import Scorer
from cogito_pl.difficulty.trials import TrialStore
from cogito_pl.difficulty.waves import run_until_decided
from cogito_pl.policy import Policy, SamplingConfig
from cogito_pl.policy.freezing import gradients_off
from cogito_pl.problem import Problem
from cogito_pl.rewards import Reward


def run_trials(
    scorer: Scorer,
    problems: Sequence[Problem],
    *,
    policy: Policy,
    reward: Reward,
    sampling: SamplingConfig,
    seed: int,
    folder: Path | None = None,
    least: int = 16,
    most: int = 64,
) -> TrialStore:
    """Runs the trials that decide the score of every problem, and gives all trials.

    Args:
        scorer: Asks for trials.
        problems: Of one source.
        policy: Samples responses.
        reward: Grades them.
        sampling: How responses are sampled.
        seed: Of masks and responses.
        folder: Where trials are kept, and read from where some are there, such as those of `train.py predict`; in
            memory when None.
        least: Trials that are sampled side by side at least, as far as they are likely to be needed.
        most: Trials of a batch.
    """
    settings = trial_settings(
        policy.encoder, weights_digest(policy.model), scorer, sampling, reward.grading_settings(), seed
    )
    if folder is not None:
        regrade(folder, settings, problems, reward, scorer)
    store = TrialStore(folder, settings)
    runner = TrialRunner(
        policy=policy,
        reward=reward,
        scorer=scorer,
        sampling=sampling,
        seed=seed,
        least=least,
        attempts=1,
        most_errors=0,
        filler=problems[0],
    )
    try:
        with gradients_off(policy.model):  # so that an image is encoded once, and by itself
            run_until_decided(scorer, problems, store, runner, most=most, least=least)
    finally:
        store.close()
        if not policy.features.frozen:  # its weights may change now
            policy.features.clear_cache()
    return store

"""A scoring runs its trials by the settings of its module, at values that are not the defaults."""

import pytest

from cogito_pl.modules import score
from cogito_pl.policy import SamplingConfig
from tests.modules.scoring import CoinVerdicts, score_data, score_module
from tests.modules.training import trainer

SETTINGS = {
    "attempts": 2,
    "most_errors": 4,
    "seed": 23,
    "least_rows": 5,
    "sampling": SamplingConfig(max_tokens=3, temperature=0.4),
}


@pytest.fixture(scope="module")
def seen(tiny_folder, playground_folder, tmp_path_factory):
    """The runner of every batch of four problems, and how each of its calls sampled."""
    runners, sampled, waves = [], set(), []

    class Seen(score.TrialRunner):
        def __call__(self, requests):
            runners.append(self)
            waves.append(len(requests))
            return super().__call__(requests)

        def _sample(self, groups, prompts):
            real = self.policy.sample
            self.policy.sample = lambda p, sampling, seeds: sampled.update(sampling) or real(p, sampling, seeds)
            try:
                return super()._sample(groups, prompts)
            finally:
                del self.policy.sample

    module = score_module(tiny_folder, pool=4, rollout_batch_size=7, **SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score, "TrialRunner", Seen)
        run = trainer(tmp_path_factory.mktemp("scored"), CoinVerdicts())
        batches = run.predict(module, score_data(playground_folder, limit=6))
    return module, runners, sampled, waves, batches


def test_trials_have_the_attempts_errors_seed_and_sampling_that_are_set(seen):
    module, runners, sampled, _, _ = seen
    for runner in runners:
        found = {name: getattr(runner, name) for name in ("attempts", "most_errors", "seed", "sampling")}
        assert found | {"least_rows": runner.least} == SETTINGS
        assert runner.scorer is module.scorer
    assert sampled == {SETTINGS["sampling"]}


def test_problems_are_scored_side_by_side_as_many_as_pool_says_and_trials_as_rollout_batch_size_says(seen):
    _, runners, _, waves, batches = seen
    assert [len(batch) for batch in batches] == [4, 2]
    assert len({id(runner) for runner in runners}) == 2
    assert max(waves) <= 7

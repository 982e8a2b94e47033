"""What a validation logs, by the completions that it sampled: at a temperature, of two sources, some correct."""

from dataclasses import replace
from typing import ClassVar

import pytest
import torch

from cogito_pl.modules import RolloutCallback
from cogito_pl.policy import LiveEngine, SamplingConfig
from cogito_pl.rewards import Grade, RewardResult
from tests.modules.training import data, grpo, trainer


def even(texts, problems):
    """Calls a response with an even number of characters correct; half of its reward is for nothing."""
    grades = [Grade(len(text) % 2 == 0, 0.0, True, text, "even") for text in texts]
    total = [2.0 * grade.correct + 0.5 for grade in grades]
    return RewardResult(total, {"format": [0.25] * len(texts)}, grades)


class Fourth(LiveEngine):
    """Says that every fourth completion ended by itself, and notes how completions are sampled."""

    sampled: ClassVar[list[SamplingConfig]] = []

    def generate(self, requests):
        self.sampled += [request.sampling for request in requests]
        samples = super().generate(requests)
        return replace(samples, finished=torch.arange(len(samples.ids)) % 4 == 0)


class Keep(RolloutCallback):
    """Keeps what was validated, by source."""

    def __init__(self):
        self.seen = {}

    def on_validation_rollout(self, trainer, module, rollout, source):
        self.seen.setdefault(source, []).append(rollout)


EVALUATION = SamplingConfig(max_tokens=5, temperature=0.7)


@pytest.fixture(scope="module")
def validated(tiny_folder, playground_folder, tmp_path_factory):
    keep, folder = Keep(), tmp_path_factory.mktemp("validated")
    module = grpo(tiny_folder, evaluation=EVALUATION, engine=Fourth)
    module.reward.score = even
    both = data(playground_folder, validation=True, validation_batch=4)
    (source,) = both.validation_sources
    both.validation_sources = [replace(source, limit=4, name="first"), replace(source, name="second")]
    fit = trainer(folder, keep)
    Fourth.sampled = []
    (*metrics,) = fit.validate(module, both, verbose=False)
    return keep.seen, {name: value for part in metrics for name, value in part.items()}


def mean(rollouts, value):
    return torch.cat([value(rollout).double() for rollout in rollouts]).mean().item()


def test_every_scope_has_the_means_of_its_own_completions(validated):
    seen, metrics = validated
    assert {name: [*map(len, rollouts)] for name, rollouts in seen.items()} == {"first": [4], "second": [4, 4, 2]}
    everything = [rollout for rollouts in seen.values() for rollout in rollouts]
    for scope, rollouts in (("val", everything), *((f"val/{name}", own) for name, own in seen.items())):
        expected = {
            "accuracy": mean(rollouts, lambda rollout: rollout.correct),
            "truncated": mean(rollouts, lambda rollout: ~rollout.finished),
            "length_tokens": mean(rollouts, lambda rollout: rollout.lengths),
        }
        for name, value in expected.items():
            assert metrics[f"{scope}/{name}"] == pytest.approx(value, abs=1e-6), (scope, name)
    assert 0 < metrics["val/accuracy"] < 1
    assert metrics["val/first/truncated"] == 0.75
    assert metrics["val/truncated"] == pytest.approx(10 / 14)


def test_completions_of_a_validation_are_sampled_as_evaluation_says(validated):
    assert set(Fourth.sampled) == {EVALUATION}

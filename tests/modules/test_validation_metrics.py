"""What a validation logs, by the completions that it sampled: at a temperature, of two sources, some correct."""

from dataclasses import replace
from typing import ClassVar

import pytest
import torch

from callbacks import RolloutTable
from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.data.sampling_changes import SamplingChanges
from cogito_pl.data.source import Source
from cogito_pl.files import read_jsonl
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


def test_a_source_says_how_its_completions_are_sampled_and_how_many(tiny_folder, playground_folder, tmp_path):
    keep = Keep()
    module = grpo(tiny_folder, evaluation=EVALUATION, engine=Fourth)
    both = data(playground_folder, validation=True, validation_batch=4)
    (source,) = both.validation_sources
    more = {"sampling": SamplingChanges(temperature=1.3, max_tokens=3), "samples": 3}
    both.validation_sources = [replace(source, limit=4, name="once"), replace(source, limit=4, name="thrice", **more)]
    Fourth.sampled = []
    fit = trainer(tmp_path, keep, RolloutTable())
    fit.validate(module, both, verbose=False)
    (once,), (thrice,) = keep.seen.values()
    assert (once.group_size, thrice.group_size) == (1, 3)
    assert Fourth.sampled == [EVALUATION] * 4 + [SamplingConfig(max_tokens=3, temperature=1.3)] * 12
    assert len(set(thrice.texts)) > 4  # samples differ
    rows = read_jsonl(tmp_path / "validation.rank0.jsonl")
    assert [row["sample"] for row in rows] == [0] * 4 + [0, 1, 2] * 4
    assert [row["id"] for row in rows[4:]] == [row["id"] for row in rows[:4] for _ in range(3)]


@pytest.mark.parametrize("role", ["train", "predict"])
@pytest.mark.parametrize("setting", [{"samples": 2}, {"sampling": SamplingChanges(top_k=3)}])
def test_samples_of_a_source_that_is_not_validated_are_refused(role, setting):
    with pytest.raises(ValueError, match=rf"data\.{role}: source mine sets samples or sampling"):
        ReasoningDataModule(**{role: (Source(path="mine", **setting),)})


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="source mine: samples=0 leaves nothing to grade"):
        Source(path="mine", samples=0)

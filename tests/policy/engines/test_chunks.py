"""Completions are decoded in chunks of `rollout_batch_size`, which changes none of them."""

import pytest
import torch

from cogito_pl.policy import LiveEngine, Policy, PolicyConfig, Request, SamplingConfig
from tests.policy.test_log_probs import PROBLEMS

LONG, SHORT = SamplingConfig(max_tokens=6, temperature=1.2), SamplingConfig(max_tokens=3, temperature=0.4)


@pytest.fixture(scope="module")
def policy(tiny_folder):
    return Policy(PolicyConfig(name=str(tiny_folder)))


def requests(policy):
    """Three completions of each prompt; of the third, three further ones with other settings."""
    prompts = [policy.encode(problem) for problem in PROBLEMS]
    asked = [(place, LONG) for place in (0, 1, 2)] + [(2, SHORT), (3, SHORT)]
    return [Request(prompts[p], s, 100 * n + k) for n, (p, s) in enumerate(asked) for k in range(3)]


@pytest.mark.parametrize("size", [3, 6, 256])
def test_every_completion_is_that_of_its_own_request(policy, size, monkeypatch):
    real, calls = policy.sample, []

    def sample(prompts, sampling, seeds):
        calls.append(sum(map(len, seeds)))
        return real(prompts, sampling, seeds)

    monkeypatch.setattr(policy, "sample", sample)
    samples = LiveEngine(policy, size).generate(requests(policy))
    assert sum(calls) == 15
    assert max(calls) == {3: 3, 6: 6, 256: 15}[size]  # in whole groups
    for row, request in enumerate(requests(policy)):
        alone = real([request.prompt], request.sampling, [[request.seed]])
        length = int(alone.mask.sum())
        assert int(samples.mask[row].sum()) == length <= request.sampling.max_tokens
        assert torch.equal(samples.ids[row, :length], alone.ids[0])
        torch.testing.assert_close(samples.log_probs[row, :length], alone.log_probs[0], atol=1e-5, rtol=0)
        assert (samples.log_probs[row, length:] == 0).all()
        assert (samples.ids[row, length:] == policy.encoder.pad_id).all()

"""Completions that end early leave the batch, and those that go on are sampled as if they were alone."""

import pytest
import torch

from cogito_pl.policy import Policy, PolicyConfig, SamplingConfig
from tests.policy.test_log_probs import PROBLEMS

SHORT = SamplingConfig(max_tokens=2, temperature=1.9)
LONG = SamplingConfig(max_tokens=12, temperature=0.6, top_k=8, top_p=0.9)


@pytest.mark.parametrize("decode", ["dynamic", "static"])
@pytest.mark.parametrize("last", range(4))
def test_the_completions_that_outlast_the_others_are_those_of_a_batch_of_their_own(tiny_folder, decode, last):
    policy = Policy(PolicyConfig(name=str(tiny_folder), decode=decode))
    prompts = [policy.encode(problem) for problem in PROBLEMS]  # of four lengths
    seeds = [[10 * place + k for k in range(5)] for place in range(4)]  # 20 rows: a bucket of 32, then of 8
    settings = [LONG if place == last else SHORT for place in range(4)]
    together = policy.sample(prompts, settings, seeds)
    alone = policy.sample([prompts[last]], LONG, [seeds[last]])
    width = alone.ids.shape[1]
    rows = slice(5 * last, 5 * last + 5)
    assert width > 4
    assert torch.equal(together.mask[rows, :width], alone.mask)
    assert torch.equal(together.ids[rows, :width][alone.mask], alone.ids[alone.mask])
    torch.testing.assert_close(together.log_probs[rows, :width], alone.log_probs, atol=1e-5, rtol=0)


def test_any_of_the_end_tokens_ends_a_completion(tiny_folder):
    policy = Policy(PolicyConfig(name=str(tiny_folder)))
    assert len(policy.encoder.end_ids) == 2
    for end in policy.encoder.end_ids:
        only = torch.tensor(end)
        table = policy.model.get_output_embeddings()
        handle = table.register_forward_hook(lambda module, inputs, output, only=only: output.index_fill(-1, only, 1e4))
        samples = policy.sample([policy.encode(PROBLEMS[0])], SamplingConfig(max_tokens=8), [[1, 2]])
        handle.remove()
        assert samples.finished.tolist() == [True, True]
        assert samples.ids.tolist() == [[end], [end]]

"""Rollouts draw from the policy, row by row, and never a token that stands for an image."""

import pytest
import torch

from cogito_pl.policy import Policy, PolicyConfig, SamplingConfig
from cogito_pl.policy.token_sampler import TokenChooser
from tests.policy.test_log_probs import PROBLEMS


@pytest.fixture(scope="module")
def policy(tiny_folder):
    return Policy(PolicyConfig(name=str(tiny_folder)))


@pytest.fixture(scope="module")
def prompts(policy):
    return [policy.encode(p) for p in PROBLEMS]


def test_greedy_sampling_gives_the_tokens_of_transformers_generate(policy, prompts):
    samples = policy.sample(prompts, SamplingConfig(max_tokens=24, temperature=0), [[0]] * len(prompts))
    for row, prompt in enumerate(prompts):
        expected = policy.model.generate(
            input_ids=prompt.ids[None],
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            **{name: value[None] for name, value in prompt.token_fields.items()},
            **prompt.image_fields,
            max_new_tokens=24,
            do_sample=False,
            suppress_tokens=policy.encoder.suppressed_ids,
        )[0, len(prompt) :]
        assert torch.equal(samples.ids[row][samples.mask[row]], expected)


def test_a_completion_depends_on_its_own_prompt_and_seed_alone(policy, prompts):
    sampling = SamplingConfig(max_tokens=16)
    together = policy.sample(prompts, sampling, [[10 * place + k for k in range(3)] for place in range(len(prompts))])
    for place, prompt in enumerate(prompts):
        alone = policy.sample([prompt], sampling, [[10 * place + 1]])
        row = 3 * place + 1
        assert torch.equal(alone.ids[0][alone.mask[0]], together.ids[row][together.mask[row]])


def test_a_static_cache_gives_the_tokens_of_a_growing_one(tiny_folder, policy, prompts):
    static = Policy(PolicyConfig(name=str(tiny_folder), decode="static"))
    seeds = [[10 * place + k for k in range(9)] for place in range(len(prompts))]  # 36 rows: a bucket of 64, then less
    for sampling in (SamplingConfig(max_tokens=40), SamplingConfig(max_tokens=12, temperature=0)):
        grown, fixed = policy.sample(prompts, sampling, seeds), static.sample(prompts, sampling, seeds)
        assert torch.equal(grown.ids, fixed.ids)
        assert torch.equal(grown.mask, fixed.mask)
        assert torch.equal(grown.finished, fixed.finished)


def test_settings_may_differ_per_prompt(policy, prompts):
    greedy, short = SamplingConfig(max_tokens=12, temperature=0), SamplingConfig(max_tokens=3, temperature=1.0)
    mixed = policy.sample(prompts[:2], [greedy, short], [[1], [2]])
    alone = policy.sample(prompts[1:2], short, [[2]])
    assert torch.equal(mixed.ids[1][mixed.mask[1]], alone.ids[0][alone.mask[0]])
    assert torch.equal(mixed.ids[0], policy.sample(prompts[:1], greedy, [[5]]).ids[0])
    assert mixed.mask[1].sum() <= 3


def test_no_multimodal_token_is_ever_sampled(policy, prompts):
    table = policy.model.get_output_embeddings()
    bias = torch.zeros(table.out_features)
    bias[policy.encoder.suppressed_ids] = 1e4

    def favour_image_tokens(module, inputs, output):
        return output + bias

    handle = table.register_forward_hook(favour_image_tokens)
    try:
        for temperature in (0.0, 1.0):
            sampling = SamplingConfig(max_tokens=8, temperature=temperature)
            samples = policy.sample(prompts, sampling, [[1, 2]] * len(prompts))
            assert not torch.isin(samples.ids, torch.tensor(policy.encoder.suppressed_ids)).any()
    finally:
        handle.remove()


def test_an_end_token_ends_a_completion_and_belongs_to_it(policy, prompts):
    end = policy.encoder.end_ids[-1]
    table = policy.model.get_output_embeddings()
    handle = table.register_forward_hook(lambda module, inputs, output: output.index_fill(-1, torch.tensor(end), 1e4))
    try:
        samples = policy.sample(prompts, SamplingConfig(max_tokens=8), [[1]] * len(prompts))
    finally:
        handle.remove()
    assert samples.finished.all()
    assert samples.ids.tolist() == [[end]] * len(prompts)


def test_sampling_leaves_the_training_mode_as_it_was(policy, prompts):
    policy.train()
    policy.sample(prompts[:1], SamplingConfig(max_tokens=2), [[1]])
    assert policy.model.training


@pytest.mark.parametrize(("top_p", "top_k", "kept"), [(1.0, 0, 4), (1.0, 2, 2), (0.6, 0, 2), (0.5, 0, 1), (0.95, 2, 2)])
def test_top_p_and_top_k_keep_the_likeliest_tokens_and_frequencies_follow_the_probabilities(top_p, top_k, kept):
    probabilities = torch.tensor([0.1, 0.5, 0.15, 0.25])
    rows = [SamplingConfig(max_tokens=1, top_p=top_p, top_k=top_k)] * 4000
    chooser = TokenChooser(rows, range(4000), [], torch.device("cpu"))
    tokens, _ = chooser.choose(probabilities.log().expand(4000, -1), torch.arange(4000), 0)
    likeliest = probabilities.argsort(descending=True)[:kept]
    expected = torch.zeros(4).index_put((likeliest,), probabilities[likeliest] / probabilities[likeliest].sum())
    torch.testing.assert_close(tokens.bincount(minlength=4) / 4000, expected, atol=0.03, rtol=0)


@pytest.mark.parametrize("setting", [{"max_tokens": 0}, {"temperature": -1.0}, {"top_p": 0.0}, {"top_k": -1}])
def test_impossible_settings_are_refused_by_name(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        SamplingConfig(**setting)

"""Log-probabilities are of the completion and its own prompt, of nothing else."""

from dataclasses import replace

import pytest
import torch

from cogito_pl.policy import Policy, PolicyConfig
from tests.conftest import noise_image, problem

PROBLEMS = (
    problem("How many red ones?", (84, 56), seed=1),
    problem("Text only, and a good deal longer than the others: what is one plus two plus three?", seed=2),
    problem("Two pictures <image> and <image>, which is larger?", (56, 56), (112, 84), seed=3),
    problem("A strip", (28, 140), seed=4),
)


@pytest.fixture(scope="module")
def policy(tiny_folder):
    return Policy(PolicyConfig(name=str(tiny_folder)))


def completions(policy, lengths):
    width = max(lengths)
    vocabulary = sorted(set(range(len(policy.encoder.tokenizer))) - set(policy.encoder.suppressed_ids))
    generator = torch.Generator().manual_seed(0)
    ids = torch.tensor(vocabulary)[torch.randint(len(vocabulary), (len(lengths), width), generator=generator)]
    return ids, torch.arange(width) < torch.tensor(lengths)[:, None]


def test_a_completion_has_the_same_log_probs_alone_and_among_other_lengths_sizes_and_modalities(policy):
    prompts = [policy.encode(p) for p in PROBLEMS]
    ids, mask = completions(policy, [5, 17, 9, 1])
    together = policy.log_probs(prompts, ids, mask, entropy=True)
    for row, prompt in enumerate(prompts):
        length = int(mask[row].sum())
        alone = policy.log_probs([prompt], ids[row : row + 1, :length], mask[row : row + 1, :length], entropy=True)
        torch.testing.assert_close(together.values[row, :length], alone.values[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(together.entropy[row, :length], alone.entropy[0], atol=1e-5, rtol=0)
    assert (together.values[~mask] == 0).all()


def test_log_probs_are_those_of_the_plain_transformers_forward(policy):
    prompt = policy.encode(PROBLEMS[2])
    ids, mask = completions(policy, [7])
    row = torch.cat([prompt.ids, ids[0]])[None]
    kinds = torch.cat([prompt.token_fields["mm_token_type_ids"], torch.zeros(7, dtype=torch.long)])[None]
    policy.model.model.rope_deltas = None
    logits = policy.model(input_ids=row, mm_token_type_ids=kinds, **prompt.image_fields).logits[0]
    expected = logits[len(prompt) - 1 : -1].log_softmax(-1).gather(1, ids[0][:, None])[:, 0]
    torch.testing.assert_close(policy.log_probs([prompt], ids, mask).values[0], expected, atol=1e-5, rtol=0)


def test_stale_state_of_an_earlier_rollout_changes_nothing(policy):
    prompts = [policy.encode(p) for p in PROBLEMS]
    ids, mask = completions(policy, [5, 5, 5, 5])
    before = policy.log_probs(prompts, ids, mask).values
    policy.model.model.rope_deltas = torch.full((4, 1), 77)
    assert torch.equal(before, policy.log_probs(prompts, ids, mask).values)


def test_swapping_or_removing_an_image_changes_the_log_probs(policy):
    two = PROBLEMS[2]
    swapped = replace(two, images=(two.images[0], noise_image(112, 84, seed=9)))
    fewer = replace(two, question=two.question.replace("<image>", "", 1), images=two.images[1:])
    ids, mask = completions(policy, [6])
    values = [policy.log_probs([policy.encode(p)], ids, mask).values for p in (two, swapped, fewer)]
    assert (values[0] - values[1]).abs().max() > 1e-4
    assert (values[0] - values[2]).abs().max() > 1e-4


def test_placeholders_without_pixels_raise(policy):
    blind = replace(policy.encode(PROBLEMS[0]), images=())
    ids, mask = completions(policy, [3])
    with pytest.raises(ValueError, match="no pixels"):
        policy.log_probs([blind], ids, mask)


def test_a_temperature_divides_the_logits_and_entropy_is_that_of_the_whole_distribution(policy):
    prompt = policy.encode(PROBLEMS[1])
    ids, mask = completions(policy, [4])
    hot = policy.log_probs([prompt], ids, mask, temperature=1e6, entropy=True)
    vocabulary = policy.model.config.get_text_config().vocab_size
    torch.testing.assert_close(hot.entropy, torch.full((1, 4), vocabulary).log(), atol=1e-3, rtol=0)
    torch.testing.assert_close(hot.values, -hot.entropy, atol=1e-3, rtol=0)


def test_gradients_are_finite_under_padding_and_reach_the_vision_tower(policy):
    prompts = [policy.encode(p) for p in PROBLEMS]
    ids, mask = completions(policy, [1, 12, 3, 8])
    policy.zero_grad()
    policy.log_probs(prompts, ids, mask).values.sum().backward()
    gradients = {name: parameter.grad for name, parameter in policy.model.named_parameters()}
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients.values())
    assert gradients["model.visual.patch_embed.proj.weight"].abs().sum() > 0
    policy.zero_grad()

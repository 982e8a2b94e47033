"""The chunked head gives the values and gradients of the plain one, in memory independent of tokens x vocabulary."""

import pytest
import torch

from cogito_pl.policy.logprobs import head_log_probs


def plain(hidden, weight, bias, targets, temperature):
    log_probs = (torch.nn.functional.linear(hidden, weight, bias).float() / temperature).log_softmax(-1)
    return log_probs.gather(1, targets[:, None])[:, 0], -(log_probs.exp() * log_probs).sum(1)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("chunk", [1, 500, 10**9])
def test_values_and_gradients_are_those_of_the_plain_head(bias, temperature, chunk):
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(size, generator=generator, dtype=torch.float32) for size in ((37, 16), (50, 16), (50,))]
    inputs = [value.requires_grad_() for value in inputs[: 2 + bias]]
    targets = torch.randint(50, (37,), generator=generator)
    upstream = torch.randn(2, 37, generator=generator)
    results = []
    for chunked in (True, False):
        arguments = (*inputs, *([None] * (not bias)), targets)
        if chunked:
            values, entropy = head_log_probs(*arguments, temperature=temperature, entropy=True, chunk_elements=chunk)
        else:
            values, entropy = plain(*arguments, temperature)
        slopes = torch.autograd.grad((values * upstream[0] + entropy * upstream[1]).sum(), inputs)
        results.append((values, entropy, *slopes))
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_the_gradient_of_a_bfloat16_weight_is_summed_over_chunks_in_float32():
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(512, 32, generator=generator).bfloat16()
    weight = torch.randn(64, 32, generator=generator).bfloat16().requires_grad_()
    targets = torch.randint(64, (512,), generator=generator)
    slopes = []
    for chunk in (64, 10**9):  # one token at a time, or all at once
        values, _ = head_log_probs(hidden, weight, None, targets, chunk_elements=chunk)
        slopes.append(torch.autograd.grad(values.sum(), weight)[0].float())
    torch.testing.assert_close(slopes[0], slopes[1], atol=0.05, rtol=0.01)


def test_nothing_of_the_size_of_tokens_times_vocabulary_is_ever_saved():
    saved = []
    hidden, weight = torch.randn(256, 8, requires_grad=True), torch.randn(4096, 8, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(
        lambda value: saved.append(value.numel()) or value, lambda value: value
    ):
        head_log_probs(hidden, weight, None, torch.zeros(256, dtype=torch.long), chunk_elements=4096 * 16)
    assert max(saved) <= weight.numel()

"""Sequences that share a prompt cost less side by side; their log-probabilities and gradients stay what they were."""

import dataclasses
from types import SimpleNamespace

import pytest
import torch

from cogito_pl.policy import Policy, PolicyConfig
from cogito_pl.policy.policy import choose_layout
from cogito_pl.policy.row_layout import attention_share, batch_rows, lay_out, plan_rows
from tests.policy.test_log_probs import PROBLEMS, completions

LENGTHS = [5, 17, 9, 1, 12, 3, 8, 8, 2, 6, 11, 4]  # three completions of each of four prompts


def policies(folder, **settings):
    return {
        layout: Policy(PolicyConfig(name=str(folder), layout=layout, **settings))
        for layout in ("padded", "single", "shared", "auto", "packed")
    }


def of_all(policy, **options):
    prompts = [policy.encode(p) for p in PROBLEMS for _ in range(1)]
    rows = [prompts[i // 3] for i in range(12)]
    ids, mask = completions(policy, LENGTHS)
    return policy.log_probs(rows, ids, mask, **options)


@pytest.fixture(scope="module")
def layouts(tiny_folder):
    return policies(tiny_folder)


def gradients(policy):
    policy.zero_grad()
    result = of_all(policy, entropy=True, entropy_gradient=True)
    generator = torch.Generator().manual_seed(1)
    weights = [torch.rand(result.values.shape, generator=generator) for _ in range(2)]
    (result.values * weights[0] + result.entropy * weights[1]).sum().backward()
    return result, {name: parameter.grad.clone() for name, parameter in policy.model.named_parameters()}


def test_every_layout_gives_the_log_probs_entropies_and_gradients_of_padded_whole_sequences(layouts):
    plain, expected = gradients(layouts["padded"])
    for name in ("single", "shared", "auto", "packed"):
        found, slopes = gradients(layouts[name])
        torch.testing.assert_close(found.values, plain.values, atol=1e-5, rtol=0)
        torch.testing.assert_close(found.entropy, plain.entropy, atol=1e-5, rtol=0)
        for parameter, slope in expected.items():
            error = (slopes[parameter] - slope).norm() / slope.norm().clamp(min=1e-8)
            assert error < 1e-5, (name, parameter, float(error))


def test_a_token_budget_cuts_rows_and_changes_nothing(layouts, tiny_folder):
    tight = Policy(PolicyConfig(name=str(tiny_folder), layout="shared", max_row_tokens=48))
    torch.testing.assert_close(of_all(tight).values, of_all(layouts["padded"]).values, atol=1e-5, rtol=0)


def test_bfloat16_stays_within_its_rounding(tiny_folder, layouts):
    half = Policy(PolicyConfig(name=str(tiny_folder), dtype="bfloat16"))
    difference = (of_all(half).values - of_all(layouts["padded"]).values).abs()
    assert difference.mean() < 0.03
    assert difference.max() < 0.3


def test_the_layout_is_the_cheaper_one_by_counted_cost():
    tiny = attention_share(
        SimpleNamespace(hidden_size=128, num_attention_heads=4, num_key_value_heads=2, intermediate_size=256)
    )
    seven_b = attention_share(
        SimpleNamespace(hidden_size=3584, num_attention_heads=28, num_key_value_heads=4, intermediate_size=18944)
    )
    assert seven_b < tiny

    def sizes(prompt, completion, cost, limit=8192):
        rows = plan_rows([0] * 16, [prompt], [completion] * 16, layout="auto", max_tokens=limit, pair_cost=cost)
        return [len(row.members) for row in rows]

    assert sizes(1200, 100, seven_b) == [16]  # a long prompt is worth sharing
    assert sizes(20, 4096, seven_b) == [1] * 16  # a short one is not
    assert max(sizes(1200, 4096, seven_b)) == 1  # nor is any when the mask would be larger than the budget
    assert sizes(1200, 600, seven_b) == [8, 8]  # more side by side than these cost more than the prompt saves


def test_no_row_of_several_sequences_is_longer_than_the_budget():
    rows = plan_rows([0] * 8, [300], [400] * 8, layout="shared", max_tokens=1200, pair_cost=0.0)
    assert [len(row.members) for row in rows] == [2, 2, 2, 2]
    assert sorted(place for row in rows for place in row.members) == list(range(8))
    for batch in batch_rows(rows, max_tokens=2400):
        assert max(row.tokens for (row,) in batch) * len(batch) <= 2400


def test_a_shared_row_is_laid_out_as_its_docstring_draws_it():
    (row,) = plan_rows([0, 0], [4], [4, 3], layout="shared", max_tokens=99, pair_cost=0.0)
    ids = torch.tensor([[11, 12, 13, 19], [21, 22, 29, 0]])
    batch = lay_out([(row,)], [torch.tensor([1, 2, 3, 4])], [torch.arange(4)], ids, pad_id=0)
    assert batch.ids.tolist() == [[1, 2, 3, 4, 11, 12, 13, 21, 22]]
    assert batch.positions.tolist() == [[0, 1, 2, 3, 4, 5, 6, 4, 5]]
    assert batch.predictors.tolist() == [3, 4, 5, 6, 3, 7, 8]
    assert batch.mask[0, 0, 7].nonzero()[:, 0].tolist() == [0, 1, 2, 3, 7]
    assert batch.mask[0, 0, 6].nonzero()[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_an_empty_completion_has_no_tokens_and_disturbs_nobody(layouts):
    policy = layouts["auto"]
    prompt = policy.encode(PROBLEMS[0])
    ids, mask = completions(policy, [4, 0, 2])
    values = policy.log_probs([prompt] * 3, ids, mask).values
    assert values[1].tolist() == [0.0] * 4
    torch.testing.assert_close(values[2, :2], policy.log_probs([prompt], ids[2:, :2], mask[2:, :2]).values[0])


@pytest.mark.parametrize("layout", ["shared", "auto"])
def test_eager_attention_reads_shared_rows_as_fused_attention_does(tiny_folder, layouts, layout):
    eager = Policy(PolicyConfig(name=str(tiny_folder), layout=layout, attention="eager"))
    torch.testing.assert_close(of_all(eager).values, of_all(layouts["padded"]).values, atol=1e-5, rtol=0)


def test_flash_attention_which_takes_no_mask_has_single_rows_and_refuses_shared_ones(layouts):
    policy = layouts["auto"]
    flash = dataclasses.replace(policy.config, attention="flash_attention_2")
    assert choose_layout(policy.family, policy.model, flash) == "single"
    with pytest.raises(ValueError, match=r"policy\.layout=shared needs a mask.*flash_attention_2"):
        choose_layout(policy.family, policy.model, dataclasses.replace(flash, layout="shared"))
    for attention in ("flash_attention_2", "eager"):
        other = dataclasses.replace(flash, attention=attention, layout="packed")
        with pytest.raises(ValueError, match=rf"policy\.layout=packed needs policy\.attention=sdpa, not {attention}"):
            choose_layout(policy.family, policy.model, other)


def test_a_model_that_changes_its_logits_after_the_output_layer_is_padded(tiny_folder, layouts, monkeypatch):
    policy = layouts["auto"]
    monkeypatch.setattr(policy.model.config.get_text_config(), "final_logit_softcapping", 30.0, raising=False)
    assert choose_layout(policy.family, policy.model, policy.config) == "padded"
    single = dataclasses.replace(policy.config, layout="single")
    with pytest.raises(ValueError, match=r"policy\.layout=single: qwen2_5_vl.*changes logits"):
        choose_layout(policy.family, policy.model, single)


def test_swapping_an_image_changes_the_log_probs_in_every_layout(layouts):
    problem = PROBLEMS[2]
    swapped = dataclasses.replace(problem, images=problem.images[::-1])
    for policy in layouts.values():
        ids, mask = completions(policy, [6])
        values = [policy.log_probs([policy.encode(p)], ids, mask).values for p in (problem, swapped)]
        assert (values[0] - values[1]).abs().max() > 1e-4

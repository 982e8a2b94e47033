"""Attention that is captured beside the fused kernels is what eager attention hands out, on every layer."""

from dataclasses import replace

import pytest
import torch

from cogito_pl.policy import (
    Policy,
    PolicyConfig,
    SamplingConfig,
    TokenSets,
    find_sinks,
    image_maps,
    token_sets,
    without_sinks,
)
from cogito_pl.policy.attention import AttentionCapture, attention_sums, capturing
from cogito_pl.policy.config import LoRAConfig
from tests.policy.test_log_probs import PROBLEMS, completions


@pytest.fixture(scope="module")
def policy(tiny_folder):
    return Policy(PolicyConfig(name=str(tiny_folder), instruction="Answer briefly."))


@pytest.fixture(scope="module")
def eager(tiny_folder):
    return Policy(PolicyConfig(name=str(tiny_folder), instruction="Answer briefly.", attention="eager")).eval()


def captured(policy, problem, length=9, **options):
    prompt = policy.encode(problem)
    sets = token_sets(policy.encoder, problem, prompt)
    response = completions(policy, [length])[0][0]
    return prompt, sets, response, policy.attention(prompt, response, sets, **options)


@torch.no_grad()
def eager_weights(eager, prompt, response):
    """The weights that transformers hands out, `[layers, heads, T, P + T - 1]`."""
    ids = torch.cat([prompt.ids, response[:-1]])[None]
    kinds = prompt.token_fields["mm_token_type_ids"]
    kinds = torch.cat([kinds, kinds.new_zeros(len(response) - 1)])[None]
    eager.model.model.rope_deltas = None
    output = eager.model(input_ids=ids, mm_token_type_ids=kinds, **prompt.image_fields, output_attentions=True)
    return torch.stack(output.attentions)[:, 0, :, len(prompt) - 1 :]


@pytest.mark.parametrize("problem", PROBLEMS, ids=["one image", "no image", "two images", "strip"])
def test_sums_are_those_of_eager_attention_on_every_layer(policy, eager, problem):
    prompt, sets, response, found = captured(policy, problem)
    by_head = eager_weights(eager, prompt, response)
    assert by_head.shape[:2] == (4, policy.model.config.text_config.num_attention_heads)
    weights, members = by_head.mean(1), sets.members(len(response) - 1)
    torch.testing.assert_close(found.sums, weights @ members, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.maps, weights.mean(1)[:, : len(prompt)], atol=1e-5, rtol=0)
    torch.testing.assert_close(found.heads, by_head.mean(2) @ members, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.heads.sum(-1), torch.ones(found.heads.shape[:2]))


@pytest.mark.parametrize("problem", PROBLEMS, ids=["one image", "no image", "two images", "strip"])
def test_attention_without_sinks_is_that_of_eager_rows_renormalised_over_the_other_tokens(policy, eager, problem):
    prompt, sets, response, found = captured(policy, problem)
    strongest = found.maps.mean(0).topk(2).values
    sinks = find_sinks(found.maps, share=float(strongest.mean()))
    assert sinks.sum() == 1
    removed = sets.with_sinks(sinks)
    assert removed.sizes(0)[0] == 1 + int(not sinks[0])
    again = policy.attention(prompt, response, removed)
    rows = eager_weights(eager, prompt, response).mean(1)  # [layers, T, L]
    others = torch.ones(rows.shape[-1])
    others[0] = 0  # position 0 is a sink whatever it draws
    others[: len(prompt)][sinks] = 0
    rows = rows * others / (rows * others).sum(-1, keepdim=True)
    expected = rows @ removed.members(len(response) - 1)
    torch.testing.assert_close(without_sinks(again.sums), expected, atol=1e-5, rtol=0)
    assert (without_sinks(again.sums)[..., 0] == 0).all()
    assert torch.equal(again.maps, found.maps)


def test_a_threshold_of_sinks_that_is_no_share_is_refused(policy):
    with pytest.raises(ValueError, match="share=5"):
        find_sinks(torch.rand(2, 3), share=5)


def test_sums_are_those_of_the_steps_of_generate(policy, eager):
    prompt = policy.encode(PROBLEMS[2])
    sets = token_sets(policy.encoder, PROBLEMS[2], prompt)
    output = eager.model.generate(
        input_ids=prompt.ids[None],
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        **{name: value[None] for name, value in prompt.token_fields.items()},
        **prompt.image_fields,
        min_new_tokens=6,
        max_new_tokens=6,
        do_sample=False,
        output_attentions=True,
        return_dict_in_generate=True,
    )
    found = policy.attention(prompt, output.sequences[0, len(prompt) :], sets)
    members = sets.members(5)
    for step, layers in enumerate(output.attentions):  # step 0 holds the whole prompt's rows
        rows = torch.stack([layer[0, :, -1].mean(0) for layer in layers])
        torch.testing.assert_close(found.sums[:, step], rows @ members[: rows.shape[1]], atol=1e-5, rtol=0)


def test_the_response_s_tokens_may_be_weighed_in_the_map(policy, eager):
    focus = torch.tensor([0.0, 0.5, 0.0, 0.5, 0.0])
    prompt, sets, response, found = captured(policy, PROBLEMS[2], 5, focus=focus)
    by_head = eager_weights(eager, prompt, response)[:, :, [1, 3]]
    torch.testing.assert_close(found.maps, by_head.mean((1, 2))[:, : len(prompt)], atol=1e-5, rtol=0)
    torch.testing.assert_close(found.heads, by_head.mean(2) @ sets.members(4), atol=1e-5, rtol=0)


def test_chunks_of_rows_and_a_mask_of_the_model_s_change_nothing_else():
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(8, 7, 16, generator=generator), torch.randn(2, 20, 16, generator=generator)
    members = torch.eye(3)[torch.arange(20) % 3]
    focus = torch.rand(7, generator=generator)
    window = torch.ones(20, 20).tril().triu(-4).bool()[-7:]  # a sliding window of five
    logits = query @ key.repeat_interleave(4, 0).transpose(1, 2) * 0.3
    by_head = logits.masked_fill(~window, -torch.inf).softmax(-1)
    for chunk in (1, 8 * 20 * 3, 10**9):
        sums, looked, heads = attention_sums(query, key, window, members, focus, scaling=0.3, chunk_elements=chunk)
        torch.testing.assert_close(sums, by_head.mean(0) @ members)
        torch.testing.assert_close(looked, focus @ by_head.mean(0))
        torch.testing.assert_close(heads, focus @ by_head @ members)


def test_the_capture_leaves_the_model_as_it_was_even_after_an_error(policy):
    prompt, sets, response, _ = captured(policy, PROBLEMS[0])
    kinds = policy.model.config.text_config, policy.model.config.vision_config
    names = [config._attn_implementation for config in kinds]
    policy.train()
    before = policy.log_probs([prompt], response[None], torch.ones(1, len(response), dtype=torch.bool)).values
    with pytest.raises(RuntimeError):
        policy.attention(prompt, response, TokenSets(sets.of[1:], sets.images))  # of another prompt
    assert policy.model.training
    policy.attention(prompt, response, sets)
    assert policy.model.training
    assert [config._attn_implementation for config in kinds] == names == ["sdpa", "sdpa"]
    after = policy.log_probs([prompt], response[None], torch.ones(1, len(response), dtype=torch.bool)).values
    assert torch.equal(before, after)


def test_only_the_language_model_is_captured_and_computes_what_it_computes_without(policy):
    prompt, sets, _response, _ = captured(policy, PROBLEMS[0])
    plain = policy.sample([prompt], SamplingConfig(max_tokens=1, temperature=0), [[0]])
    capture = AttentionCapture(sets.members(0), torch.ones(1))
    with capturing(policy.model, capture):
        assert policy.model.config.vision_config._attn_implementation == "sdpa"
        inside = policy.sample([prompt], SamplingConfig(max_tokens=1, temperature=0), [[0]])
    assert torch.equal(plain.ids, inside.ids)
    assert len(capture.layers) == policy.model.config.text_config.num_hidden_layers


def test_adapters_are_looked_through(tiny_folder):
    adapted = Policy(PolicyConfig(name=str(tiny_folder), lora=LoRAConfig(rank=2)))
    plain = Policy(PolicyConfig(name=str(tiny_folder)))
    same = [captured(policy, PROBLEMS[2])[-1].sums for policy in (plain, adapted)]
    torch.testing.assert_close(*same, atol=1e-6, rtol=0)  # adapters start at zero
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in adapted.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.3, generator=generator)
    assert (captured(adapted, PROBLEMS[2])[-1].sums - same[0]).abs().max() > 1e-3


def test_every_layout_looks_at_the_same_places(tiny_folder, policy):
    padded = Policy(PolicyConfig(name=str(tiny_folder), instruction="Answer briefly.", layout="padded"))
    expected, found = (captured(p, PROBLEMS[2])[-1].sums for p in (policy, padded))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_token_sets_tell_question_images_and_the_rest_apart(policy):
    problem = PROBLEMS[2]  # Two images <image> and <image>, which is larger?
    prompt = policy.encode(problem)
    sets = token_sets(policy.encoder, problem, prompt)

    def words(name):
        return policy.encoder.tokenizer.decode(prompt.ids[sets.of == sets.names.index(name)]).strip()

    assert words("question_before") == "Two pictures"
    assert " ".join(words("question_after").split()) == "and, which is larger?"
    assert words("sink") == "<|im_start|>"
    assert words("after").endswith("Answer briefly.<|im_end|>\n<|im_start|>assistant")
    grids = prompt.image_fields["image_grid_thw"].prod(1) // 4
    assert sets.sizes(11).tolist()[5:] == [11, *grids.tolist()]
    assert sets.members(11).sum(0).tolist() == sets.sizes(11).tolist()
    assert (sets.members(11).sum(1) == 1).all()


def test_a_map_lies_as_its_image_lies(policy):
    prompt, sets, _, found = captured(policy, PROBLEMS[2])  # 56 x 56 and 112 wide, 84 high
    first, second = image_maps(policy.encoder, prompt, sets, found.maps[1])
    assert (first.shape, second.shape) == ((2, 2), (3, 4))
    torch.testing.assert_close(first.sum() + second.sum(), found.sums[1, :, 6:].sum(-1).mean())
    assert second[1, 0] == found.maps[1][sets.of == 7][4]
    assert image_maps(policy.encoder, *captured(policy, PROBLEMS[1])[:2], torch.zeros(0)) == []


def test_without_an_image_all_text_is_before_it_and_no_attention_is_on_one(policy):
    _, sets, _, found = captured(policy, PROBLEMS[1])
    assert sets.images == 0
    assert sets.sizes(0)[3:].tolist() == [0, 0, 0]
    torch.testing.assert_close(found.sums.sum(-1), torch.ones(found.sums.shape[:2]))


def test_a_system_prompt_with_the_question_s_words_is_not_the_question(tiny_folder):
    policy = Policy(PolicyConfig(name=str(tiny_folder), system_prompt="Asked How many red ones? count them."))
    prompt = policy.encode(PROBLEMS[0])
    sets = token_sets(policy.encoder, PROBLEMS[0], prompt)
    assert not (sets.of == 2).any()  # the question follows its image
    assert policy.encoder.tokenizer.decode(prompt.ids[sets.of == 4]).strip() == "How many red ones?"


def test_placeholders_without_pixels_and_empty_responses_are_refused(policy):
    prompt, sets, response, _ = captured(policy, PROBLEMS[0])
    with pytest.raises(ValueError, match="no pixels"):
        policy.attention(replace(prompt, images=()), response, sets)
    with pytest.raises(ValueError, match="empty response"):
        policy.attention(prompt, response[:0], sets)
    with pytest.raises(ValueError, match="3 weights for 9"):
        policy.attention(prompt, response, sets, focus=torch.ones(3))

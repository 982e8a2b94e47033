"""Qwen2-VL and Qwen3-VL in every layout: image features, those of DeepStack among them, are passed on exactly."""

import json
import shutil

import pytest
import torch

from cogito_pl.policy import Policy, PolicyConfig, PromptEncoder, SamplingConfig, image_maps, token_sets
from tests.conftest import noise_image, problem
from tests.policy.test_log_probs import PROBLEMS, completions

LENGTHS = [5, 17, 9, 1, 12, 3, 8, 8, 2, 6, 11, 4]  # three completions of each of four prompts
LAYOUTS = ("single", "shared", "auto")
both_models = pytest.mark.parametrize("model_type", ["qwen2_vl", "qwen3_vl"])
REAL_PREPROCESSOR = {  # the keys of Qwen3-VL-8B-Instruct's preprocessor_config.json
    "size": {"longest_edge": 16777216, "shortest_edge": 65536},
    "patch_size": 16,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "processor_class": "Qwen3VLProcessor",
    "image_processor_type": "Qwen2VLImageProcessorFast",
}


def rows(policy):
    prompts = [policy.encode(p) for p in PROBLEMS]
    return [prompts[i // 3] for i in range(12)], *completions(policy, LENGTHS)


def slopes(policy):
    policy.zero_grad()
    result = policy.log_probs(*rows(policy), entropy=True, entropy_gradient=True)
    weights = torch.rand(2, *result.values.shape, generator=torch.Generator().manual_seed(1))
    (result.values * weights[0] + result.entropy * weights[1]).sum().backward()
    return result, {name: parameter.grad.clone() for name, parameter in policy.model.named_parameters()}


@both_models
@pytest.mark.parametrize("freeze", [(), ("vision", "projector")])
def test_every_layout_gives_the_log_probs_entropies_and_gradients_of_padded_sequences(folders, model_type, freeze):
    def policy(layout):
        return Policy(PolicyConfig(name=str(folders(model_type)), layout=layout))

    padded, expected = slopes(policy("padded"))
    for layout in LAYOUTS:
        other = policy(layout)
        other.freeze(freeze)
        other.log_probs(*rows(other))  # fills the feature cache of a frozen tower
        found = other.log_probs(*rows(other), entropy=True)
        torch.testing.assert_close(found.values, padded.values, atol=1e-5, rtol=0)
        torch.testing.assert_close(found.entropy, padded.entropy, atol=1e-5, rtol=0)
        if freeze:
            continue
        for name, slope in slopes(other)[1].items():
            assert (slope - expected[name]).norm() <= 1e-5 * expected[name].norm().clamp(min=1e-6), (layout, name)


def test_the_projector_of_deepstack_is_trained_by_a_step_and_frozen_by_name(folders):
    policy = Policy(PolicyConfig(name=str(folders("qwen3_vl"))))
    mergers = policy.model.model.visual.deepstack_merger_list
    before = [value.detach().clone() for value in mergers.parameters()]
    optimizer = torch.optim.SGD(policy.parameters(), lr=1e-2)
    (-policy.log_probs(*rows(policy)).values.sum()).backward()
    optimizer.step()
    assert not any(torch.equal(value, old) for value, old in zip(mergers.parameters(), before, strict=True))
    policy.freeze(("projector",))
    assert not any(value.requires_grad for value in mergers.parameters())
    assert any(value.requires_grad for value in policy.model.model.visual.blocks.parameters())


def test_deepstack_features_are_those_of_their_own_image(folders):
    policy = Policy(PolicyConfig(name=str(folders("qwen3_vl")), freeze=("vision", "projector")))
    prompts = [policy.encode(p) for p in (PROBLEMS[0], PROBLEMS[2])]
    features, _ = policy.features.of(prompts)
    assert [[tuple(value.shape) for value in mine] for mine in features] == [[(6, 192)], [(4, 192), (12, 192)]]
    for prompt, mine in zip(prompts, features, strict=True):
        for image, value in zip(prompt.images, mine, strict=True):
            plain = policy.model.get_image_features(**image.fields, return_dict=True)
            expected = [plain.pooler_output[0], *(level[0] for level in plain.deepstack_features)]
            torch.testing.assert_close(value, torch.cat(expected, 1))


@both_models
def test_a_static_cache_and_eager_attention_give_the_same_completions(folders, model_type):
    sampling, seeds = SamplingConfig(max_tokens=16), [[10 * place + k for k in range(3)] for place in range(4)]
    samples = []
    for settings in ({}, {"decode": "static"}, {"attention": "eager"}):
        policy = Policy(PolicyConfig(name=str(folders(model_type)), **settings))
        samples.append(policy.sample([policy.encode(p) for p in PROBLEMS], sampling, seeds))
    assert torch.equal(samples[0].ids, samples[1].ids)
    assert torch.equal(samples[0].ids, samples[2].ids)


def test_attention_on_a_qwen3_vl_image_lies_as_the_image_lies(folders):
    policy = Policy(PolicyConfig(name=str(folders("qwen3_vl"))))
    prompt = policy.encode(PROBLEMS[2])
    sets = token_sets(policy.encoder, PROBLEMS[2], prompt)
    response = completions(policy, [7])[0][0]
    found = policy.attention(prompt, response, sets)
    padded = Policy(PolicyConfig(name=str(folders("qwen3_vl")), layout="padded"))
    torch.testing.assert_close(found.sums, padded.attention(prompt, response, sets).sums, atol=1e-5, rtol=0)
    first, second = image_maps(policy.encoder, prompt, sets, found.maps[1])
    assert (first.shape, second.shape) == ((2, 2), (3, 4))  # 56 x 56 and 112 x 84 pixels, tokens of 32
    torch.testing.assert_close(second.sum(), found.sums[1, :, -1].mean())


def test_a_real_qwen3_vl_folder_is_read_without_torchvision_and_its_pixel_limits_hold(folders, tmp_path):
    folder = shutil.copytree(folders("qwen3_vl"), tmp_path / "real")
    (folder / "preprocessor_config.json").write_text(json.dumps(REAL_PREPROCESSOR))
    stock = PromptEncoder(PolicyConfig(name=str(folder)))
    assert dict(stock.processor.image_processor.size) == REAL_PREPROCESSOR["size"]
    limited = PromptEncoder(PolicyConfig(name=str(folder), min_pixels=1024, max_pixels=16 * 1024))
    p = problem("How many?", (640, 480))
    assert stock.count_tokens(p) - limited.count_tokens(p) == 20 * 15 - 4 * 3
    assert len(limited.encode(p)) == limited.count_tokens(p)


@pytest.mark.parametrize("size", [(101, 63), (613, 240), (3, 900)])
def test_an_image_is_scaled_as_qwen3_vl_s_processor_scales_it(folders, size):
    encoder = PromptEncoder(PolicyConfig(name=str(folders("qwen3_vl"))))
    image = noise_image(*size).load()
    scaled, side = encoder.family.scale_image(encoder.processor, image)
    assert (side, scaled.width % 32, scaled.height % 32) == (32, 0, 0)
    ours, theirs = (
        encoder.processor.image_processor(images=[each], return_tensors="pt")["pixel_values"]
        for each in (scaled, encoder.family.prepare_image(image))
    )
    assert (ours - theirs).abs().max() < 1e-5

"""Weights come whole and from the right model, and only the parts that should learn do."""

import pytest
import torch

from cogito_pl.playground.tiny import build_config, build_model
from cogito_pl.policy import Policy, PolicyConfig


@pytest.fixture
def policy(tiny_folder):
    return Policy(PolicyConfig(name=str(tiny_folder)))


def checkpoint(policy, path):
    torch.save({"state_dict": {"policy." + name: value for name, value in policy.state_dict().items()}}, path)
    return str(path)


def test_weights_start_from_a_lightning_checkpoint(policy, tiny_folder, tmp_path):
    with torch.no_grad():
        policy.model.lm_head.weight.add_(1.0)
    start = checkpoint(policy, tmp_path / "a.ckpt")
    again = Policy(PolicyConfig(name=str(tiny_folder), init_from=start))
    for (name, ours), theirs in zip(policy.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, theirs), name


def test_the_checkpoint_of_another_model_is_refused_by_what_differs(policy, tiny_folder, tmp_path):
    policy.model.model.visual.blocks = policy.model.model.visual.blocks[:1]
    start = checkpoint(policy, tmp_path / "other.ckpt")
    with pytest.raises(ValueError, match=r"policy\.init_from.*weights are missing"):
        Policy(PolicyConfig(name=str(tiny_folder), init_from=start))


def test_a_missing_start_is_an_error_that_names_the_setting(tiny_folder):
    with pytest.raises(FileNotFoundError, match=r"policy\.init_from=nowhere"):
        Policy(PolicyConfig(name=str(tiny_folder), init_from="nowhere"))


@pytest.mark.parametrize(
    ("parts", "frozen", "learning"),
    [
        (("vision",), "model.visual.blocks.0", "model.visual.merger"),
        (("vision", "projector"), "model.visual.merger", "model.language_model.layers.0"),
        (("language",), "model.language_model.layers.0", "model.visual.blocks.0"),
        (("embeddings",), "model.language_model.embed_tokens", "model.language_model.layers.0"),
    ],
)
def test_parts_are_frozen_by_name(tiny_folder, parts, frozen, learning):
    model = Policy(PolicyConfig(name=str(tiny_folder), freeze=parts)).model
    assert not any(parameter.requires_grad for parameter in model.get_submodule(frozen).parameters())
    assert all(parameter.requires_grad for parameter in model.get_submodule(learning).parameters())


def test_freezing_everything_is_refused(tiny_folder):
    with pytest.raises(ValueError, match="nothing to train"):
        Policy(PolicyConfig(name=str(tiny_folder), freeze=("vision", "projector", "language", "head")))


def test_the_tiny_model_has_the_parts_and_proportions_of_the_real_architecture():
    text, vision = build_config(400).text_config, build_config(400).vision_config
    assert (text.vocab_size, text.hidden_size, text.intermediate_size, text.num_hidden_layers) == (400, 128, 256, 4)
    assert text.num_attention_heads == 2 * text.num_key_value_heads  # heads share keys and values
    head = text.hidden_size // text.num_attention_heads
    assert 2 * sum(text.rope_parameters["mrope_section"]) == head
    assert (vision.depth, vision.hidden_size, vision.out_hidden_size) == (2, 96, text.hidden_size)
    assert vision.hidden_size // vision.num_heads == 24
    assert vision.spatial_merge_size * vision.patch_size == 28  # the side of a token in pixels
    assert vision.fullatt_block_indexes == [1]  # the block before sees a window alone
    assert sum(parameter.numel() for parameter in build_model().parameters()) == 1_140_768

"""The weights that a hand-off wrote start another run, with the frozen ones of the run that wrote them."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from cogito_pl.playground.tiny import save_tiny
from cogito_pl.policy import Policy, PolicyConfig
from cogito_pl.policy.config import LoRAConfig
from cogito_pl.policy.trained_weights import trained_from


def changed(policy):
    """The policy with other values in all that it trains."""
    with torch.no_grad():
        for parameter in policy.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter))
    return policy


def written(policy, path):
    trained = {name: p.detach() for name, p in policy.named_parameters() if p.requires_grad}
    save_file(trained, path, metadata=trained_from(policy, trained))
    return str(path)


def assert_same(one, other):
    ours, theirs = dict(one.named_parameters()), dict(other.named_parameters())
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


def test_weights_that_were_all_trained_start_a_run_that_freezes_others(tiny_folder, tmp_path):
    policy = changed(Policy(PolicyConfig(name=str(tiny_folder))))
    file = written(policy, tmp_path / "w.safetensors")
    assert_same(Policy(PolicyConfig(name=str(tiny_folder), init_from=file, freeze=("vision",))), policy)


def test_what_was_frozen_comes_from_the_start_of_the_run_that_wrote_the_file(tiny_folder, tmp_path):
    first = changed(Policy(PolicyConfig(name=str(tiny_folder))))
    start = written(first, tmp_path / "first.safetensors")
    config = PolicyConfig(name=str(tiny_folder), init_from=start, freeze=("vision", "projector"))
    second = changed(Policy(config))
    file = written(second, tmp_path / "second.safetensors")
    again = Policy(PolicyConfig(name=str(tiny_folder), init_from=file))
    assert_same(again, second)
    vision = next(again.model.model.visual.parameters())
    assert torch.equal(vision, next(first.model.model.visual.parameters()))
    (tmp_path / "first.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"second\.safetensors holds only .*first\.safetensors, which is gone"):
        Policy(PolicyConfig(name=str(tiny_folder), init_from=file))


def test_the_frozen_parts_of_another_model_are_refused_and_a_whole_model_is_not(tiny_folder, tmp_path):
    save_tiny(tmp_path / "other", seed=1)
    partly = Policy(PolicyConfig(name=str(tiny_folder), freeze=("vision",)))
    file = written(partly, tmp_path / "part.safetensors")
    with pytest.raises(ValueError, match=rf"what was trained of policy\.name={tiny_folder}, .*; set policy\.name"):
        Policy(PolicyConfig(name=str(tmp_path / "other"), init_from=file))
    whole = Policy(PolicyConfig(name=str(tiny_folder)))
    file = written(whole, tmp_path / "whole.safetensors")
    assert_same(Policy(PolicyConfig(name=str(tmp_path / "other"), init_from=file)), whole)


def test_adapters_start_a_run_with_adapters_and_are_its_reference(tiny_folder, tmp_path):
    config = PolicyConfig(name=str(tiny_folder), lora=LoRAConfig(rank=2))
    policy = changed(Policy(config))
    file = written(policy, tmp_path / "w.safetensors")
    again = Policy(replace(config, init_from=file))
    ours, theirs = dict(policy.named_parameters()), dict(again.named_parameters())
    assert all(torch.equal(theirs[name], value) for name, value in ours.items())
    kept = {name.replace(".start.", ".default."): p for name, p in theirs.items() if ".start." in name}
    assert kept
    assert all(torch.equal(ours[name], value) for name, value in kept.items())
    with pytest.raises(ValueError, match=r"holds LoRA adapters; set policy\.lora"):
        Policy(PolicyConfig(name=str(tiny_folder), init_from=file))


def test_plain_weights_start_a_run_with_adapters(tiny_folder, tmp_path):
    policy = changed(Policy(PolicyConfig(name=str(tiny_folder))))
    file = written(policy, tmp_path / "w.safetensors")
    again = Policy(PolicyConfig(name=str(tiny_folder), init_from=file, lora=LoRAConfig(rank=2)))
    plain = {name.replace(".base_layer.", "."): p for name, p in again.named_parameters()}
    assert all(torch.equal(plain[name], p) for name, p in policy.named_parameters())


def test_other_files_and_other_models_are_refused(tiny_folder, tmp_path):
    save_file({"model.x": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"model\.safetensors is no weights file of a hand-off"):
        Policy(PolicyConfig(name=str(tiny_folder), init_from=str(tmp_path / "model.safetensors")))
    (tmp_path / "garbage.safetensors").write_bytes(b"garbage")
    with pytest.raises(ValueError, match=r"garbage\.safetensors is no weights file of a hand-off"):
        Policy(PolicyConfig(name=str(tiny_folder), init_from=str(tmp_path / "garbage.safetensors")))
    policy = Policy(PolicyConfig(name=str(tiny_folder)))
    save_file(
        {"model.lm_head.weight": torch.zeros(2, 3)}, tmp_path / "b.safetensors", metadata=trained_from(policy, [])
    )
    with pytest.raises(ValueError, match=r"another model than policy\.name: its weight lm_head\.weight \[2, 3\]"):
        Policy(PolicyConfig(name=str(tiny_folder), init_from=str(tmp_path / "b.safetensors")))

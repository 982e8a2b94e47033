"""LoRA: only the adapters learn, the reference is where they started, an export is the plain model they amount to."""

import pytest
import torch
from transformers import AutoModelForImageTextToText

from cogito_pl.policy import Policy, PolicyConfig
from cogito_pl.policy.config import LoRAConfig
from cogito_pl.policy.export import export
from cogito_pl.policy.reference import Reference
from tests.policy.test_log_probs import PROBLEMS, completions


def adapted(tiny, **settings):
    return Policy(PolicyConfig(name=str(tiny), lora=LoRAConfig(rank=4, alpha=8), **settings))


def values(policy):
    prompts = [policy.encode(p) for p in PROBLEMS]
    ids, mask = completions(policy, [5, 9, 3, 7])
    return policy.log_probs(prompts, ids, mask).values.detach()


def move(policy):
    """A step that is large enough to see."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in policy.parameters():
            if parameter.requires_grad:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))


def reference_values(reference, policy):
    prompts = [policy.encode(p) for p in PROBLEMS]
    ids, mask = completions(policy, [5, 9, 3, 7])
    return reference.log_probs(prompts, ids, mask, 1.0)


def test_only_adapters_learn_and_training_starts_at_the_plain_model(tiny_folder):
    policy = adapted(tiny_folder)
    learning = {name for name, parameter in policy.named_parameters() if parameter.requires_grad}
    assert learning
    assert all("lora_" in name for name in learning)
    assert {".visual.", ".language_model."} <= {
        part for name in learning for part in (".visual.", ".language_model.") if part in name
    }
    torch.testing.assert_close(values(policy), values(Policy(PolicyConfig(name=str(tiny_folder)))))


def test_frozen_parts_get_no_adapters(tiny_folder):
    policy = adapted(tiny_folder, freeze=("vision", "projector"))
    assert not any("lora_" in name and ".visual." in name for name, _ in policy.named_parameters())
    with pytest.raises(ValueError, match=r"leaves no layer for policy\.lora"):
        adapted(tiny_folder, freeze=("vision", "language"))


def test_two_policies_start_with_the_same_adapters_whatever_the_global_generator(tiny_folder):
    torch.manual_seed(1)
    one = adapted(tiny_folder)
    torch.manual_seed(2)
    two = adapted(tiny_folder)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_the_reference_is_the_policy_with_its_adapters_off(tiny_folder):
    policy = adapted(tiny_folder)
    reference, start = Reference(policy), values(policy)
    move(policy)
    assert (values(policy) - start).abs().max() > 1e-3
    torch.testing.assert_close(reference_values(reference, policy), start)
    assert (values(policy) - start).abs().max() > 1e-3  # and they are on again
    assert any(parameter.requires_grad for parameter in policy.parameters())


def test_an_adapter_that_was_trained_before_is_the_reference_of_the_next_run(tiny_folder, tmp_path):
    first = adapted(tiny_folder)
    move(first)
    start = tmp_path / "a.ckpt"
    torch.save({"state_dict": {"policy." + name: value for name, value in first.state_dict().items()}}, start)
    second = adapted(tiny_folder, init_from=str(start))
    torch.testing.assert_close(values(second), values(first))
    reference = Reference(second)
    learning = [name for name, parameter in second.named_parameters() if parameter.requires_grad]
    move(second)
    torch.testing.assert_close(reference_values(reference, second), values(first))
    assert [name for name, parameter in second.named_parameters() if parameter.requires_grad] == learning


def test_adapters_start_on_a_checkpoint_without_them_and_never_the_other_way_round(tiny_folder, tmp_path):
    plain = Policy(PolicyConfig(name=str(tiny_folder)))
    move(plain)
    torch.save({"state_dict": {"policy." + k: v for k, v in plain.state_dict().items()}}, tmp_path / "plain.ckpt")
    torch.testing.assert_close(values(adapted(tiny_folder, init_from=str(tmp_path / "plain.ckpt"))), values(plain))
    with_adapters = adapted(tiny_folder)
    torch.save(
        {"state_dict": {"policy." + k: v for k, v in with_adapters.state_dict().items()}}, tmp_path / "lora.ckpt"
    )
    with pytest.raises(ValueError, match=r"set policy\.lora"):
        Policy(PolicyConfig(name=str(tiny_folder), init_from=str(tmp_path / "lora.ckpt")))


def test_an_export_is_a_plain_model_with_the_adapters_added_in(tiny_folder, tmp_path):
    policy = adapted(tiny_folder)
    move(policy)
    before = values(policy)
    export(policy, tmp_path / "model")
    torch.testing.assert_close(values(policy), before)
    again = Policy(PolicyConfig(name=str(tmp_path / "model")))
    torch.testing.assert_close(values(again), before, atol=1e-4, rtol=0)
    names = set(AutoModelForImageTextToText.from_pretrained(tmp_path / "model").state_dict())
    assert not any("lora" in name or "base_layer" in name for name in names)


def test_a_full_copy_is_the_reference_without_adapters(tiny_folder):
    policy = Policy(PolicyConfig(name=str(tiny_folder), offload_reference=True))
    reference, start = Reference(policy), values(policy)
    move(policy)
    torch.testing.assert_close(reference_values(reference, policy), start)
    reference.offload()
    torch.testing.assert_close(reference_values(reference, policy), start)

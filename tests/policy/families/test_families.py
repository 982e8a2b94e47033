"""Models of five architectures, by the families that serve them, pass for one another wherever a policy is used."""

import dataclasses

import pytest
import torch

from cogito_pl.policy import Family, Generic, Policy, PolicyConfig, Qwen2_5VL, Qwen3VL, SamplingConfig
from cogito_pl.policy.config import LoRAConfig
from cogito_pl.policy.export import export
from cogito_pl.policy.families import find_family
from tests.conftest import noise_image, problem
from tests.policy.test_log_probs import PROBLEMS, completions

ROWS, PADDED = ("qwen2_vl", "qwen3_vl"), ("llava", "gemma3", "idefics3")
LENGTHS = [5, 17, 9, 1]


@pytest.fixture(scope="module")
def policies(folders):
    made = {}

    def policy(model_type, **settings):
        key = (model_type, *settings.items())
        if key not in made:
            made[key] = Policy(PolicyConfig(name=str(folders(model_type)), **settings))
        return made[key]

    return policy


every_model = pytest.mark.parametrize("model_type", ROWS + PADDED)


@every_model
def test_log_probs_are_the_same_alone_and_among_other_lengths_sizes_and_numbers_of_images(policies, model_type):
    policy = policies(model_type)
    prompts = [policy.encode(p) for p in PROBLEMS]
    ids, mask = completions(policy, LENGTHS)
    together = policy.log_probs(prompts, ids, mask, entropy=True, temperature=0.7)
    for row, (prompt, length) in enumerate(zip(prompts, LENGTHS, strict=True)):
        mine = slice(row, row + 1), slice(length)
        alone = policy.log_probs([prompt], ids[mine], mask[mine], entropy=True, temperature=0.7)
        torch.testing.assert_close(together.values[mine], alone.values, atol=1e-5, rtol=0)
        torch.testing.assert_close(together.entropy[mine], alone.entropy, atol=1e-5, rtol=0)


@every_model
def test_greedy_sampling_gives_the_tokens_of_transformers_generate(policies, model_type):
    policy = policies(model_type).eval()
    prompts = [policy.encode(p) for p in PROBLEMS]
    samples = policy.sample(prompts, SamplingConfig(max_tokens=20, temperature=0), [[0]] * len(prompts))
    for row, prompt in enumerate(prompts):
        expected = policy.model.generate(
            input_ids=prompt.ids[None],
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            **{name: value[None] for name, value in prompt.token_fields.items()},
            **prompt.image_fields,
            max_new_tokens=20,
            do_sample=False,
            suppress_tokens=policy.encoder.suppressed_ids,
        )[0, len(prompt) :]
        assert torch.equal(samples.ids[row][samples.mask[row]], expected)


@every_model
def test_another_image_and_another_order_of_images_change_the_log_probs(policies, model_type):
    policy = policies(model_type)
    two = PROBLEMS[2]
    other = dataclasses.replace(two, images=(two.images[0], noise_image(112, 84, seed=9)))
    swapped = dataclasses.replace(two, images=two.images[::-1])
    ids, mask = completions(policy, [6])
    first, *others = (policy.log_probs([policy.encode(p)], ids, mask).values for p in (two, other, swapped))
    assert all((first - values).abs().max() > 1e-4 for values in others)


@every_model
def test_a_step_changes_every_part_and_raises_the_likelihood(folders, model_type):
    policy = Policy(PolicyConfig(name=str(folders(model_type))))
    before = {name: value.detach().clone() for name, value in policy.model.named_parameters()}
    prompts = [policy.encode(p) for p in PROBLEMS]
    ids, mask = completions(policy, LENGTHS)
    optimizer = torch.optim.SGD(policy.parameters(), lr=1e-3)
    loss = -policy.log_probs(prompts, ids, mask).values.sum()
    loss.backward()
    optimizer.step()
    changed = {name for name, value in policy.model.named_parameters() if not torch.equal(value, before[name])}
    for part in ("vision", "projector", "language", "embeddings"):
        inside = {id(value) for module in policy.family.part(policy.model, part) for value in module.parameters()}
        assert any(name in changed for name, value in policy.model.named_parameters() if id(value) in inside), part
    assert -policy.log_probs(prompts, ids, mask).values.sum() < loss


@every_model
def test_a_frozen_part_has_no_trained_parameter_and_the_others_have(folders, model_type):
    policy = Policy(PolicyConfig(name=str(folders(model_type)), freeze=("vision",)))

    def trained(part):
        modules = policy.family.part(policy.model, part)
        return {name for module in modules for name, value in module.named_parameters() if value.requires_grad}

    assert all("merger" in name for name in trained("vision"))  # of Qwen's, whose projector is inside the tower
    assert trained("projector")
    assert trained("language")
    policy.freeze(("vision", "projector"))
    assert not trained("vision") | trained("projector")


@every_model
@pytest.mark.parametrize("sizes", [(), ((84, 56),), ((56, 56), (112, 28)), ((9, 120),)])
def test_prompts_are_counted_without_decoding_their_images(policies, model_type, sizes):
    encoder = policies(model_type).encoder
    p = problem("How many?", *sizes)
    assert encoder.count_tokens(p) == len(encoder.encode(p))


@every_model
def test_an_export_is_read_again_as_the_same_model(policies, model_type, tmp_path):
    policy = policies(model_type)
    export(policy, tmp_path / "model")
    again = Policy(PolicyConfig(name=str(tmp_path / "model")))
    ids, mask = completions(policy, [6])
    values = [p.log_probs([p.encode(PROBLEMS[2])], ids, mask).values for p in (policy, again)]
    assert torch.equal(*values)


@every_model
def test_adapters_start_at_the_plain_model_and_are_beside_both_towers(policies, folders, model_type):
    adapted = Policy(PolicyConfig(name=str(folders(model_type)), lora=LoRAConfig(rank=2)))
    ids, mask = completions(adapted, [6])
    values = [p.log_probs([p.encode(PROBLEMS[0])], ids, mask).values for p in (policies(model_type), adapted)]
    torch.testing.assert_close(*values)
    for part in ("vision", "language"):
        names = [name for module in adapted.family.part(adapted.model, part) for name, _ in module.named_parameters()]
        assert any("lora_" in name for name in names)


def test_the_family_is_that_of_the_model_type_unless_another_is_named(policies):
    chosen = {model_type: type(policies(model_type).family) for model_type in ROWS + PADDED}
    assert list(chosen.values()) == [Qwen2_5VL, Qwen3VL, Generic, Generic, Generic]
    assert type(find_family("auto", "qwen2_5_vl")) is Qwen2_5VL
    assert type(find_family("generic", "qwen2_5_vl")) is Generic
    assert type(find_family("qwen3_vl", "qwen2_5_vl")) is Qwen3VL
    mine = Qwen3VL()
    assert find_family(mine, "llava") is mine


@pytest.mark.parametrize("name", ["qwen3vl", "my_package.MyFamily"])
def test_a_misspelt_family_is_refused_with_the_names_there_are(name):
    with pytest.raises(ValueError, match=rf"policy\.family={name} .*auto, qwen2_5_vl, qwen3_vl, generic"):
        PolicyConfig(name="anything", family=name)


def test_a_family_that_lacks_a_method_cannot_be_built():
    class Half(Family):
        def load_processor(self, folder):
            return None

    with pytest.raises(TypeError, match="encode_images"):
        Half()


@pytest.mark.parametrize("model_type", PADDED)
@pytest.mark.parametrize("layout", ["shared", "single"])
def test_the_generic_family_is_padded_and_refuses_other_layouts(policies, folders, model_type, layout):
    assert policies(model_type).layout == "padded"
    with pytest.raises(ValueError, match=rf"policy\.layout={layout}: {model_type}.* Generic.* use auto"):
        Policy(PolicyConfig(name=str(folders(model_type)), layout=layout))


@pytest.mark.parametrize("limits", [{"min_pixels": 100}, {"max_pixels": 10_000}])
def test_the_generic_family_has_no_pixel_limits(folders, limits):
    with pytest.raises(ValueError, match=r"policy\.max_pixels=.* do not apply to the family Generic"):
        Policy(PolicyConfig(name=str(folders("llava")), **limits))


@every_model
def test_a_rank_without_rows_and_images_gets_a_zero_from_every_part(policies, folders, model_type, monkeypatch):
    policy = Policy(PolicyConfig(name=str(folders(model_type))))
    policies(model_type).zero_grad()
    policies(model_type).log_probs([policy.encode(PROBLEMS[0])], *completions(policy, [3])).values.sum().backward()
    policy.ranks.in_step = True
    monkeypatch.setattr(policy.ranks, "most", lambda count: 1)
    zero = policy.zero()
    zero.backward()
    assert float(zero.detach()) == 0
    reached, expected = (
        {name for name, value in p.model.named_parameters() if value.grad is not None}
        for p in (policy, policies(model_type))
    )
    assert reached == expected
    policies(model_type).zero_grad()

"""New tokens start as their pieces, travel with the model, and are refused where another run has others."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from transformers import Qwen2_5_VLForConditionalGeneration

from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.data.source import Source
from cogito_pl.difficulty import PassRate
from cogito_pl.difficulty.identity import trial_settings
from cogito_pl.difficulty.origin import origin
from cogito_pl.playground.tiny import build_config, save_tiny
from cogito_pl.playground.tokenizer import build_tokenizer
from cogito_pl.policy import Policy, PolicyConfig, PromptEncoder
from cogito_pl.policy.config import LoRAConfig, SamplingConfig
from cogito_pl.policy.export import export
from cogito_pl.policy.reference import Reference
from cogito_pl.policy.trained_weights import trained_from
from cogito_pl.rewards import Reward, RewardConfig
from tests.conftest import problem
from tests.modules.training import sft, trainer

TOKENS = ("<plan>", "</plan>")


def save(folder, *, spare, tied):
    """The tiny model with spare rows behind its tokens, and perhaps a head with weights of its own."""
    save_tiny(folder)
    config = build_config(len(build_tokenizer()) + spare)
    config.tie_word_embeddings = config.text_config.tie_word_embeddings = tied
    with torch.random.fork_rng():
        torch.manual_seed(0)
        Qwen2_5_VLForConditionalGeneration(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module", params=[(0, True), (0, False)], ids=str)
def base(request, tmp_path_factory):
    spare, tied = request.param
    return save(tmp_path_factory.mktemp("base"), spare=spare, tied=tied), spare, tied


@pytest.fixture(scope="module")
def spare(tmp_path_factory):
    return save(tmp_path_factory.mktemp("spare"), spare=16, tied=False)


def tables(policy):
    return policy.model.get_input_embeddings().weight, policy.model.get_output_embeddings().weight


def test_new_tokens_take_the_next_ids_and_start_as_the_mean_of_their_pieces(base):
    folder, spare, tied = base
    plain, policy = Policy(PolicyConfig(name=folder)), Policy(PolicyConfig(name=folder, new_tokens=TOKENS))
    count = len(plain.encoder.tokenizer)
    encoder = policy.encoder
    assert encoder.encode_completion("<plan>1</plan>").tolist()[:1] == [count]
    assert encoder.encode_completion("<plan>1</plan>").tolist()[-2:-1] == [count + 1]
    assert encoder.decode(encoder.encode_completion("<plan>1 2</plan>").tolist()) == "<plan>1 2</plan>"
    for before, after in zip(tables(plain), tables(policy), strict=True):
        assert len(after) == max(count + spare, count + 2)
        for place, token in enumerate(TOKENS):
            pieces = plain.encoder.tokenizer(token, add_special_tokens=False).input_ids
            assert len(pieces) > 1
            torch.testing.assert_close(after[count + place], before[pieces].mean(0))
        assert torch.equal(after[:count], before[:count])
    assert (tables(policy)[0] is tables(policy)[1]) == tied
    assert policy.model.config.get_text_config().vocab_size == len(tables(policy)[0])


def test_tokens_that_are_there_already_stay_as_they_are(tiny_folder):
    plain = Policy(PolicyConfig(name=str(tiny_folder)))
    policy = Policy(PolicyConfig(name=str(tiny_folder), new_tokens=("<think>", "</think>")))
    assert policy.encoder.new_tokens == {}
    assert torch.equal(tables(policy)[0], tables(plain)[0])


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        (("<|im_end|>",), r"policy\.new_tokens: '<\|im_end\|>' is a special token"),
        (("<plan>", "<plan>"), r"policy\.new_tokens=\['<plan>', '<plan>'\] names a token twice"),
        ((" ",), r"policy\.new_tokens=\[' '\] names a token twice, or an empty one"),
    ],
)
def test_tokens_that_make_no_sense_are_refused(tiny_folder, tokens, reason):
    with pytest.raises(ValueError, match=reason):
        PromptEncoder(PolicyConfig(name=str(tiny_folder), new_tokens=tokens))


def test_an_export_has_the_tokens_and_their_trained_rows(base, tmp_path):
    folder, *_ = base
    policy = Policy(PolicyConfig(name=folder, new_tokens=TOKENS))
    with torch.no_grad():
        for table in {id(table): table for table in tables(policy)}.values():
            table.add_(torch.randn_like(table))
    export(policy, tmp_path / "export")
    exported = str(tmp_path / "export")
    same = (
        PolicyConfig(name=exported),
        PolicyConfig(name=exported, new_tokens=TOKENS),
        PolicyConfig(name=folder, init_from=exported, new_tokens=TOKENS),
    )
    for config in same:
        again = Policy(config)
        assert again.encoder.encode_completion("<plan>").tolist() == policy.encoder.encode_completion("<plan>").tolist()
        for ours, theirs in zip(tables(again), tables(policy), strict=True):
            assert torch.equal(ours, theirs)


def test_a_start_with_tokens_that_the_run_lacks_is_refused(spare, tmp_path):
    export(Policy(PolicyConfig(name=spare, new_tokens=TOKENS)), tmp_path / "export")
    start = str(tmp_path / "export")
    for other in ((), ("<plan>",), TOKENS[::-1]):
        with pytest.raises(ValueError, match=r"trained with the tokens .*</plan>.*set policy\.new_tokens as that run"):
            Policy(PolicyConfig(name=spare, init_from=start, new_tokens=other))


def test_a_start_without_the_tokens_gets_them(spare, tmp_path):
    export(Policy(PolicyConfig(name=spare)), tmp_path / "export")
    plain = Policy(PolicyConfig(name=spare))
    policy = Policy(PolicyConfig(name=spare, init_from=str(tmp_path / "export"), new_tokens=TOKENS))
    assert len(tables(policy)[0]) == len(tables(plain)[0])  # the spare rows are enough
    (first, pieces), _ = policy.encoder.new_tokens.items()
    torch.testing.assert_close(tables(policy)[1][first], tables(plain)[1][pieces].mean(0))
    for file in (tmp_path / "export").glob("*token*"):
        file.unlink()
    again = Policy(PolicyConfig(name=spare, init_from=str(tmp_path / "export"), new_tokens=TOKENS))
    assert torch.equal(tables(again)[1], tables(policy)[1])


def test_the_file_of_a_hand_off_brings_the_rows_and_is_refused_with_other_tokens(spare, tmp_path):
    config = PolicyConfig(name=spare, new_tokens=TOKENS, freeze=("vision",))
    policy = Policy(config)
    with torch.no_grad():
        tables(policy)[0].add_(1.0)
    trained = {name: value.detach() for name, value in policy.named_parameters() if value.requires_grad}
    file = tmp_path / "w.safetensors"
    save_file(trained, file, metadata=trained_from(policy, trained))
    assert torch.equal(tables(Policy(replace(config, init_from=str(file))))[0], tables(policy)[0])
    with pytest.raises(ValueError, match=r"of a run with policy\.new_tokens=\['<plan>', '</plan>'\].* has \[\]"):
        Policy(replace(config, init_from=str(file), new_tokens=()))


def test_adapters_and_the_reference_have_the_rows_too(spare, tmp_path):
    policy = Policy(PolicyConfig(name=spare, new_tokens=TOKENS, lora=LoRAConfig(rank=2)))
    plain = Policy(PolicyConfig(name=spare, new_tokens=TOKENS))
    assert torch.equal(tables(policy)[0], tables(plain)[0])
    export(policy, tmp_path / "export")
    assert torch.equal(tables(Policy(PolicyConfig(name=str(tmp_path / "export"))))[0], tables(plain)[0])
    ids = plain.encoder.encode_completion("<plan>1</plan>")[None]
    prompts, mask = [plain.encode(problem("1 + 1 ?"))], torch.ones_like(ids, dtype=torch.bool)
    reference = Reference(plain).log_probs(prompts, ids, mask, 1.0)
    assert torch.equal(reference, plain.log_probs(prompts, ids, mask).values)


@pytest.mark.slow
def test_a_run_with_new_tokens_is_resumed_and_only_by_one_with_the_same(spare, playground_folder, tmp_path):
    def fit(tokens, checkpoint=None, epochs=2):
        run = trainer(tmp_path, max_epochs=epochs)
        source = Source(path=str(playground_folder), subset="sft", split="sft", limit=16)
        module = sft(spare, policy=PolicyConfig(name=spare, new_tokens=tokens))
        run.fit(module, ReasoningDataModule(train=[source], rollouts_per_epoch=1), ckpt_path=checkpoint)
        return run, module

    whole = fit(TOKENS)[1]
    half, _ = fit(TOKENS, epochs=1)
    half.save_checkpoint(tmp_path / "half.ckpt")
    resumed = fit(TOKENS, str(tmp_path / "half.ckpt"))[1]
    for name, value in whole.policy.model.state_dict().items():
        assert torch.equal(resumed.policy.model.state_dict()[name], value), name
    with pytest.raises(ValueError, match=r"--ckpt_path is of a run with policy\.new_tokens=\['<plan>', '</plan>'\]"):
        fit((), str(tmp_path / "half.ckpt"))
    start = str(tmp_path / "half.ckpt")
    started = Policy(PolicyConfig(name=spare, new_tokens=TOKENS, init_from=start))
    assert len(tables(started)[0]) == len(tables(whole.policy)[0])
    with pytest.raises(ValueError, match=r"policy\.init_from=.*half\.ckpt is of a run with policy\.new_tokens="):
        Policy(PolicyConfig(name=spare, init_from=start))


def test_scores_say_which_new_tokens_their_prompts_had(tiny_folder):
    plain, new = (PromptEncoder(PolicyConfig(name=str(tiny_folder), new_tokens=tokens)) for tokens in ((), TOKENS))
    origins = [origin(encoder, "weights", Reward(RewardConfig()), "mine")["prompt"] for encoder in (plain, new)]
    assert origins[1] == origins[0] | {"new_tokens": list(TOKENS)}
    asked = [trial_settings(encoder, "weights", PassRate(), SamplingConfig(), {}, 0) for encoder in (plain, new)]
    assert asked[1] == asked[0] | {"new_tokens": list(TOKENS)}

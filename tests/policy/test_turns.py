"""Several turns: the chat template decides the tokens, and what is trained on is what the assistant says."""

from dataclasses import replace

import pytest
import torch

from cogito_pl.policy import Policy, PolicyConfig, PromptEncoder, token_sets
from cogito_pl.policy.prompt import Prompt
from cogito_pl.policy.prompt_encoder import asked
from cogito_pl.problem import Exchange
from tests.conftest import problem

PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
CHAT = problem(
    "How many are left ?",
    solution="<think>2 - 1 is 1</think><answer> 1</answer>",
    history=(Exchange("What is 1 plus 1 ?", "It is 2."), Exchange("Take one away.", "Done ! Zürich\n")),
)


@pytest.fixture(scope="module")
def policy(tiny_folder):
    return Policy(PolicyConfig(name=str(tiny_folder), instruction="Think first."))


def test_the_prompt_holds_what_was_said_before(policy):
    expected = (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nWhat is 1 plus 1 ?\nThink first.<|im_end|>\n<|im_start|>assistant\nIt is 2.<|im_end|>\n"
        "<|im_start|>user\nTake one away.\nThink first.<|im_end|>\n<|im_start|>assistant\nDone ! Zürich\n<|im_end|>\n"
        "<|im_start|>user\nHow many are left ?\nThink first.<|im_end|>\n<|im_start|>assistant\n"
    )
    chat = replace(CHAT, system="Be brief.")
    assert policy.encoder.text(chat) == expected
    assert policy.encoder.tokenizer.decode(policy.encode(chat).ids) == expected
    assert policy.encoder.count_tokens(chat) == len(policy.encode(chat))


def test_the_system_message_of_the_data_stands_in_the_place_of_the_setting(tiny_folder):
    encoder = PromptEncoder(PolicyConfig(name=str(tiny_folder), system_prompt="Think."))
    for system, shown in ((None, "Think."), ("Be brief.", "Be brief.")):
        text = encoder.text(replace(CHAT, system=system))
        assert text.startswith(f"<|im_start|>system\n{shown}<|im_end|>\n<|im_start|>user\n")
        assert text.count("<|im_start|>system") == 1
    assert "system" not in encoder.text(replace(CHAT, system=""))


def test_the_tokens_of_all_turns_decode_to_every_response_with_its_end(policy):
    ids, spoken = policy.encoder.encode_response(CHAT, "all")
    decode = policy.encoder.tokenizer.decode
    responses = [*(turn.response for turn in CHAT.history), CHAT.solution]
    assert decode(ids[spoken]) == "".join(f"{response}<|im_end|>" for response in responses)
    whole = policy.encoder.text(CHAT) + CHAT.solution + "<|im_end|>"
    assert decode(torch.cat([policy.encode(CHAT.opening).ids, ids])) == whole
    last, only = policy.encoder.encode_response(CHAT, "last")
    assert decode(last) == f"{CHAT.solution}<|im_end|>"
    assert only.all()
    single, all_of_it = policy.encoder.encode_response(CHAT.opening, "all")
    assert decode(single[all_of_it]) == "It is 2.<|im_end|>"


def test_the_log_probs_of_a_turn_are_those_of_its_response_after_what_precedes_it(policy):
    ids, spoken = policy.encoder.encode_response(CHAT, "all")
    prompt = policy.encode(asked(CHAT, "all"))
    together = policy.log_probs([prompt], ids[None], torch.ones(1, len(ids), dtype=torch.bool)).values[0]
    edges = torch.diff(spoken.int(), prepend=torch.zeros(1, dtype=torch.int), append=torch.zeros(1, dtype=torch.int))
    starts, ends = (edges == 1).nonzero()[:, 0].tolist(), (edges == -1).nonzero()[:, 0].tolist()
    assert len(starts) == 3
    for start, end in zip(starts, ends, strict=True):
        before = torch.cat([prompt.ids, ids[:start]])
        alone = Prompt(before, {"mm_token_type_ids": torch.zeros_like(before)}, ())
        mask = torch.ones(1, end - start, dtype=torch.bool)
        values = policy.log_probs([alone], ids[None, start:end], mask).values[0]
        torch.testing.assert_close(together[start:end], values, atol=1e-5, rtol=0)
    assert torch.equal(torch.cat([prompt.ids, ids[: starts[-1]]]), policy.encode(CHAT).ids)


def test_an_image_of_the_first_question_stands_before_all_turns(policy):
    drawn = problem("And now ?", solution="5", seed=1)
    picture = problem("<image>How many ?", (84, 56), seed=2)
    chat = replace(drawn, history=(Exchange(picture.question, "4"),), images=picture.images)
    assert policy.encoder.text(chat).count(PICTURE) == 1
    assert policy.encoder.rejection(chat, turns="all") is None
    assert torch.equal(policy.encode(asked(chat, "all")).ids, policy.encode(replace(picture, solution="4")).ids)
    ids, spoken = policy.encoder.encode_response(chat, "all")
    assert policy.encoder.tokenizer.decode(ids[spoken]) == "4<|im_end|>5<|im_end|>"
    values = policy.log_probs([policy.encode(asked(chat, "all"))], ids[None], torch.ones(1, len(ids)).bool()).values
    last = policy.encoder.encode_completion("5")
    alone = policy.log_probs([policy.encode(chat)], last[None], torch.ones(1, len(last)).bool()).values[0]
    torch.testing.assert_close(values[0, -len(last) :], alone, atol=1e-5, rtol=0)


def test_conversations_that_are_not_one_sequence_are_rejected_for_all_turns_and_taken_for_the_last(tiny_folder):
    encoder = PromptEncoder(PolicyConfig(name=str(tiny_folder)))
    later = problem("<image>And this ?", (84, 56), history=(Exchange("Hello", "Hi"),), solution="5")
    assert "image after the first question" in encoder.rejection(later, turns="all")
    assert encoder.rejection(later, turns="last") is None
    assert "holds the token '<|image_pad|>'" in encoder.rejection(
        replace(CHAT, question="What is <|image_pad|> ?"), turns="all"
    )
    block = "{{ block.text }}"
    template = encoder.processor.chat_template
    assert template.count(block) == 1
    encoder.processor.chat_template = template.replace(block, "{{ block.text.split('</think>')[-1] }}")
    thoughtful = replace(CHAT, history=(Exchange("1 + 1 ?", "<think>1 1</think>2"),))
    assert "rewrites earlier responses" in encoder.rejection(thoughtful, turns="all")
    assert encoder.rejection(thoughtful, turns="last") is None
    assert "assistant\n2<|im_end|>" in encoder.text(thoughtful)


def test_the_longest_sequence_that_is_allowed_is_taken_and_a_longer_one_is_not(policy):
    for turns in ("last", "all"):
        tokens = len(policy.encode(asked(CHAT, turns))) + len(policy.encoder.encode_response(CHAT, turns)[0])
        assert policy.encoder.rejection(CHAT, turns=turns, max_sequence_tokens=tokens) is None
        reason = policy.encoder.rejection(CHAT, turns=turns, max_sequence_tokens=tokens - 1)
        assert reason == f"prompt and response have {tokens} tokens, more than max_sequence_tokens={tokens - 1}"


def test_the_question_is_told_from_what_was_asked_before(policy):
    chat = replace(CHAT, question="What is 1 plus 1 ?", system="1 plus 1")
    prompt = policy.encode(chat)
    sets = token_sets(policy.encoder, chat, prompt)
    question = prompt.ids[sets.of == sets.names.index("question_before")]
    assert policy.encoder.tokenizer.decode(question).strip() == "What is 1 plus 1 ?"
    place = (sets.of == sets.names.index("question_before")).nonzero()[0]
    assert place > len(policy.encode(chat.opening))

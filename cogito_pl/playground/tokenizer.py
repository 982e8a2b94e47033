"""A tokenizer for the playground: every word of its texts is one token, anything else falls back to bytes.

The words are collected from the texts themselves, so that a new family brings its own.
"""

import re
from collections.abc import Iterator
from functools import cache

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from cogito_pl.playground.families import FAMILIES, GUESS, draft_problem
from cogito_pl.playground.lessons import SHARES, draft_lesson
from cogito_pl.playground.scene import DIFFICULTIES

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
"""Names as in Qwen; their ids are their places here."""

TAGS = ("<think>", "</think>", "<answer>", "</answer>")
"""One token each, but not special: they survive decoding with `skip_special_tokens`."""

WORD = r" ?[a-d][1-4](?![A-Za-z0-9])| ?[+\-][0-9]| ?[A-Z]\.| ?[A-Za-z]+| ?[0-9]|\n| ?[^\sA-Za-z0-9]+|\s+"
"""What can be one token: the name of a cell, a signed digit, the letter of an option, a word, a digit, a line break."""

CHAT_TEMPLATE = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% else %}{% for block in message.content -%}
{% if block.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ block.text }}{% endif %}
{%- endfor %}{% endif %}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}"""
"""Qwen's layout without its default system prompt; content is a string or a list of `image` and `text` blocks."""

SEEDS_READ = 200
"""Problems per family and difficulty whose words are collected."""


def build_tokenizer() -> PreTrainedTokenizerFast:
    """The same tokenizer every time, about 400 tokens, padding on the left."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = [*SPECIAL_TOKENS, *letters, *(word for word in _words() if word not in letters)]
    # With `ignore_merges` a piece that is in the vocabulary is one token; without merges all others become bytes.
    core = Tokenizer(models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=[], ignore_merges=True))
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORD), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    core.add_tokens([AddedToken(tag, normalized=False) for tag in TAGS])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        additional_special_tokens=list(SPECIAL_TOKENS[1:]),
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


@cache
def _words() -> tuple[str, ...]:
    """Every piece of the playground's texts in the byte-level spelling, sorted."""
    pieces = {piece for text in _texts() for piece in re.findall(WORD, text)}
    return tuple(sorted(piece.replace(" ", "Ġ").replace("\n", "Ċ") for piece in pieces))


def _texts() -> Iterator[str]:
    yield from ("system\n", "user\n", "assistant\n")
    for seed in range(SEEDS_READ):
        for difficulty in DIFFICULTIES:
            drafts = [draft_problem(family, difficulty, seed) for family in FAMILIES]
            drafts += [draft_lesson(task, difficulty, seed) for task in SHARES if task not in FAMILIES]
            for draft in drafts:
                yield from (draft.question, draft.answer, draft.worked_out, GUESS)

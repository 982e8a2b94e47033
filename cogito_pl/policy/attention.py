"""Attention weights of a response, summed over sets of tokens, from one forward over prompt and response.

The model runs with its usual fused attention. In addition, for the rows of the response only, each layer's softmax is
computed again in float32, a chunk of rows at a time, and summed over token sets at once: the matrix of all tokens
against all tokens never exists.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from cogito_pl.policy.families import Family
from cogito_pl.policy.padding import append_completions, pad_prompts
from cogito_pl.policy.prompt import Prompt
from cogito_pl.policy.token_sets import TokenSets

CAPTURE = "cogito_capture"
"""Name of the attention implementation that the language model has while attention is captured."""
CHUNK_ELEMENTS = 2**24
"""Attention weights that exist at a time: 64 MiB in float32."""


@dataclass(frozen=True)
class Attention:
    """Attention of `T` response tokens; the row of a token is that of its predictor, the position before it.

    Args:
        sums: Attention on each token set, mean over heads, float32 `[layers, T, S]`; a row sums to one.
        maps: Attention on each token of the prompt, mean over heads and chosen response tokens, `[layers, P]`.
        heads: Attention of each head on each token set, mean over chosen response tokens, `[layers, heads, S]`.
    """

    sums: Tensor
    maps: Tensor
    heads: Tensor


def attention_sums(
    query: Tensor,  # [h, T, d] rows, positions already rotated in
    key: Tensor,  # [k, L, d], k a divisor of h: not repeated
    allowed: Tensor,  # [T, L] true where a row may attend
    members: Tensor,  # [L, S] 1 on the tokens of a set
    focus: Tensor,  # [T] weights of rows in the map and in the sums by head
    *,
    scaling: float,
    chunk_elements: int = CHUNK_ELEMENTS,
) -> tuple[Tensor, Tensor, Tensor]:
    """Sums of A_h = softmax(scaling q_h K_h^T), in float32, with f the focus and the sum over j that over a set.

    Returns:
        mean_h sum_j A_h[t, j], `[T, S]`; the map sum_t f[t] mean_h A_h[t, j], `[L]`; and sum_t f[t] sum_j A_h[t, j],
        `[h, S]`.
    """
    heads, rows, width = query.shape
    groups, length = key.shape[:2]
    keys = key.float().transpose(1, 2)  # [k, d, L]
    sums = torch.empty(rows, members.shape[1], device=query.device)
    column_sums = torch.zeros(length, device=query.device)
    by_head = torch.zeros(heads, length, device=query.device)
    chunk = max(1, chunk_elements // (heads * length))
    for start in range(0, rows, chunk):
        part = slice(start, start + chunk)
        asked = query[:, part].float().mul(scaling).reshape(groups, -1, width)  # [k, h/k x t, d]
        logits = (asked @ keys).view(heads, -1, length)  # [h, t, L]
        logits.masked_fill_(~allowed[part], -torch.inf)
        weights = logits.sub_(logits.amax(-1, keepdim=True)).exp_()
        weights.mul_(1 / (heads * weights.sum(-1, keepdim=True)))
        mean = weights.sum(0)  # [t, L]
        sums[part] = mean @ members
        column_sums += focus[part] @ mean
        by_head += torch.bmm(focus[part].expand(heads, 1, -1), weights)[:, 0]  # [h, 1, t] @ [h, t, L]
    return sums, column_sums, heads * (by_head @ members)


class AttentionCapture:
    """An attention function of transformers that records sums over the last `rows` of a single sequence.

    Args:
        members: 1 on the tokens of a set, `[L, S]`.
        focus: Weight of each row in the map and in the sums by head, `[rows]`.
    """

    def __init__(self, members: Tensor, focus: Tensor) -> None:
        self.members, self.focus = members, focus
        self.layers: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

    def __call__(
        self, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any
    ) -> tuple[Tensor, None]:
        """The stock fused attention; also records the sums of `[1, h, L, d]` queries and `[1, k, L, d]` keys."""
        rows, length = len(self.focus), key.shape[2]
        if attention_mask is None:
            places = torch.arange(length, device=key.device)
            allowed = places <= places[-rows:, None]
        else:
            allowed = attention_mask[0, 0, -rows:]
        self.layers[module.layer_idx] = attention_sums(
            query[0, :, -rows:], key[0], allowed, self.members, self.focus, scaling=kwargs["scaling"]
        )
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)

    def result(self, prompt_tokens: int) -> Attention:
        """What was recorded, in the order of layers, in main memory."""
        recorded = zip(*(self.layers[index] for index in sorted(self.layers)), strict=True)
        sums, maps, heads = (torch.stack(values).cpu() for values in recorded)
        return Attention(sums, maps[:, :prompt_tokens].contiguous(), heads)


@torch.no_grad()
def capture_attention(
    family: Family,
    model: nn.Module,
    prompt: Prompt,
    response: Tensor,  # [T] ids, end token included
    sets: TokenSets,
    focus: Tensor | None = None,  # [T]
    *,
    images: Mapping[str, Any],
    pad_id: int,
) -> Attention:
    """Captures the attention of a response in one forward over prompt and response, in evaluation mode.

    Args:
        family: The model's family.
        model: A transformers image-text-to-text model.
        prompt: The prompt.
        response: Its response.
        sets: The prompt's token sets; the response is one more.
        focus: Weight of each response token in `maps` and `heads`; equal ones, summing to one, when None.
        images: What the forward is given for the prompt's images: pixels, or features made before.
        pad_id: Any id; nothing is padded.

    Raises:
        ValueError: The response is empty, or `focus` is of another length.
    """
    if not len(response):
        raise ValueError("an empty response has no attention to capture; pass at least one token")
    focus = torch.full((len(response),), 1 / len(response)) if focus is None else focus
    if len(focus) != len(response):
        raise ValueError(f"focus has {len(focus)} weights for {len(response)} response tokens")
    device = next(model.parameters()).device
    seen = response[None, :-1].to(device)  # the last token predicts nothing
    batch = append_completions(pad_prompts([prompt], pad_id, device), seen, torch.ones_like(seen))
    text = {name: value for name, value in batch.items() if value.shape == batch["input_ids"].shape}
    capture = AttentionCapture(sets.members(seen.shape[1]).to(device), focus.float().to(device))
    with capturing(model, capture):
        model.model(**text, **images, position_ids=family.positions(model, batch), use_cache=False)
    return capture.result(len(prompt))


@contextmanager
def capturing(model: nn.Module, capture: AttentionCapture) -> Iterator[None]:
    """Puts the language model into evaluation mode with `capture` as its attention, until the end of the block.

    The vision tower keeps its own attention.
    """
    name = language_config(model)
    before, was_training = getattr(model.config, name)._attn_implementation, model.training
    ALL_ATTENTION_FUNCTIONS[CAPTURE], ALL_MASK_ATTENTION_FUNCTIONS[CAPTURE] = capture, sdpa_mask
    try:
        model.eval().set_attn_implementation({name: CAPTURE})
        yield
    finally:
        model.train(was_training).set_attn_implementation({name: before})
        del ALL_ATTENTION_FUNCTIONS[CAPTURE], ALL_MASK_ATTENTION_FUNCTIONS[CAPTURE]


def language_config(model: nn.Module) -> str:
    """The name under which a model's configuration holds that of its language model."""
    return next(n for n in model.config.sub_configs if getattr(model.config, n) is model.config.get_text_config())

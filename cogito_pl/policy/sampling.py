"""Rollouts: prompts are read once per group, the key-value cache is expanded, completions are drawn token by token.

A row draws from uniforms of its own seed, so that a completion depends on nothing else in the batch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from cogito_pl.policy.batching import next_positions, pad_prompts, positions
from cogito_pl.policy.config import SamplingConfig
from cogito_pl.policy.processing import Prompt

COMPACT_BELOW = 0.75
"""Finished completions leave the cache when fewer than this share of its rows are alive: each time costs a copy."""


@dataclass(frozen=True)
class Samples:
    """Completions, prompt-major: row `b` belongs to prompt `b // group_size`.

    Args:
        ids: Token ids, padded on the right, `[B, T]`.
        mask: True on completion tokens, the end token included, `[B, T]`.
        finished: True where the completion ended by itself, False where it was cut, `[B]`.
    """

    ids: Tensor
    mask: Tensor
    finished: Tensor


@torch.no_grad()
def sample(
    model: nn.Module,
    prompts: Sequence[Prompt],
    settings: Sequence[SamplingConfig],
    seeds: Sequence[Sequence[int]],
    *,
    images: Mapping[str, Any],
    suppressed_ids: Sequence[int],
    end_ids: Sequence[int],
    pad_id: int,
    most: Callable[[int], int] = int,
) -> Samples:
    """Draws `len(seeds[i])` completions of each prompt `i` with `settings[i]`.

    Args:
        model: A transformers image-text-to-text model.
        prompts: One per group.
        settings: One per prompt.
        seeds: One list per prompt, equally long, with a seed per completion; unused by greedy rows.
        images: What the forward over the prompts is given for their pictures: pixels, or features made before.
        suppressed_ids: Never sampled.
        end_ids: Any of them ends a completion and is its last token.
        pad_id: Fills the rest of a row.
        most: The largest of a number over all ranks that must make equally many forwards.
    """
    device = next(model.parameters()).device
    group = len(seeds[0])
    batch = pad_prompts(prompts, pad_id, device)
    place = positions(model, batch)
    text = {name: value for name, value in batch.items() if value.shape == batch["input_ids"].shape}
    cache = DynamicCache(config=model.config.get_text_config())
    logits = model(
        **text, **images, position_ids=place, past_key_values=cache, use_cache=True, logits_to_keep=1
    ).logits[:, -1]  # [P, V]
    cache.batch_repeat_interleave(group)
    state = _Decoding(
        rows=torch.arange(len(prompts) * group, device=device),
        logits=logits.repeat_interleave(group, 0),
        attention=batch["attention_mask"].repeat_interleave(group, 0),
        position=next_positions(place, batch["attention_mask"]).repeat_interleave(group),
    )
    configs = [config for config in settings for _ in range(group)]
    limits = torch.tensor([config.max_tokens for config in configs], device=device)
    chooser = TokenChooser(configs, [seed for mine in seeds for seed in mine], suppressed_ids, device)
    ends = torch.tensor(list(end_ids), device=device)
    ids = torch.full((len(configs), int(limits.max())), pad_id, device=device)
    mask = torch.zeros_like(ids, dtype=torch.bool)
    finished = torch.zeros(len(configs), dtype=torch.bool, device=device)
    over = torch.zeros_like(finished)
    for step in range(ids.shape[1]):
        rows = state.rows[~over[state.rows]]
        token = chooser.choose(state.logits, state.rows, step)
        ids[state.rows, step] = torch.where(over[state.rows], pad_id, token)
        mask[rows, step] = True
        finished[state.rows] |= ~over[state.rows] & torch.isin(token, ends)
        over = finished | (step + 1 >= limits)
        alive = ~over[state.rows]
        if not most(int(alive.any())):
            break
        if alive.sum() < COMPACT_BELOW * len(alive) and len(alive) > 1:
            keep = alive.nonzero()[:, 0] if alive.any() else alive.new_zeros(1, dtype=torch.long)
            cache.batch_select_indices(keep)
            state = state.select(keep)
        state = state.advance(model, cache, ids[state.rows, step], three_axes=place.dim() == 3)
    width = int(mask.sum(1).max())
    return Samples(ids[:, :width], mask[:, :width], finished)


@dataclass(frozen=True)
class _Decoding:
    """The completions still under way, `R` of them.

    Args:
        rows: Which completions these are, `[R]`.
        logits: Of their next token, `[R, V]`.
        attention: 1 on the cached tokens that count, `[R, L]`.
        position: Position of their next token, `[R]`.
    """

    rows: Tensor
    logits: Tensor
    attention: Tensor
    position: Tensor

    def select(self, keep: Tensor) -> "_Decoding":
        return _Decoding(self.rows[keep], self.logits[keep], self.attention[keep], self.position[keep])

    def advance(self, model: nn.Module, cache: DynamicCache, tokens: Tensor, *, three_axes: bool) -> "_Decoding":
        """Feeds the tokens `[R]` just drawn."""
        attention = torch.cat([self.attention, self.attention.new_ones(len(tokens), 1)], 1)
        now = self.position[:, None]  # [R, 1]
        logits = model(
            input_ids=tokens[:, None],
            attention_mask=attention,
            position_ids=now.expand(3, -1, -1) if three_axes else now,
            past_key_values=cache,
            use_cache=True,
        ).logits[:, -1]
        return _Decoding(self.rows, logits, attention, self.position + 1)


class TokenChooser:
    """Picks the next token of every row by inverting its cumulative distribution at a uniform of its own."""

    def __init__(
        self, rows: Sequence[SamplingConfig], seeds: Sequence[int], suppressed_ids: Sequence[int], device: torch.device
    ) -> None:
        self.greedy = torch.tensor([row.temperature == 0 for row in rows], device=device)
        self.temperature = torch.tensor([row.temperature or 1.0 for row in rows], device=device)[:, None]
        self.top_p = torch.tensor([row.top_p for row in rows], device=device, dtype=torch.float64)[:, None]
        self.top_k = torch.tensor([row.top_k for row in rows], device=device)[:, None]
        self.cuts = any(row.top_p < 1 or row.top_k for row in rows)
        self.suppressed = torch.tensor(list(suppressed_ids), dtype=torch.long, device=device)
        steps = max(row.max_tokens for row in rows)
        draws = [torch.rand(steps, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        self.uniforms = torch.stack(draws).double().to(device)  # [B, steps]

    def choose(self, logits: Tensor, rows: Tensor, step: int) -> Tensor:
        """Token ids `[R]` from logits `[R, V]` of the completions `rows`."""
        logits = logits.float().index_fill(1, self.suppressed, -torch.inf)
        likeliest, greedy = logits.argmax(1), self.greedy[rows]
        if greedy.all():
            return likeliest
        probabilities = (logits / self.temperature[rows]).softmax(1).double()
        if self.cuts:
            probabilities = self.cut(probabilities, rows)
        cumulative = probabilities.cumsum(1)
        # rand is a multiple of 2^-24 below 1, so the target stays below the total and never meets a zero probability
        target = self.uniforms[rows, step, None] * cumulative[:, -1:]
        drawn = torch.searchsorted(cumulative, target, right=True)[:, 0]
        return torch.where(greedy, likeliest, drawn)

    def cut(self, probabilities: Tensor, rows: Tensor) -> Tensor:
        """Zeroes what top-k and then top-p leave out, per row; the total is not renormalised."""
        ordered, order = probabilities.sort(stable=True, dim=1, descending=True)
        rank = torch.arange(ordered.shape[1], device=ordered.device)
        top_k = self.top_k[rows]
        ordered = ordered.masked_fill((top_k > 0) & (rank >= top_k), 0)
        before = ordered.cumsum(1) - ordered
        ordered = ordered.masked_fill(before >= self.top_p[rows] * ordered.sum(1, keepdim=True), 0)
        return torch.zeros_like(probabilities).scatter(1, order, ordered)

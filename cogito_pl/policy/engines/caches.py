"""One token at a time: the key-value cache of the completions under way, and the forward that extends it.

Two caches with one interface. `DynamicDecoder` grows by a token a step and lets finished completions go.
`StaticDecoder` has fixed shapes in buckets of sizes, so that on CUDA its step is compiled and captured as a graph per
bucket; finished completions leave when a bucket of half the size holds the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from transformers import DynamicCache, StaticCache

COMPACT_BELOW = 0.75
"""Finished completions leave a dynamic cache when fewer than this share of its rows are alive: each time is a copy."""
SMALLEST_BUCKET = 8
LENGTH_STEP = 256
"""Static caches hold a multiple of this many tokens."""


@dataclass(frozen=True)
class Prefix:
    """Prompts that were read, `P` of them.

    Args:
        cache: Their keys and values.
        logits: Of the token that follows each, `[P, V]`.
        attention: 1 on the cached tokens that count, `[P, L]`.
        position: Of the token that follows each, `[P]`.
        axes: 3 where positions are M-RoPE's, else 1.
    """

    cache: DynamicCache
    logits: Tensor
    attention: Tensor
    position: Tensor
    axes: int

    def place(self, position: Tensor) -> Tensor:
        """Position ids of one token per row, `[3, R, 1]` or `[R, 1]`."""
        return position[:, None].expand(3, -1, -1) if self.axes == 3 else position[:, None]


class DynamicDecoder:
    """A cache that grows.

    Args:
        model: A transformers model.
        prefix: The prompts.
        group: Completions per prompt.
    """

    def __init__(self, model: nn.Module, prefix: Prefix, group: int) -> None:
        self.model, self.prefix, self.cache = model, prefix, prefix.cache
        self.cache.batch_repeat_interleave(group)
        self.logits = prefix.logits.repeat_interleave(group, 0)  # [R, V]
        self.rows = torch.arange(len(self.logits), device=self.logits.device)  # [R] which completions these are
        self._attention = prefix.attention.repeat_interleave(group, 0)
        self._position = prefix.position.repeat_interleave(group)

    def compact(self, alive: Tensor) -> None:
        """Drops the completions that are not `alive` (`[R]`) once that pays; one row always stays."""
        if alive.sum() >= COMPACT_BELOW * len(alive) or len(alive) == 1:
            return
        keep = alive.nonzero()[:, 0] if alive.any() else alive.new_zeros(1, dtype=torch.long)
        self.cache.batch_select_indices(keep)
        self.rows, self._attention, self._position = self.rows[keep], self._attention[keep], self._position[keep]

    def advance(self, tokens: Tensor) -> None:
        """Feeds the tokens just drawn, `[R]`, and has the logits of the next."""
        self._attention = torch.cat([self._attention, self._attention.new_ones(len(tokens), 1)], 1)
        self.logits = self.model(
            input_ids=tokens[:, None],
            attention_mask=self._attention,
            position_ids=self.prefix.place(self._position),
            past_key_values=self.cache,
            use_cache=True,
        ).logits[:, -1]
        self._position = self._position + 1


class StaticDecoder:
    """A cache of fixed shape; see `DynamicDecoder` for the interface.

    Args:
        model: A transformers model that computes attention with `sdpa`.
        prefix: The prompts.
        group: Completions per prompt.
        steps: Most tokens of a completion.
    """

    def __init__(self, model: nn.Module, prefix: Prefix, group: int, steps: int) -> None:
        self.model, self.prefix = model, prefix
        self.logits = prefix.logits.repeat_interleave(group, 0)
        self.rows = torch.arange(len(self.logits), device=self.logits.device)
        self._position = prefix.position.repeat_interleave(group)
        self._length = -(-(prefix.attention.shape[1] + steps) // LENGTH_STEP) * LENGTH_STEP
        places = torch.arange(len(prefix.logits), device=self.rows.device).repeat_interleave(group)
        seen = torch.zeros(len(self.rows), self._length, dtype=torch.bool, device=self.rows.device)
        seen[:, : prefix.attention.shape[1]] = prefix.attention[places].bool()
        layers = [(layer.keys, layer.values) for layer in prefix.cache.layers]
        self._used = prefix.attention.shape[1]
        self._fill(layers, places, seen)

    def _fill(self, layers: list[tuple[Tensor, Tensor]], places: Tensor, seen: Tensor) -> None:
        """A cache for the next power of two of rows, with the rows `places` of `layers` in it."""
        self._bucket = max(SMALLEST_BUCKET, 1 << (len(places) - 1).bit_length())
        spare = self._bucket - len(places)
        places = torch.cat([places, places[:1].expand(spare)])  # spare rows repeat one, and are never looked at
        self._seen = torch.cat([seen, seen[:1].expand(spare, -1)])
        self._cache = StaticCache(config=self.model.config, max_cache_len=self._length)
        for index, (keys, values) in enumerate(layers):
            used = slice(self._used)
            self._cache.update(keys[places, :, used].contiguous(), values[places, :, used].contiguous(), index)

    def compact(self, alive: Tensor) -> None:
        """Moves the `alive` completions (`[R]`) to a smaller bucket once one of half the size holds them."""
        if self._bucket == SMALLEST_BUCKET or alive.sum() > self._bucket // 2:
            return
        keep = alive.nonzero()[:, 0] if alive.any() else alive.new_zeros(1, dtype=torch.long)
        self._fill([(layer.keys, layer.values) for layer in self._cache.layers], keep, self._seen[keep])
        self.rows, self._position = self.rows[keep], self._position[keep]

    def advance(self, tokens: Tensor) -> None:
        """Feeds the tokens just drawn, `[R]`, and has the logits of the next."""
        spare = self._bucket - len(tokens)
        self._seen[:, self._used] = True
        tokens, position = (torch.cat([x, x[:1].expand(spare)]) for x in (tokens, self._position))
        step = captured_step() if tokens.device.type == "cuda" else static_step
        logits = step(self.model, tokens[:, None], self._seen[:, None, None], self.prefix.place(position), self._cache)
        self.logits = logits[: len(self.rows)].clone()  # a captured graph writes to the same memory again
        self._used += 1
        self._position = self._position + 1


def static_step(model: nn.Module, ids: Tensor, mask: Tensor, position: Tensor, past: StaticCache) -> Tensor:
    """Logits `[R, V]` after the tokens `[R, 1]`; every shape stays the same from step to step."""
    return model(
        input_ids=ids, attention_mask=mask, position_ids=position, past_key_values=past, use_cache=True
    ).logits[:, -1]


@cache
def captured_step() -> Callable[..., Tensor]:
    """`static_step`, compiled into CUDA graphs, one per bucket; weights change in place, so graphs outlive updates."""
    return torch.compile(static_step, mode="reduce-overhead", fullgraph=True)

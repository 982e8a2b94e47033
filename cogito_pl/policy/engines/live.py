"""Rollouts: prompts are read once per group, the key-value cache is expanded, completions are drawn token by token.

A row draws from uniforms of its own seed, so that a completion depends on nothing else in the batch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from cogito_pl.policy.config import SamplingConfig
from cogito_pl.policy.engines.caches import DynamicDecoder, Prefix, StaticDecoder
from cogito_pl.policy.families import Family
from cogito_pl.policy.padding import next_positions, pad_prompts
from cogito_pl.policy.prompt import Prompt
from cogito_pl.policy.token_sampler import TokenChooser


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
    family: Family,
    images: Mapping[str, Any],
    suppressed_ids: Sequence[int],
    end_ids: Sequence[int],
    pad_id: int,
    static: bool = False,
    most: Callable[[int], int] = int,
) -> Samples:
    """Draws `len(seeds[i])` completions of each prompt `i` with `settings[i]`.

    Args:
        model: A transformers image-text-to-text model.
        prompts: One per group.
        settings: One per prompt.
        seeds: One list per prompt, equally long, with a seed per completion; unused by greedy rows.
        family: The model's family.
        images: What the forward over the prompts is given for their images: pixels, or features made before.
        suppressed_ids: Never sampled.
        end_ids: Any of them ends a completion and is its last token.
        pad_id: Fills the rest of a row.
        static: Decode in a cache of fixed shape, compiled on CUDA.
        most: The largest of a number over all ranks that must make equally many forwards.
    """
    group, configs = len(seeds[0]), [config for config in settings for _ in seeds[0]]
    steps = max(config.max_tokens for config in configs)
    prefix = read_prompts(family, model, prompts, images, pad_id)
    decoder = StaticDecoder(model, prefix, group, steps) if static else DynamicDecoder(model, prefix, group)
    device = prefix.logits.device
    chooser = TokenChooser(configs, [seed for mine in seeds for seed in mine], suppressed_ids, device)
    limits = torch.tensor([config.max_tokens for config in configs], device=device)
    ends = torch.tensor(list(end_ids), device=device)
    ids = torch.full((len(configs), steps), pad_id, device=device)
    mask = torch.zeros_like(ids, dtype=torch.bool)
    finished = torch.zeros(len(configs), dtype=torch.bool, device=device)
    over = torch.zeros_like(finished)
    for step in range(steps):
        rows = decoder.rows
        token = torch.where(over[rows], pad_id, chooser.choose(decoder.logits, rows, step))
        ids[rows, step], mask[rows, step] = token, ~over[rows]
        finished[rows] |= ~over[rows] & torch.isin(token, ends)
        over = finished | (step + 1 >= limits)
        if not most(int((~over[rows]).any())):
            break
        decoder.compact(~over[rows])
        decoder.advance(ids[decoder.rows, step])
    width = int(mask.sum(1).max())
    return Samples(ids[:, :width], mask[:, :width], finished)


def read_prompts(
    family: Family, model: nn.Module, prompts: Sequence[Prompt], images: Mapping[str, Any], pad_id: int
) -> Prefix:
    """One forward over the prompts, side by side and padded on the left."""
    batch = pad_prompts(prompts, pad_id, next(model.parameters()).device)
    place = family.positions(model, batch)
    text = {name: value for name, value in batch.items() if value.shape == batch["input_ids"].shape}
    cache = DynamicCache(config=model.config.get_text_config())
    output = model(**text, **images, position_ids=place, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return Prefix(
        cache=cache,
        logits=output.logits[:, -1],
        attention=batch["attention_mask"],
        position=next_positions(place, batch["attention_mask"]),
        axes=3 if place.dim() == 3 else 1,
    )

"""The live engine: samples from the policy itself. Exact, and the default.

A prompt is prefilled once per group, its key-value cache expanded, and completions are sampled token by token. A row
samples from uniforms of its own seed, so that a completion depends on nothing else in the batch.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from cogito_pl.policy.config import SamplingConfig
from cogito_pl.policy.engines.caches import DynamicDecoder, Prefix, StaticDecoder
from cogito_pl.policy.engines.engine import Engine, Request, Samples
from cogito_pl.policy.families import Family
from cogito_pl.policy.padding import next_positions, pad_prompts
from cogito_pl.policy.prompt import Prompt
from cogito_pl.policy.token_sampler import TokenChooser


class LiveEngine(Engine):
    """Samples from the policy's own weights, so that it has nothing to take over.

    Args:
        policy: A `Policy`, which samples; with sharded weights its ranks keep in step.
        rollout_batch_size: Completions that are decoded side by side, in whole groups; changes memory and speed, not
            the completions.
    """

    def __init__(self, policy: nn.Module, rollout_batch_size: int = 256) -> None:
        self.policy, self.rollout_batch_size = policy, rollout_batch_size

    def generate(self, requests: Sequence[Request]) -> Samples:
        """The completions of all requests; consecutive ones that share a prompt and settings share its prefill.

        Raises:
            ValueError: No request, or a prompt holds image placeholders and no pixels.
        """
        if not requests:
            raise ValueError("generate() was called without requests; ask for one completion at least")
        batches = list(self._batches(requests))
        others = self.policy.ranks.most(len(batches)) - len(batches)  # asked before any rank samples
        parts = [self._sample(groups) for groups in batches]
        for _ in range(others):  # ranks that keep in step sample equally often
            self._sample([requests[:1]])
        return Samples(
            ids=stack_rows([part.ids for part in parts], self.policy.encoder.pad_id),
            mask=stack_rows([part.mask for part in parts], False),
            finished=torch.cat([part.finished for part in parts]),
            log_probs=stack_rows([part.log_probs for part in parts], 0.0),
        )

    def refresh(self, weights: Iterator[tuple[str, Tensor]]) -> None:
        """Nothing to do: the weights are the policy's own."""

    def close(self) -> None:
        """Nothing to free."""

    def _batches(self, requests: Sequence[Request]) -> Iterator[list[list[Request]]]:
        """Groups of requests that share a prompt, as many of one size as are decoded side by side."""
        groups = [list(group) for _, group in groupby(requests, key=lambda r: (id(r.prompt), r.sampling))]
        for size, run in groupby(groups, key=len):
            alike, count = [*run], max(1, self.rollout_batch_size // size)
            yield from (alike[start : start + count] for start in range(0, len(alike), count))

    def _sample(self, groups: Sequence[Sequence[Request]]) -> Samples:
        first = [group[0] for group in groups]
        seeds = [[request.seed for request in group] for group in groups]
        return self.policy.sample([r.prompt for r in first], [r.sampling for r in first], seeds)


def stack_rows(parts: Sequence[Tensor], fill: float) -> Tensor:
    """Stacks `[B_i, T_i]` to `[sum B_i, max T_i]`, filled on the right."""
    width = max(part.shape[1] for part in parts)
    return torch.cat([torch.nn.functional.pad(part, (0, width - part.shape[1]), value=fill) for part in parts])


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
    """Samples `len(seeds[i])` completions of each prompt `i` with `settings[i]`.

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
    log_probs = torch.zeros(ids.shape, device=device)
    finished = torch.zeros(len(configs), dtype=torch.bool, device=device)
    over = torch.zeros_like(finished)
    for step in range(steps):
        rows = decoder.rows
        alive = ~over[rows]
        token, log_prob = chooser.choose(decoder.logits, rows, step)
        token = torch.where(alive, token, pad_id)
        ids[rows, step], mask[rows, step], log_probs[rows, step] = token, alive, log_prob.masked_fill(~alive, 0.0)
        finished[rows] |= alive & torch.isin(token, ends)
        over = finished | (step + 1 >= limits)
        if not most(int((~over[rows]).any())):
            break
        decoder.compact(~over[rows])
        decoder.advance(ids[decoder.rows, step])
    width = int(mask.sum(1).max())
    return Samples(ids[:, :width], mask[:, :width], finished, log_probs[:, :width])


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

"""Rollouts: prompts are read once per group, the key-value cache is expanded, completions are drawn token by token.

A row draws from uniforms of its own seed, so that a completion depends on nothing else in the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from cogito_pl.policy.batching import next_positions, pad_prompts, positions
from cogito_pl.policy.config import SamplingConfig
from cogito_pl.policy.processing import Prompt


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
    suppressed_ids: Sequence[int],
    end_ids: Sequence[int],
    pad_id: int,
) -> Samples:
    """Draws `len(seeds[i])` completions of each prompt `i` with `settings[i]`.

    Args:
        model: A transformers image-text-to-text model.
        prompts: One per group.
        settings: One per prompt.
        seeds: One list per prompt, equally long, with a seed per completion; unused by greedy rows.
        suppressed_ids: Never sampled.
        end_ids: Any of them ends a completion and is its last token.
        pad_id: Fills the rest of a row.
    """
    device = next(model.parameters()).device
    group = len(seeds[0])
    batch = pad_prompts(prompts, pad_id, device)
    batch["position_ids"] = positions(model, batch)
    position = next_positions(batch["position_ids"], batch["attention_mask"]).repeat_interleave(group)
    axes = batch["position_ids"].dim()
    attention = batch["attention_mask"].repeat_interleave(group, 0)
    cache = DynamicCache(config=model.config.get_text_config())
    logits = model(**batch, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[:, -1]  # [P, V]
    cache.batch_repeat_interleave(group)
    logits = logits.repeat_interleave(group, 0)  # [B, V]

    rows = [config for config in settings for _ in range(group)]
    limits = torch.tensor([config.max_tokens for config in rows], device=device)
    chooser = TokenChooser(rows, [seed for group_seeds in seeds for seed in group_seeds], suppressed_ids, device)
    ends = torch.tensor(list(end_ids), device=device)
    ids = torch.full((len(rows), int(limits.max())), pad_id, device=device)
    mask = torch.zeros_like(ids, dtype=torch.bool)
    finished = torch.zeros(len(rows), dtype=torch.bool, device=device)
    for step in range(ids.shape[1]):
        alive = ~finished & (step < limits)
        if not alive.any():
            break
        token = chooser.choose(logits, step)
        ids[:, step] = torch.where(alive, token, pad_id)
        mask[:, step] = alive
        finished |= alive & torch.isin(token, ends)
        if step + 1 == ids.shape[1] or not (~finished & (step + 1 < limits)).any():
            break
        attention = torch.cat([attention, alive[:, None].long()], 1)
        now = (position + step)[:, None]  # [B, 1]
        logits = model(
            input_ids=ids[:, step : step + 1],
            attention_mask=attention,
            position_ids=now.expand(3, -1, -1) if axes == 3 else now,
            past_key_values=cache,
            use_cache=True,
        ).logits[:, -1]
    width = int(mask.sum(1).max())
    return Samples(ids[:, :width], mask[:, :width], finished)


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

    def choose(self, logits: Tensor, step: int) -> Tensor:
        """Token ids `[B]` from logits `[B, V]`."""
        logits = logits.float().index_fill(1, self.suppressed, -torch.inf)
        likeliest = logits.argmax(1)
        if self.greedy.all():
            return likeliest
        probabilities = (logits / self.temperature).softmax(1).double()
        if self.cuts:
            probabilities = self.cut(probabilities)
        cumulative = probabilities.cumsum(1)
        # rand is a multiple of 2^-24 below 1, so the target stays below the total and never meets a zero probability
        target = self.uniforms[:, step, None] * cumulative[:, -1:]
        drawn = torch.searchsorted(cumulative, target, right=True)[:, 0]
        return torch.where(self.greedy, likeliest, drawn)

    def cut(self, probabilities: Tensor) -> Tensor:
        """Zeroes what top-k and then top-p leave out, per row; the total is not renormalised."""
        ordered, order = probabilities.sort(stable=True, dim=1, descending=True)
        rank = torch.arange(ordered.shape[1], device=ordered.device)
        ordered = ordered.masked_fill((self.top_k > 0) & (rank >= self.top_k), 0)
        before = ordered.cumsum(1) - ordered
        ordered = ordered.masked_fill(before >= self.top_p * ordered.sum(1, keepdim=True), 0)
        return torch.zeros_like(probabilities).scatter(1, order, ordered)

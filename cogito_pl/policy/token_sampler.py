"""Picks tokens: temperature, top-k and top-p per completion, and a uniform of its own for every completion and step."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cogito_pl.policy.config import SamplingConfig


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

    def choose(self, logits: Tensor, rows: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Token ids `[R]` from logits `[R, V]` of the completions `rows`, and their log-probabilities `[R]`.

        The log-probabilities are those of the whole distribution at the temperature, as `Policy.log_probs` gives them:
        suppressed ids, top-k and top-p change what is sampled, not what is reported.
        """
        scaled = logits.float() / self.temperature[rows]
        allowed = scaled.index_fill(1, self.suppressed, -torch.inf)
        tokens, greedy = allowed.argmax(1), self.greedy[rows]
        if not greedy.all():
            probabilities = allowed.softmax(1).double()
            if self.cuts:
                probabilities = self.cut(probabilities, rows)
            cumulative = probabilities.cumsum(1)
            # rand is a multiple of 2^-24 below 1, so the target stays below the total and never meets a zero
            target = self.uniforms[rows, step, None] * cumulative[:, -1:]
            drawn = torch.searchsorted(cumulative, target, right=True)[:, 0]
            tokens = torch.where(greedy, tokens, drawn)
        return tokens, scaled.gather(1, tokens[:, None])[:, 0] - scaled.logsumexp(1)

    def cut(self, probabilities: Tensor, rows: Tensor) -> Tensor:
        """Zeroes what top-k and then top-p leave out, per row; the total is not renormalised."""
        ordered, order = probabilities.sort(stable=True, dim=1, descending=True)
        rank = torch.arange(ordered.shape[1], device=ordered.device)
        top_k = self.top_k[rows]
        ordered = ordered.masked_fill((top_k > 0) & (rank >= top_k), 0)
        before = ordered.cumsum(1) - ordered
        ordered = ordered.masked_fill(before >= self.top_p[rows] * ordered.sum(1, keepdim=True), 0)
        return torch.zeros_like(probabilities).scatter(1, order, ordered)

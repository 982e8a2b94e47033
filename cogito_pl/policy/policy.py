"""The policy: what SFT, GRPO, scoring and evaluation share.

Reads prompts, samples completions, tells their log-probabilities. Knows nothing of rewards, trainers or data files.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cogito_pl.data.problem import Problem
from cogito_pl.policy.batching import append_completions, pad_prompts, positions
from cogito_pl.policy.config import PolicyConfig, SamplingConfig
from cogito_pl.policy.freezing import freeze_parts
from cogito_pl.policy.loading import load_model
from cogito_pl.policy.processing import Prompt, PromptEncoder
from cogito_pl.policy.sampling import Samples, sample


class LogProbs(NamedTuple):
    """Of completion tokens: log-probability and, where asked for, entropy of the whole distribution, each `[B, T]`."""

    values: Tensor
    entropy: Tensor | None


class Policy(nn.Module):
    """A transformers image-text-to-text model with its prompt encoder.

    Args:
        config: Model, prompt and frozen parts.
        encoder: Shares one that exists already; built from `config` otherwise.
    """

    def __init__(self, config: PolicyConfig, encoder: PromptEncoder | None = None) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder or PromptEncoder(config)
        self.model = load_model(config).train()  # transformers loads in evaluation mode
        freeze_parts(self.model, config.freeze)

    def encode(self, problem: Problem) -> Prompt:
        """The prompt of a problem; see `PromptEncoder.encode`."""
        return self.encoder.encode(problem)

    def sample(
        self,
        prompts: Sequence[Prompt],
        sampling: SamplingConfig | Sequence[SamplingConfig],
        seeds: Sequence[Sequence[int]],
    ) -> Samples:
        """Draws `len(seeds[i])` completions of prompt `i`, all lists equally long; settings may differ per prompt.

        Returns:
            Completions `[B, T]`, prompt-major, in evaluation mode and without gradient.

        Raises:
            ValueError: A prompt holds image placeholders and no pixels.
        """
        self._check_pixels(prompts)
        settings = [sampling] * len(prompts) if isinstance(sampling, SamplingConfig) else sampling
        was_training = self.model.training
        self.model.eval()
        try:
            return sample(
                self.model,
                prompts,
                settings,
                seeds,
                suppressed_ids=self.encoder.suppressed_ids,
                end_ids=self.encoder.end_ids,
                pad_id=self.encoder.pad_id,
            )
        finally:
            self.model.train(was_training)

    def log_probs(
        self,
        prompts: Sequence[Prompt],
        completions: Tensor,  # [B, T] ids
        mask: Tensor,  # [B, T] true on completion tokens, which come first in a row
        *,
        temperature: float = 1.0,
        entropy: bool = False,
        entropy_gradient: bool = False,
    ) -> LogProbs:
        """Log-probabilities of completion tokens given their prompts (one prompt per row), 0 off the mask.

        Args:
            prompts: `B` prompts; the same object may stand in several rows.
            completions: Token ids, padded on the right.
            mask: True on completion tokens.
            temperature: The logits are divided by it, as in sampling.
            entropy: Also returns the entropy of each token's distribution, in nats.
            entropy_gradient: Lets gradients flow through the entropy, for a loss that has a term in it.

        Raises:
            ValueError: A prompt holds image placeholders and no pixels.
        """
        self._check_pixels(prompts)
        device = next(self.model.parameters()).device
        completions, mask = completions.to(device), mask.to(device)
        width = completions.shape[1]
        batch = append_completions(pad_prompts(prompts, self.encoder.pad_id, device), completions, mask)
        batch["position_ids"] = positions(self.model, batch)
        logits = self.model(**batch, use_cache=False, logits_to_keep=width + 1).logits[:, :-1]  # [B, T, V]
        log_probs = (logits.float() / temperature).log_softmax(-1)
        chosen = log_probs.gather(-1, completions.unsqueeze(-1)).squeeze(-1).masked_fill(~mask, 0.0)
        if not entropy:
            return LogProbs(chosen, None)
        with torch.set_grad_enabled(entropy_gradient and torch.is_grad_enabled()):
            return LogProbs(chosen, -(log_probs.exp() * log_probs).sum(-1).masked_fill(~mask, 0.0))

    def _check_pixels(self, prompts: Sequence[Prompt]) -> None:
        placeholders = torch.tensor(sorted(self.encoder.image_ids))
        for prompt in prompts:
            if not prompt.image_fields and torch.isin(prompt.ids.cpu(), placeholders).any():
                raise ValueError("a prompt holds image placeholders and no pixels: the model would be blind")

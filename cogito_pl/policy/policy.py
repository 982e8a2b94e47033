"""The policy: what SFT, GRPO, scoring and evaluation share.

Reads prompts, samples completions, tells their log-probabilities. Knows nothing of rewards, trainers or data files.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from cogito_pl.policy.attention import Attention, capture_attention
from cogito_pl.policy.config import PolicyConfig, SamplingConfig
from cogito_pl.policy.engines.engine import Samples
from cogito_pl.policy.engines.live import sample
from cogito_pl.policy.features import ImageFeatures
from cogito_pl.policy.loading import load_model
from cogito_pl.policy.logprobs import has_plain_head, head_log_probs
from cogito_pl.policy.padding import append_completions, pad_prompts, positions
from cogito_pl.policy.parallel import Ranks, gathered
from cogito_pl.policy.processing import PromptEncoder
from cogito_pl.policy.prompt import Prompt
from cogito_pl.policy.row_layout import Layout, RowBatch, attention_share, batch_rows, lay_out, plan_rows
from cogito_pl.policy.token_sets import TokenSets
from cogito_pl.problem import Problem


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
        self.ranks = Ranks()
        self.features = ImageFeatures(self.model, config.feature_cache_mib, self.ranks)
        self.layout = choose_layout(self.model, config)

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
            with gathered(self):
                return sample(
                    self.model,
                    prompts,
                    settings,
                    seeds,
                    images=self._images(prompts),
                    suppressed_ids=self.encoder.suppressed_ids,
                    end_ids=self.encoder.end_ids,
                    pad_id=self.encoder.pad_id,
                    static=self.config.decode == "static",
                    most=self.ranks.most,
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
        if self.layout == "padded":
            return self._padded_log_probs(prompts, completions, mask, temperature, entropy, entropy_gradient)
        distinct = list({id(prompt): prompt for prompt in prompts}.values())
        place = {id(prompt): index for index, prompt in enumerate(distinct)}
        rows = plan_rows(
            [place[id(prompt)] for prompt in prompts],
            [len(prompt) for prompt in distinct],
            mask.sum(1).tolist(),
            layout=self.layout,
            max_tokens=self.config.max_row_tokens,
            pair_cost=attention_share(self.model.config.get_text_config()),
        )
        features, dummy = self.features.of(distinct)
        ids = [prompt.ids.to(device) for prompt in distinct]
        placed = [self._prompt_positions(prompt) for prompt in distinct]
        values = torch.zeros(completions.shape, device=device)
        entropies = torch.zeros_like(values) if entropy else None
        batches = batch_rows(rows, max_tokens=self.config.max_row_tokens)
        fillers = [dummy] if dummy is not None else []
        fillers += [self._dummy_forward() for _ in range(self.ranks.most(len(batches)) - len(batches))]
        for batch in batches:
            laid = lay_out(batch, ids, placed, completions, self.encoder.pad_id)
            hidden = self._hidden(laid, [features[row.prompt] for row in batch]).flatten(0, 1)  # [R x T, d]
            head = self.model.get_output_embeddings()
            found, spread = head_log_probs(
                hidden[laid.predictors],
                head.weight,
                head.bias,
                completions[laid.sequences, laid.columns],
                temperature=temperature,
                entropy=entropy,
            )
            where = (laid.sequences, laid.columns)
            values = values.index_put(where, found)
            if entropies is not None:
                entropies = entropies.index_put(where, spread if entropy_gradient else spread.detach())
        return LogProbs(sum(fillers, values), entropies)

    def attention(self, prompt: Prompt, response: Tensor, sets: TokenSets, focus: Tensor | None = None) -> Attention:
        """Where the tokens of a response look; see `capture_attention`.

        Raises:
            ValueError: The prompt holds image placeholders and no pixels, or the response is empty.
        """
        self._check_pixels([prompt])
        images, pad_id = self._images([prompt]), self.encoder.pad_id
        return capture_attention(self.model, prompt, response, sets, focus, images=images, pad_id=pad_id)

    def _dummy_forward(self) -> Tensor:
        """A forward that other ranks make with rows, and this one without: zero, connected to the graph."""
        one = torch.full((1, 1), self.encoder.pad_id, device=next(self.model.parameters()).device)
        laid = RowBatch(one, torch.zeros(3, 1, 1, dtype=torch.long, device=one.device), None, *[one.new_zeros(0)] * 3)
        head = self.model.get_output_embeddings()
        return head_log_probs(self._hidden(laid, [])[0], head.weight, head.bias, one[0])[0].sum() * 0.0

    def zero(self) -> Tensor:
        """A zero with a gradient, of zero, for every parameter that learns. Ranks in step forward no rows for it."""
        if self.ranks.in_step:
            empty = torch.zeros(0, 1, dtype=torch.long, device=next(self.model.parameters()).device)
            return self.log_probs([], empty, empty.bool()).values.sum()
        return sum(parameter.flatten()[:1].sum() for parameter in self.parameters() if parameter.requires_grad) * 0.0

    @torch.no_grad()
    def _images(self, prompts: Sequence[Prompt]) -> dict[str, Any]:
        """What a forward over whole prompts is given for their images."""
        if self.layout == "padded":
            batch = pad_prompts(prompts, self.encoder.pad_id, next(self.model.parameters()).device)
            return {name: batch[name] for name in batch if any(name in prompt.image_fields for prompt in prompts)}
        return {"mm_encoder_outputs": encoder_outputs(self.features.of(prompts)[0])}

    def _hidden(self, laid: RowBatch, features: Sequence[Tensor | None]) -> Tensor:
        """Last hidden states `[R, T, d]` of rows whose prompts have these image features."""
        return self.model.model(
            input_ids=laid.ids,
            attention_mask=laid.mask,
            position_ids=laid.positions,
            mm_encoder_outputs=encoder_outputs(features),
            use_cache=False,
        ).last_hidden_state

    def _prompt_positions(self, prompt: Prompt) -> Tensor:
        batch = pad_prompts([prompt], self.encoder.pad_id, next(self.model.parameters()).device)
        return positions(self.model, batch)[..., 0, :]

    def _padded_log_probs(
        self,
        prompts: Sequence[Prompt],
        completions: Tensor,
        mask: Tensor,
        temperature: float,
        entropy: bool,
        entropy_gradient: bool,
    ) -> LogProbs:
        """One row per sequence and whole logits: what any model understands, and the yardstick of other layouts."""
        width = completions.shape[1]
        batch = append_completions(pad_prompts(prompts, self.encoder.pad_id, completions.device), completions, mask)
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


def encoder_outputs(features: Sequence[Tensor | None]) -> dict[str, BaseModelOutputWithPooling] | None:
    """Image features, in the order of their placeholders, as a forward takes them in the place of pixels."""
    present = tuple(value for value in features if value is not None)
    return {"image": BaseModelOutputWithPooling(pooler_output=present)} if present else None


ROW_MODELS = ("qwen2_vl", "qwen2_5_vl")
"""Families whose forward takes explicit positions, a four-dimensional mask and encoded images, and was checked."""


def choose_layout(model: nn.Module, config: PolicyConfig) -> Layout:
    """The layout that `config` asks for, as far as the model can take it.

    Raises:
        ValueError: The model cannot take the layout that was asked for by name.
    """
    able = model.config.model_type in ROW_MODELS and has_plain_head(model)
    if config.layout == "auto":
        masks = config.attention != "flash_attention_2"  # which takes no mask of its own
        return ("auto" if masks else "single") if able else "padded"
    if config.layout != "padded" and not able:
        raise ValueError(f"policy.layout={config.layout} is not known to work for {model.config.model_type}; use auto")
    return config.layout

"""The policy that SFT, GRPO, scoring and evaluation share: encodes prompts, samples, computes log-probabilities."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cogito_pl.policy.attention import Attention, capture_attention, language_config
from cogito_pl.policy.config import PolicyConfig, SamplingConfig
from cogito_pl.policy.engines.engine import Samples
from cogito_pl.policy.engines.live import sample
from cogito_pl.policy.families import Family
from cogito_pl.policy.features import ImageFeatures
from cogito_pl.policy.freezing import freeze_parts
from cogito_pl.policy.loading import load_model
from cogito_pl.policy.logprobs import has_plain_head, head_log_probs
from cogito_pl.policy.packed_attention import PACKED
from cogito_pl.policy.padding import append_completions, pad_prompts
from cogito_pl.policy.parallel import Ranks, gathered
from cogito_pl.policy.prompt import Prompt, join_images
from cogito_pl.policy.prompt_encoder import PromptEncoder
from cogito_pl.policy.row_layout import Layout, RowBatch, attention_share, batch_rows, lay_out, pack_rows, plan_rows
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
        self.model = load_model(config, self.encoder).train()  # transformers loads in evaluation mode
        self.ranks = Ranks()
        self.features = ImageFeatures(self.model, self.encoder, config.feature_cache_mib, self.ranks)
        self.layout = choose_layout(self.family, self.model, config)
        if self.layout == "packed":
            self.model.set_attn_implementation({language_config(self.model): PACKED})

    @property
    def family(self) -> Family:
        """What is specific to the model's architecture."""
        return self.encoder.family

    def freeze(self, parts: Sequence[str], trained: Sequence[nn.Parameter] | None = None) -> None:
        """Freezes the named parts and makes all else trainable; of `trained` parameters only, where they are given."""
        freeze_parts(self.family, self.model, parts, trained)

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
                    family=self.family,
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
        side_by_side = pack_rows if self.layout == "packed" else batch_rows
        batches = side_by_side(rows, max_tokens=self.config.max_row_tokens)
        fillers = [dummy] if dummy is not None else []
        fillers += self._dummy_forwards(self.ranks.most(len(batches)) - len(batches))
        for batch in batches:
            laid = lay_out(batch, ids, placed, completions, self.encoder.pad_id)
            shown = [features[row.prompt] for line in batch for row in line]
            hidden = self._hidden(laid, shown).flatten(0, 1)  # [R x T, d]
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
        """Attention of the tokens of a response; see `capture_attention`.

        Raises:
            ValueError: The prompt holds image placeholders and no pixels, or the response is empty.
        """
        self._check_pixels([prompt])
        images, pad_id = self._images([prompt]), self.encoder.pad_id
        return capture_attention(self.family, self.model, prompt, response, sets, focus, images=images, pad_id=pad_id)

    def zero(self) -> Tensor:
        """A zero with a gradient, of zero, for every trained parameter; ranks in step forward no rows for it."""
        if self.ranks.in_step:
            empty = torch.zeros(0, 1, dtype=torch.long, device=next(self.model.parameters()).device)
            return self.log_probs([], empty, empty.bool()).values.sum()
        return sum(parameter.flatten()[:1].sum() for parameter in self.parameters() if parameter.requires_grad) * 0.0

    def _dummy_forwards(self, count: int) -> list[Tensor]:
        """Forwards that other ranks make with rows and this one without: zeros that depend on every parameter.

        DDP waits for the gradient of every trained parameter, and some are reached by no forward, such as the last
        layer of LLaVA's tower: a zero of all of them comes on top there.
        """
        one = torch.full((1, 1), self.encoder.pad_id, device=next(self.model.parameters()).device)
        all_of_them = self.ranks.several and not self.ranks.in_step and torch.is_grad_enabled()
        forwards = [self.model(input_ids=one, use_cache=False).logits.sum() * 0.0 for _ in range(count)]
        return [*forwards, self.zero()] if all_of_them else forwards

    @torch.no_grad()
    def _images(self, prompts: Sequence[Prompt]) -> dict[str, Any]:
        """What a forward over whole prompts is given for their images: pixels, or features made before."""
        if self.layout == "padded":
            fields = join_images([image for prompt in prompts for image in prompt.images])
            self.features.dummies(self.features.missing_runs(int(bool(fields))))
            device = next(self.model.parameters()).device
            return {name: value.to(device) for name, value in fields.items()}
        return self._feature_inputs(self.features.of(prompts)[0])

    def _feature_inputs(self, features: Sequence[Sequence[Tensor]]) -> dict[str, Any]:
        """What a forward is given for images with these features, a list per prompt."""
        flat = [value for mine in features for value in mine]
        return self.family.feature_inputs(self.model, flat) if flat else {}

    def _hidden(self, laid: RowBatch, features: Sequence[Sequence[Tensor]]) -> Tensor:
        """Last hidden states `[R, T, d]` of rows whose prompts have these image features."""
        mask = laid.mask
        if mask is not None and self.config.attention == "eager":  # which adds the mask to the logits
            dtype = self.model.dtype
            mask = torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, torch.finfo(dtype).min)
        return self.model.model(
            input_ids=laid.ids,
            attention_mask=mask,
            position_ids=laid.positions,
            use_cache=False,
            **({"segments": laid.segments} if laid.segments else {}),
            **self._feature_inputs(features),
        ).last_hidden_state

    def _prompt_positions(self, prompt: Prompt) -> Tensor:
        """Position ids of one prompt, `[3, L]` with M-RoPE, else `[L]`."""
        batch = pad_prompts([prompt], self.encoder.pad_id, next(self.model.parameters()).device)
        return self.family.positions(self.model, batch)[..., 0, :]

    def _padded_log_probs(
        self,
        prompts: Sequence[Prompt],
        completions: Tensor,
        mask: Tensor,
        temperature: float,
        entropy: bool,
        entropy_gradient: bool,
    ) -> LogProbs:
        """One row per sequence and whole logits: what any model can do, and what other layouts are tested against."""
        missing_images = self.features.missing_runs(int(any(prompt.images for prompt in prompts)))
        missing = self.ranks.most(int(bool(prompts))) - int(bool(prompts))  # both asked before any rank forwards
        zero = self.features.dummies(missing_images)
        fillers = [*([zero] if zero is not None else []), *self._dummy_forwards(missing)]
        if not prompts:
            empty = torch.zeros(completions.shape, device=completions.device)
            return LogProbs(sum(fillers, empty), empty if entropy else None)
        width = completions.shape[1]
        batch = append_completions(pad_prompts(prompts, self.encoder.pad_id, completions.device), completions, mask)
        batch["position_ids"] = self.family.positions(self.model, batch)
        logits = self.model(**batch, use_cache=False, logits_to_keep=width + 1).logits[:, :-1]  # [B, T, V]
        log_probs = (logits.float() / temperature).log_softmax(-1)
        chosen = log_probs.gather(-1, completions.unsqueeze(-1)).squeeze(-1).masked_fill(~mask, 0.0)
        values = sum(fillers, chosen)
        if not entropy:
            return LogProbs(values, None)
        with torch.set_grad_enabled(entropy_gradient and torch.is_grad_enabled()):
            return LogProbs(values, -(log_probs.exp() * log_probs).sum(-1).masked_fill(~mask, 0.0))

    def _check_pixels(self, prompts: Sequence[Prompt]) -> None:
        placeholders = torch.tensor(sorted(self.encoder.image_ids))
        for prompt in prompts:
            if not prompt.images and torch.isin(prompt.ids.cpu(), placeholders).any():
                raise ValueError("a prompt holds image placeholders and no pixels: the model would be blind")


def choose_layout(family: Family, model: nn.Module, config: PolicyConfig) -> Layout:
    """The layout that `config` asks for; for `auto`, the cheapest that family, model and attention can take.

    Raises:
        ValueError: They cannot take the layout that was asked for by name.
    """
    masks = config.attention != "flash_attention_2"  # which takes no mask of its own
    if not (family.takes_rows and has_plain_head(model)):
        if config.layout in ("auto", "padded"):
            return "padded"
        reason = (
            "reads whole padded sequences only" if not family.takes_rows else "changes logits after its output layer"
        )
        raise ValueError(
            f"policy.layout={config.layout}: {model.config.model_type}, by the family {family.name}, {reason}; use auto"
        )
    if config.layout == "auto":
        return "auto" if masks else "single"
    if config.layout == "packed" and config.attention != "sdpa":
        raise ValueError(
            f"policy.layout=packed needs policy.attention=sdpa, not {config.attention}; set that, or use auto"
        )
    if config.layout == "shared" and not masks:
        raise ValueError(
            f"policy.layout=shared needs a mask, and policy.attention={config.attention} takes none; use auto"
        )
    return config.layout

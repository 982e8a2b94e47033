"""The reference policy of the KL term: the policy's starting weights, frozen until a hand-off replaces them."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cogito_pl.policy.adapters import (
    START,
    TRAINED,
    has_starting_adapters,
    keep_starting_adapters,
    with_starting_weights,
)
from cogito_pl.policy.policy import Policy
from cogito_pl.policy.prompt import Prompt


class Reference:
    """The policy as it is when this is built: the policy with its starting adapters under LoRA, else a frozen copy.

    Not an `nn.Module` on purpose: its weights are those of `init_from`, so no checkpoint needs to hold them again, and
    a resumed run builds it before its own weights are restored.

    Args:
        policy: Still with its starting weights.
        restarts: Whether it will be given other weights; with LoRA it then keeps adapters of its own.
    """

    def __init__(self, policy: Policy, *, restarts: bool = False) -> None:
        self._live = policy
        self._copy: Policy | None = None
        if policy.config.lora is not None and restarts and not has_starting_adapters(policy.model):
            keep_starting_adapters(policy.model, policy.config.lora)
        if policy.config.lora is None:
            encoder = policy.encoder
            self._copy = copy.deepcopy(policy, {id(encoder): encoder}).requires_grad_(False).eval()
            if policy.features.frozen and not policy.ranks.several:
                self._copy.features = policy.features  # the same images through the same tower

    @property
    def live(self) -> bool:
        """Whether it forwards the policy's own weights."""
        return self._copy is None

    def parameters(self) -> dict[str, nn.Parameter]:
        """The weights that are its own, under the policy's names for them."""
        if self._copy is not None:
            return dict(self._copy.named_parameters())
        own = ((name, value) for name, value in self._live.named_parameters() if f".{START}." in name)
        return {name.replace(f".{START}.", f".{TRAINED}."): value for name, value in own}

    def clear_cache(self) -> None:
        """Drops its image features, for when it has other weights."""
        if self._copy is not None:
            self._copy.features.clear_cache()

    @torch.no_grad()
    def log_probs(self, prompts: Sequence[Prompt], completions: Tensor, mask: Tensor, temperature: float) -> Tensor:
        """Log-probabilities `[B, T]`; see `Policy.log_probs`."""
        if self._copy is None:
            with with_starting_weights(self._live.model):
                return self._live.log_probs(prompts, completions, mask, temperature=temperature).values
        self._copy.to(completions.device)
        return self._copy.log_probs(prompts, completions, mask, temperature=temperature).values

    def offload(self) -> None:
        """Moves the copy to main memory until it is needed again, where `policy.offload_reference` is set."""
        if self._copy is not None and self._live.config.offload_reference:
            self._copy.to("cpu")

"""The reference policy of the KL term: the policy's starting weights, frozen."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from cogito_pl.policy.policy import Policy
from cogito_pl.policy.processing import Prompt


class Reference:
    """A frozen copy of the policy as it is now.

    Not an `nn.Module` on purpose: its weights are those of `init_from`, so no checkpoint needs to hold them again, and
    a resumed run builds it before its own weights are restored.

    Args:
        policy: Copied, while it still holds its starting weights.
    """

    def __init__(self, policy: Policy) -> None:
        encoder = policy.encoder
        self._policy = copy.deepcopy(policy, {id(encoder): encoder}).requires_grad_(False).eval()
        if policy.features.frozen and not policy.ranks.several:
            self._policy.features = policy.features  # the same pictures through the same tower

    @torch.no_grad()
    def log_probs(self, prompts: Sequence[Prompt], completions: Tensor, mask: Tensor, temperature: float) -> Tensor:
        """Log-probabilities `[B, T]`; see `Policy.log_probs`."""
        self._policy.to(completions.device)
        return self._policy.log_probs(prompts, completions, mask, temperature=temperature).values

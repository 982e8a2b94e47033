"""The policy: one wrapper around any transformers image-text-to-text model, for SFT, GRPO, scoring and evaluation."""

from cogito_pl.policy.config import PolicyConfig, SamplingConfig
from cogito_pl.policy.policy import Policy
from cogito_pl.policy.processing import PromptEncoder
from cogito_pl.policy.prompt import Prompt
from cogito_pl.policy.sampling import Samples

__all__ = ["Policy", "PolicyConfig", "Prompt", "PromptEncoder", "Samples", "SamplingConfig"]

"""The policy: one wrapper around any transformers image-text-to-text model, for SFT, GRPO, scoring and evaluation."""

from cogito_pl.policy.attention import Attention
from cogito_pl.policy.config import PolicyConfig, SamplingConfig
from cogito_pl.policy.engines import Engine, EngineFactory, LiveEngine, Request, Samples
from cogito_pl.policy.policy import Policy
from cogito_pl.policy.processing import PromptEncoder
from cogito_pl.policy.prompt import Prompt
from cogito_pl.policy.token_sets import TokenSets, image_maps, token_sets

__all__ = [
    "Attention",
    "Engine",
    "EngineFactory",
    "LiveEngine",
    "Policy",
    "PolicyConfig",
    "Prompt",
    "PromptEncoder",
    "Request",
    "Samples",
    "SamplingConfig",
    "TokenSets",
    "image_maps",
    "token_sets",
]

"""The policy: one wrapper around any transformers image-text-to-text model, for SFT, GRPO, scoring and evaluation."""

from cogito_pl.policy.attention import Attention
from cogito_pl.policy.config import PolicyConfig, SamplingConfig
from cogito_pl.policy.engines import Engine, EngineFactory, LiveEngine, Request, Samples
from cogito_pl.policy.families import Family, Generic, Qwen2_5VL, Qwen3VL
from cogito_pl.policy.policy import Policy
from cogito_pl.policy.prompt import Prompt
from cogito_pl.policy.prompt_encoder import PromptEncoder
from cogito_pl.policy.token_sets import TokenSets, find_sinks, image_maps, token_sets, without_sinks

__all__ = [
    "Attention",
    "Engine",
    "EngineFactory",
    "Family",
    "Generic",
    "LiveEngine",
    "Policy",
    "PolicyConfig",
    "Prompt",
    "PromptEncoder",
    "Qwen2_5VL",
    "Qwen3VL",
    "Request",
    "Samples",
    "SamplingConfig",
    "TokenSets",
    "find_sinks",
    "image_maps",
    "token_sets",
    "without_sinks",
]

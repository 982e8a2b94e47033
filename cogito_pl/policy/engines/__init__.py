"""Who samples completions: the protocol of an engine, and the live engine, which samples from the policy itself."""

from cogito_pl.policy.engines.engine import Engine, EngineFactory, Request, Samples
from cogito_pl.policy.engines.live import LiveEngine

__all__ = ["Engine", "EngineFactory", "LiveEngine", "Request", "Samples"]

"""What a stage or a source changes about how completions are sampled."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SamplingChanges:
    """Settings of sampling that differ from the module's; null keeps the module's.

    Args:
        max_tokens: Completions are cut after this many tokens.
        temperature: Softmax temperature.
        top_p: Smallest set of likeliest tokens with at least this probability.
        top_k: The k likeliest tokens.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None

    def changes(self) -> dict[str, float]:
        """The settings that are given."""
        return {name: value for name, value in vars(self).items() if value is not None}

"""The engine seam: who samples completions, and how it gets the newest weights."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from cogito_pl.policy.config import SamplingConfig
from cogito_pl.policy.prompt import Prompt


@dataclass(frozen=True)
class Request:
    """One completion that is wanted.

    Args:
        prompt: The encoded prompt; requests that share the object share its prefill.
        sampling: How the completion is sampled.
        seed: Decides the completion, together with prompt, settings and weights; unused by greedy sampling.
    """

    prompt: Prompt
    sampling: SamplingConfig
    seed: int


@dataclass(frozen=True)
class Samples:
    """Completions, in the order of their requests.

    Args:
        ids: Token ids, padded on the right, `[B, T]`.
        mask: True on completion tokens, the end token included, `[B, T]`.
        finished: True where the completion ended by itself, False where it was cut, `[B]`.
        log_probs: Of each token under the policy's distribution at the sampling temperature (1 for greedy rows),
            before suppressed ids, top-k and top-p are taken out, `[B, T]`, 0 off the mask.
    """

    ids: Tensor
    mask: Tensor
    finished: Tensor
    log_probs: Tensor


class Engine(ABC):
    """Samples completions with a copy of the policy's weights, or with the policy itself."""

    @abstractmethod
    def generate(self, requests: Sequence[Request]) -> Samples:
        """The completions of all requests. A completion depends on its own request and the weights alone."""

    @abstractmethod
    def refresh(self, weights: Iterator[tuple[str, Tensor]]) -> None:
        """Takes over the policy's weights, which have changed. Called before `generate`, on all ranks together.

        Args:
            weights: Name and value of each weight; a sharded one is gathered when the iterator comes to it, so an
                engine reads all of them, on every rank, or none.
        """

    @abstractmethod
    def close(self) -> None:
        """Frees what the engine holds."""


EngineFactory = Callable[[nn.Module, int], Engine]
"""Makes the engine of a `Policy`, given how many completions it may decode side by side."""

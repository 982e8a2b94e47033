"""The penalty for repeated runs of words."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class RepetitionOptions:
    """What counts as repetition.

    Args:
        words: Words in a row that are compared; VL-Cogito has 20.
        scope: Whose repetition counts: of responses that are not correct (wrong), as VL-Cogito has it, or of all.
    """

    words: int = 20
    scope: Literal["wrong", "all"] = "wrong"

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting, its value and the remedy."""
        if not 1 <= self.words <= 100:
            raise ValueError(f"repetition_of.words={self.words}: choose 1 to 100, e.g. 20")
        if self.scope not in ("wrong", "all"):
            raise ValueError(f"repetition_of.scope={self.scope!r} is unknown; choose wrong or all")


def repetition(response: str, words: int = 20) -> float:
    r"""Minus the share of repeated runs of words (VL-Cogito's code; the paper does not mention it).

    With `D` distinct ones among the `N` runs of `words` words, lower-cased and split at white space:

    $$ r = -(1 - D / N) $$

    Args:
        response: The response, special tokens already removed.
        words: Words in a row that are compared.

    Returns:
        From -1 (all repeated) to 0 (no repetition, or fewer words than `words`). VL-Cogito weighs it by 0.5.
    """
    said = response.lower().split()
    runs = list(zip(*(said[start:] for start in range(words)), strict=False))
    return len(set(runs)) / len(runs) - 1.0 if runs else 0.0

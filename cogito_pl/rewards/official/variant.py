"""What a paper's reward is made of: a grader, further terms, and the weight of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cogito_pl.rewards.verifier.grade import Grade
from cogito_pl.rewards.worker import Grader

Term = Callable[[str, Grade], float]
"""The value of a response and its verdict."""


@dataclass(frozen=True)
class Variant:
    """A reward: the accuracy that its grader finds, and further terms.

    Args:
        grader: Decides what is correct; importable, since workers call it.
        weights: Weight of every term, "accuracy" among them, where the configuration does not say another.
        terms: The terms besides accuracy, by name.
    """

    grader: Grader
    weights: Mapping[str, float]
    terms: Mapping[str, Term] = field(default_factory=dict)

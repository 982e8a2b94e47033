"""Which verifier decides for which kind of answer: the shipped ones, and those that a user adds."""

import pickle
from collections.abc import Mapping

from cogito_pl.rewards.verifier.base import Verifier
from cogito_pl.rewards.verifier.boxes import BoxesVerifier
from cogito_pl.rewards.verifier.chart import ChartVerifier
from cogito_pl.rewards.verifier.choice import ChoiceVerifier
from cogito_pl.rewards.verifier.math import MathVerifier
from cogito_pl.rewards.verifier.number import NumberVerifier
from cogito_pl.rewards.verifier.text import TextVerifier

Verifiers = Mapping[str, Verifier]
"""Verifiers by the kind of answer that they decide."""

SHIPPED: Verifiers = {
    "math": MathVerifier(),
    "number": NumberVerifier(),
    "choice": ChoiceVerifier(),
    "text": TextVerifier(),
    "chart": ChartVerifier(),
    "boxes": BoxesVerifier(),
}
KINDS = tuple(SHIPPED)
"""The kinds of answers that can be verified without a verifier of one's own."""


def is_shipped(verifier: Verifier) -> bool:
    """Whether a verifier is one of ours, which need no deadline but for formulas; subclasses are not."""
    return type(verifier) in {type(shipped) for shipped in SHIPPED.values()}


def verifier_of(kind: str, verifiers: Verifiers = SHIPPED) -> Verifier:
    """The verifier for a kind of answer.

    Raises:
        ValueError: There is none.
    """
    if kind not in verifiers:
        raise ValueError(
            f"kind {kind!r} has no verifier; choose from {', '.join(verifiers)}, or add a verifier of your own: "
            f"reward.verifiers: {{{kind}: {{class_path: my_package.MyVerifier}}}}"
        )
    return verifiers[kind]


def check_gold(gold: str, kind: str, choices: tuple[str, ...] = (), verifiers: Verifiers = SHIPPED) -> str | None:
    """Says whether answers can be compared with a gold answer; asked once, when data are read.

    Args:
        gold: The gold answer.
        kind: Which verifier decides.
        choices: The options of a choice problem.
        verifiers: By kind.

    Returns:
        Why the problem cannot be graded: there is no verifier for its kind, or it cannot use this gold. None when
        it can.
    """
    try:
        verifier = verifier_of(kind, verifiers)
    except ValueError as error:
        return str(error)
    return verifier.check(gold, choices) if gold.strip() else "the answer is empty"


def check_picklable(kind: str, verifier: Verifier) -> None:
    """Checks that a verifier can be sent to the grading processes.

    Raises:
        ValueError: It cannot.
    """
    path = f"{type(verifier).__module__}.{type(verifier).__qualname__}"
    remedy = "define its class at the top of a module that can be imported and keep only picklable attributes"
    if type(verifier).__module__ == "__main__":
        raise ValueError(f"reward.verifiers.{kind}={path} is defined in the script that is run, which the grading "
                         f"processes do not import; {remedy}")  # fmt: skip
    try:
        pickle.dumps(verifier)
    except Exception as error:  # pickle raises whatever an attribute's __reduce__ does
        raise ValueError(f"reward.verifiers.{kind}={path} cannot be pickled for the grading processes ({error}); "
                         f"{remedy}") from error  # fmt: skip

"""The accuracy of a blind guess: always the most common answer of the training problems, without looking."""

from collections import Counter
from collections.abc import Sequence

from cogito_pl.playground.families import FAMILIES, draft_problem
from cogito_pl.playground.scene import DIFFICULTIES
from cogito_pl.playground.shares import belongs


def blind_accuracy(train: Sequence[str], test: Sequence[str]) -> float:
    """Share of the test answers that equal the most common training answer; of equally common ones, the first.

    Raises:
        ValueError: There is no training or no test answer.
    """
    if not train or not test:
        raise ValueError("blind accuracy needs at least one training answer and one test answer")
    guess = blind_guess(train)
    return sum(answer == guess for answer in test) / len(test)


def blind_guess(train: Sequence[str]) -> str:
    """The most common answer; of equally common ones, the first. Raises ValueError without any."""
    if not train:
        raise ValueError("a blind guess needs at least one training answer")
    ((guess, _),) = Counter(train).most_common(1)
    return guess


def blind_table(families: Sequence[str] = tuple(FAMILIES), seeds: int = 2000) -> dict[str, dict[int, float]]:
    """Blind accuracy by family and difficulty, from the training share on the test share of the problems.

    Args:
        families: Which ones.
        seeds: Problems that are drawn per family and difficulty; some 70% are for training, 20% for the test.
    """
    return {family: {level: _measured(family, level, seeds) for level in DIFFICULTIES} for family in families}


def _measured(family: str, difficulty: int, seeds: int) -> float:
    drafts = [draft_problem(family, difficulty, seed) for seed in range(seeds)]
    train, test = ([draft.answer for draft in drafts if belongs(draft, part)] for part in ("train", "test"))
    return blind_accuracy(train, test)

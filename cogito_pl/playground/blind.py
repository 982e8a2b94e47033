"""What a guesser achieves who never looks: always the answer that is commonest among the problems to learn from."""

from collections import Counter
from collections.abc import Sequence

from cogito_pl.playground.families import FAMILIES, draft_problem
from cogito_pl.playground.scene import DIFFICULTIES
from cogito_pl.playground.shares import belongs


def blind_accuracy(learnt: Sequence[str], asked: Sequence[str]) -> float:
    """Share of the asked answers that equal the commonest of the learnt ones; of two as common, the earlier.

    Raises:
        ValueError: There is no answer to learn from or to be asked for.
    """
    if not learnt or not asked:
        raise ValueError("blind accuracy needs answers to learn from and answers to be graded on")
    guess = blind_guess(learnt)
    return sum(answer == guess for answer in asked) / len(asked)


def blind_guess(learnt: Sequence[str]) -> str:
    """The commonest answer; of two as common, the earlier. Raises ValueError without any."""
    if not learnt:
        raise ValueError("a blind guess needs answers to learn from")
    ((guess, _),) = Counter(learnt).most_common(1)
    return guess


def blind_table(families: Sequence[str] = tuple(FAMILIES), seeds: int = 2000) -> dict[str, dict[int, float]]:
    """Blind accuracy by family and difficulty, learnt on the learning share and graded on the test share.

    Args:
        families: Which ones.
        seeds: Problems that are drawn per family and difficulty; some 70 of a hundred are learnt from, 20 are graded.
    """
    return {family: {level: _measured(family, level, seeds) for level in DIFFICULTIES} for family in families}


def _measured(family: str, difficulty: int, seeds: int) -> float:
    drafts = [draft_problem(family, difficulty, seed) for seed in range(seeds)]
    learnt, asked = ([draft.answer for draft in drafts if belongs(draft, part)] for part in ("train", "test"))
    return blind_accuracy(learnt, asked)

"""The reward of a response: weighted terms. Knows accuracy and form; nothing of rollouts, lengths or tensors."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cogito_pl.data.problem import Problem
from cogito_pl.rewards.format import format_reward
from cogito_pl.rewards.grade import Grade
from cogito_pl.rewards.pool import GradeRequest, GraderPool


@dataclass(frozen=True, kw_only=True)
class RewardConfig:
    """What a response is rewarded for.

    Args:
        accuracy: Weight of a right answer.
        format: Weight of the form `<think>...</think><answer>...</answer>`.
        workers: Processes that grade.
        deadline_s: Seconds that grading one response may take; after that it counts as unparsed.
    """

    accuracy: float = 1.0
    format: float = 0.5
    workers: int = 2
    deadline_s: float = 5.0

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting, its value and the remedy."""
        for name in ("accuracy", "format"):
            if not 0 <= (weight := getattr(self, name)) < math.inf:
                raise ValueError(f"reward.{name}={weight} is not a weight; choose 0 (off) or a positive number")
        if self.workers < 1:
            raise ValueError(f"reward.workers={self.workers} leaves nobody to grade; choose at least 1")
        if not 0 < self.deadline_s < math.inf:
            raise ValueError(
                f"reward.deadline_s={self.deadline_s} is not a time; choose a positive number of seconds, e.g. 5"
            )


@dataclass(frozen=True)
class RewardResult:
    """The rewards of some responses, in their order.

    Args:
        total: Weighted sum of the terms.
        terms: Unweighted values of each term, "accuracy" and "format".
        grades: The verdicts behind "accuracy".
    """

    total: list[float]
    terms: dict[str, list[float]]
    grades: list[Grade]


class Reward:
    """Scores responses; training and evaluation use the same object.

    Args:
        config: Weights and limits.
        pool: Who grades; a pool of its own when None, which `close` then ends.
    """

    def __init__(self, config: RewardConfig, pool: GraderPool | None = None) -> None:
        self.config = config
        self._owns_pool = pool is None
        self._pool = GraderPool(config.workers, config.deadline_s) if pool is None else pool

    @property
    def counters(self) -> dict[str, int]:
        """The counters of the pool."""
        return self._pool.counters

    def score(self, responses: Sequence[str], problems: Sequence[Problem]) -> RewardResult:
        """Rewards each response for its problem.

        Args:
            responses: Special tokens already removed.
            problems: The problem of each response; the same one may come again.

        Returns:
            The rewards; accuracy is the grade's score, which is partial only for boxes.

        Raises:
            ValueError: The numbers of responses and problems differ.
        """
        pairs = zip(responses, problems, strict=True)
        grades = self._pool.grade_all([GradeRequest(text, p.answer, p.kind, tuple(p.choices)) for text, p in pairs])
        terms = {
            "accuracy": [verdict.score for verdict in grades],
            "format": [format_reward(response) for response in responses],
        }
        weights = {"accuracy": self.config.accuracy, "format": self.config.format}
        total = [sum(weights[name] * values[i] for name, values in terms.items()) for i in range(len(grades))]
        return RewardResult(total, terms, grades)

    def close(self) -> None:
        """Ends the workers, unless the pool was given and is its giver's."""
        if self._owns_pool:
            self._pool.close()

"""The reward of a response: weighted terms. Knows who computes which term; nothing of rollouts, lengths or tensors."""

from collections.abc import Sequence
from dataclasses import dataclass

from cogito_pl.problem import KINDS, Problem
from cogito_pl.rewards.config import RewardConfig
from cogito_pl.rewards.format import format_reward
from cogito_pl.rewards.official import OFFICIAL
from cogito_pl.rewards.pool import GradeRequest, GraderPool
from cogito_pl.rewards.repetition import repetition
from cogito_pl.rewards.verifier.grade import Grade, grade
from cogito_pl.rewards.verifier.parsing.box_frames import with_options


@dataclass(frozen=True)
class RewardResult:
    """The rewards of some responses, in their order.

    Args:
        total: Weighted sum of the terms.
        terms: Unweighted values of each term by name, as in `Reward.terms`.
        grades: The verdicts behind "accuracy".
    """

    total: list[float]
    terms: dict[str, list[float]]
    grades: list[Grade]


class Reward:
    """Scores responses; training, difficulty and evaluation use the same object.

    Args:
        config: Weights and limits.
        pool: Who grades; a pool of its own when None, which `close` then ends.
    """

    def __init__(self, config: RewardConfig, pool: GraderPool | None = None) -> None:
        self.config = config
        self._owns_pool = pool is None
        official = OFFICIAL.get(config.variant)
        grader = official.grader if official else grade
        self._pool = GraderPool(config.workers, config.deadline_s, grader) if pool is None else pool
        self._weights = {kind: config.weights(kind) for kind in KINDS}
        weighed = {name for weights in self._weights.values() for name, weight in weights.items() if weight}
        terms = {"format": self._form, "repetition": self._repetition} | dict(official.terms if official else {})
        self._terms = {name: term for name, term in terms.items() if name in weighed | {"format"}}

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the terms: accuracy, format, and whatever else has a weight for some kind of problem."""
        return ("accuracy", *self._terms)

    @property
    def counters(self) -> dict[str, int]:
        """The counters of the pool."""
        return self._pool.counters

    def rejection(self, problem: Problem) -> str | None:
        """Why this reward cannot grade a problem whose answer its verifier can read, or None."""
        try:
            self._request("", problem)
        except ValueError as error:
            return str(error)
        return None

    def score(self, responses: Sequence[str], problems: Sequence[Problem]) -> RewardResult:
        """Rewards each response for its problem.

        Args:
            responses: Special tokens already removed.
            problems: The problem of each response; the same one may come again.

        Returns:
            The rewards; accuracy is the grade's score, which is partial only for boxes.

        Raises:
            ValueError: The numbers of responses and problems differ, or a problem's boxes cannot be brought to the
                frame of the answer.
        """
        pairs = list(zip(responses, problems, strict=True))
        grades = self._pool.grade_all([self._request(response, problem) for response, problem in pairs])
        terms = {"accuracy": [verdict.score for verdict in grades]}
        for name, term in self._terms.items():
            terms[name] = [term(response, verdict) for response, verdict in zip(responses, grades, strict=True)]
        weights = [self._weights[problem.kind] for problem in problems]
        total = [sum(own[name] * terms[name][row] for name in terms) for row, own in enumerate(weights)]
        return RewardResult(total, terms, grades)

    def _request(self, response: str, problem: Problem) -> GradeRequest:
        gold = problem.answer
        if problem.kind == "boxes" and self.config.variant == "default":
            size = problem.images[0].size if len(problem.images) == 1 else None
            gold = with_options(gold, self.config.boxes, size)
        return GradeRequest(response, gold, problem.kind, tuple(problem.choices), self.config.grading)

    def _form(self, response: str, verdict: Grade) -> float:
        return format_reward(response, self.config.form)

    def _repetition(self, response: str, verdict: Grade) -> float:
        spared = self.config.repetition_of.scope == "wrong" and verdict.correct
        return 0.0 if spared else repetition(response, self.config.repetition_of.words)

    def close(self) -> None:
        """Ends the workers, unless the pool was given and is its giver's."""
        if self._owns_pool:
            self._pool.close()

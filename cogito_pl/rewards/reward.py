"""The reward of a response: the weighted sum of accuracy, format and further terms."""

import pickle
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from cogito_pl.problem import Problem
from cogito_pl.rewards.code_digest import code_digest
from cogito_pl.rewards.config import RewardConfig
from cogito_pl.rewards.format import format_reward
from cogito_pl.rewards.official import OFFICIAL
from cogito_pl.rewards.pool import GradeRequest, GraderPool
from cogito_pl.rewards.repetition import repetition
from cogito_pl.rewards.verifier.boxes import BoxesVerifier
from cogito_pl.rewards.verifier.grade import Grade
from cogito_pl.rewards.verifier.options import GradeOptions, GradingOverrides
from cogito_pl.rewards.verifier.parsing.box_frames import with_options
from cogito_pl.rewards.verifier.registry import SHIPPED, Verifiers, check_gold, verifier_of
from cogito_pl.seeds import digest


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
        config: Weights, verifiers and limits.
    """

    def __init__(self, config: RewardConfig) -> None:
        self.config = config
        official = OFFICIAL.get(config.variant)
        self._verifiers = {**SHIPPED, **config.verifiers}
        self._pool = GraderPool(config.workers, config.deadline_s, self._verifiers, official and official.grader)
        self._grading = {source: config.grading_for(source) for source in config.per_source}
        self._included: dict[str, GradeOptions] = {}
        self._weights = {kind: config.weights(kind) for kind in self._verifiers}
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

    def include(self, source: str, verifiers: Verifiers, grading: GradingOverrides) -> None:
        """Grades a benchmark by rules of its own, where the settings have none; those of other sources do not change.

        Args:
            source: Its name.
            verifiers: Of its own kinds of answers.
            grading: Options of the shipped kinds.

        Raises:
            ValueError: The reward is a paper's.
        """
        if self.config.variant != "default":
            raise ValueError(
                f"reward.variant={self.config.variant} has one rule for all, and {source} of data.benchmarks another; "
                "evaluate in a run of its own, with reward.variant: default"
            )
        self._included[source] = replace(self.config.grading, **grading | self.config.per_source.get(source, {}))
        if new := {kind: verifier for kind, verifier in verifiers.items() if kind not in self._verifiers}:
            self._verifiers = {**self._verifiers, **new}
            self._weights |= {kind: self.config.weights(kind) for kind in new}
            self._pool.close()
            self._pool = GraderPool(self.config.workers, self.config.deadline_s, self._verifiers)

    def rejection(self, problem: Problem) -> str | None:
        """Why answers to a problem cannot be graded, or None; asked when data are read."""
        if reason := check_gold(problem.answer, problem.kind, problem.choices, self._verifiers):
            return reason
        try:
            self._request("", problem)
        except ValueError as error:
            return str(error)
        return None

    def grading_settings(self) -> dict[str, Any]:
        """What decides verdicts, as plain values: stored verdicts hold only under the same settings."""
        own = {
            kind: f"{type(verifier).__module__}.{type(verifier).__qualname__} {digest(pickle.dumps(verifier))}"
            for kind, verifier in self.config.verifiers.items()
        }
        return {
            "variant": self.config.variant,
            "options": asdict(self.config.grading),
            "per_source": {source: asdict(options) for source, options in self._grading.items()},
            "boxes": asdict(self.config.boxes),
            "verifiers": own,
            "deadline_s": self.config.deadline_s,
            "code": code_digest(self.config.verifiers.values()),
        }

    def check_sources(self, names: Collection[str]) -> None:
        """Checks that `per_source` names sources of this run.

        Args:
            names: Names of all sources of the run.

        Raises:
            ValueError: It names another one.
        """
        if unknown := self._grading.keys() - set(names):
            raise ValueError(
                f"reward.per_source.{min(unknown)} is for a source that this run does not have; its sources are "
                f"{', '.join(sorted(set(names)))}: correct the name, or leave it out"
            )

    def check_kind(self, source: str, kind: str | None) -> None:
        """Raises ValueError for the kind of a source that no verifier is for, even if every row states its own."""
        if kind is not None and kind not in self._verifiers:
            raise ValueError(
                f"source {source}: kind={kind} has no verifier; choose one of {', '.join(self._verifiers)}, or name a "
                "verifier of your own under reward.verifiers"
            )

    def score(self, responses: Sequence[str], problems: Sequence[Problem]) -> RewardResult:
        """Rewards each response for its problem.

        Args:
            responses: Special tokens already removed.
            problems: The problem of each response; the same one may come again.

        Returns:
            The rewards; accuracy is the grade's score, which is partial only for boxes.

        Raises:
            ValueError: The numbers of responses and problems differ, a problem's kind has no verifier, or its boxes
                cannot be brought to the frame of the answer.
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
        verifier = verifier_of(problem.kind, self._verifiers)
        if isinstance(verifier, BoxesVerifier) and self.config.variant == "default":
            size = problem.images[0].size if len(problem.images) == 1 else None
            gold = with_options(gold, self.config.boxes, size)
        options = self._included.get(problem.source) or self._grading.get(problem.source, self.config.grading)
        return GradeRequest(response, gold, problem.kind, tuple(problem.choices), options)

    def _form(self, response: str, verdict: Grade) -> float:
        return format_reward(response, self.config.form)

    def _repetition(self, response: str, verdict: Grade) -> float:
        spared = self.config.repetition_of.scope == "wrong" and verdict.correct
        return 0.0 if spared else repetition(response, self.config.repetition_of.words)

    def close(self) -> None:
        """Ends the workers; scoring again starts new ones."""
        self._pool.close()

"""Runs trials: masks images, encodes prompts, samples completions, grades them.

A trial's outcome depends on the weights, its problem and its own seed alone, not on what it is batched with. Trials of
one problem that hide nothing share a prompt, which is prefilled once for all of them.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from cogito_pl.difficulty.identity import trial_seed
from cogito_pl.difficulty.regrading import graded
from cogito_pl.difficulty.scorer import Scorer, Task
from cogito_pl.difficulty.trials import Trial
from cogito_pl.policy import Policy, Prompt, PromptEncoder, SamplingConfig
from cogito_pl.problem import LazyImage, Problem
from cogito_pl.rewards import Reward

_log = logging.getLogger(__name__)
ENGINE_ERRORS = (RuntimeError, OSError, MemoryError, ValueError)
"""Exceptions that concern a batch and not the code: out of memory, a failed kernel, an image that cannot be read."""

Request = tuple[Problem, Task]


class TooManyErrors(Exception):
    """Too many problems could not be scored, so that the machine or the settings must be at fault."""


@dataclass
class Spent:
    """What trials have cost: how many were run, in how many readings of a prompt (prefills), for how many problems."""

    problems: int = 0
    trials: int = 0
    prefills: int = 0

    def __str__(self) -> str:
        text = f"ran {self.trials:,} trials, with {self.prefills:,} prefills of their prompts"
        if not self.problems:
            return text
        each = f"{self.trials / self.problems:.1f} and {self.prefills / self.problems:.1f} each"
        return f"{text}, for {self.problems:,} problems: {each}"


@dataclass(kw_only=True)
class TrialRunner:
    """Runs batches of trials. A failure of the engine never counts as a wrong answer.

    Args:
        policy: Samples the completions.
        reward: Grades them.
        scorer: Says what a trial hides.
        sampling: How completions are drawn.
        seed: Of masks and completions.
        least: Completions that are decoded side by side at least, before prompts are grouped by their lengths.
        attempts: Times that a trial which raises is run, by itself at last, before its problem is set aside.
        most_errors: More problems than this are not set aside: the scoring stops.
        filler: Sampled by a rank that has no trials while sharded ranks, which sample together, still have some.
        spent: Counts trials and prefills.
    """

    policy: Policy
    reward: Reward
    scorer: Scorer
    sampling: SamplingConfig
    seed: int
    least: int
    attempts: int
    most_errors: int
    filler: Problem
    spent: Spent = field(default_factory=Spent)
    set_aside: list[Problem] = field(default_factory=list)

    def __call__(self, requests: Sequence[Request]) -> list[Trial]:
        """The trials; those that raised are missing, and their problems set aside.

        A batch that raises is run again in halves, so that one bad trial, or a batch too large for memory, costs
        little.

        Raises:
            TooManyErrors: Too many problems had to be set aside.
        """
        for attempt in range(1, self.attempts + 1):
            try:
                return self.run(requests)
            except ENGINE_ERRORS as error:
                if self.policy.ranks.in_step:  # the other ranks are in the middle of this batch
                    raise
                _log.warning("a batch of %d trials raised %r; attempt %d", len(requests), error, attempt)
                if len(requests) > 1:
                    half = len(requests) // 2
                    return self(requests[:half]) + self(requests[half:])
                reason = repr(error)
        self._put_aside(requests[0][0], reason)
        return []

    def _put_aside(self, problem: Problem, reason: str) -> None:
        if any(problem is other for other in self.set_aside):  # by another of its trials
            return
        self.set_aside.append(problem)
        message = f"problem {problem.id!r} cannot be scored: {reason}"
        if len(self.set_aside) > self.most_errors:
            raise TooManyErrors(
                f"{message}. That makes {len(self.set_aside)}, more than most_errors={self.most_errors}. The trials so "
                "far are kept: run the same command to continue"
            )
        _log.warning("%s; it stays without a score until the next run", message)

    def run(self, requests: Sequence[Request]) -> list[Trial]:
        """Runs all trials or raises."""
        groups = _groups(requests)
        prompts = [self.prompt(*group[0]) for group in groups]
        calls = alike([(len(group), len(prompt)) for group, prompt in zip(groups, prompts, strict=True)], self.least)
        missing = self.policy.ranks.most(len(calls)) - len(calls)  # asked before any rank samples
        trials = [t for call in calls for t in self._sample([groups[i] for i in call], [prompts[i] for i in call])]
        for _ in range(missing):  # other ranks have more to sample
            self.policy.sample([self.policy.encode(self.filler)], self.sampling, [[0]])
        return trials

    def _sample(self, groups: Sequence[Sequence[Request]], prompts: Sequence[Prompt]) -> list[Trial]:
        seeds = [[trial_seed(self.seed, problem.id, task) for problem, task in group] for group in groups]
        sampling = [self.scorer.sampling_of(task, self.sampling) for (_, task), *_ in groups]
        samples = self.policy.sample(prompts, sampling, seeds)
        self.spent.trials += sum(map(len, groups))
        self.spent.prefills += len(prompts)
        rows = [ids[keep].tolist() for ids, keep in zip(samples.ids, samples.mask, strict=True)]
        texts = [self.policy.encoder.decode(row) for row in rows]
        requests = [request for group in groups for request in group]
        grades = graded(self.reward, texts, [problem for problem, _ in requests])
        known = {id(problem): (problem.shown_digest(), problem.expected_digest()) for (problem, _), *_ in groups}
        return [
            Trial(
                id=problem.id,
                ratio=task.ratio,
                repeat=task.repeat,
                seed=seed,
                correct=grade.correct,
                extracted=grade.extracted,
                rule=grade.rule,
                tokens=len(row),
                finished=bool(finished),
                images=len(problem.images),
                problem=known[id(problem)][0],
                expected=known[id(problem)][1],
                response=text,
                kept=self._kept(problem, task, row) if grade.correct else {},
            )
            for (problem, task), seed, grade, row, finished, text in zip(
                requests, [s for mine in seeds for s in mine], grades, rows, samples.finished, texts, strict=True
            )
        ]

    def _kept(self, problem: Problem, task: Task, response: list[int]) -> dict[str, torch.Tensor]:
        return {} if task.screening else self.scorer.keep(self.policy, problem, torch.tensor(response))

    def prompt(self, problem: Problem, task: Task) -> Prompt:
        """The encoded prompt of a trial."""
        return self.policy.encode(masked(problem, task, self.scorer, self.seed, self.policy.encoder))


def masked(problem: Problem, task: Task, scorer: Scorer, seed: int, encoder: PromptEncoder) -> Problem:
    """The problem as a trial shows it, each image masked by a seed of its own; unchanged where nothing is hidden."""
    if task.ratio == 0 or not problem.images:
        return problem
    key = trial_seed(seed, problem.id, task)
    images = []
    for place, image in enumerate(problem.images):
        hidden = scorer.hide(image.load(), task, trial_seed(key, str(place), task), encoder)
        images.append(LazyImage.of(hidden, image.name))
    return replace(problem, images=tuple(images))


def alike(sizes: Sequence[tuple[int, int]], least: int, slack: float = 0.1) -> list[list[int]]:
    """Divides groups into calls of the sampler: groups of one size, as it requires, and prompts of similar lengths.

    Prompts beside each other are padded to the longest, so that a call of mixed ones would mostly read padding.

    Args:
        sizes: Completions and prompt tokens of each group.
        least: A call with fewer completions than this takes longer prompts too.
        slack: Longer by this share counts as about the same length.

    Returns:
        The places of the groups of each call.
    """
    calls: list[list[int]] = []
    for place in sorted(range(len(sizes)), key=lambda i: sizes[i]):
        group, length = sizes[place]
        first = sizes[calls[-1][0]] if calls else (0, 0)
        full = calls and group * len(calls[-1]) >= least
        if group != first[0] or (full and length > (1 + slack) * first[1]):
            calls.append([])
        calls[-1].append(place)
    return calls


def _groups(requests: Sequence[Request]) -> list[list[Request]]:
    """Groups requests that share a prompt and its sampling: those of one problem that hide nothing."""
    groups: dict[object, list[Request]] = {}
    for place, (problem, task) in enumerate(requests):
        shared = task.ratio == 0 or not problem.images
        groups.setdefault((problem.id, task.screening) if shared else place, []).append((problem, task))
    return list(groups.values())

"""Logs how far a scoring is, in trials and decided problems, and about how long it still takes."""

import logging
import time
from collections.abc import Callable, Sequence

from cogito_pl.difficulty.scorer import Scorer, expected_path
from cogito_pl.difficulty.trials import Trial, TrialStore
from cogito_pl.difficulty.waves import Runner
from cogito_pl.problem import Problem

_log = logging.getLogger(__name__)
EVERY_S = 20.0
"""Seconds between two lines."""


class TrialProgress:
    """Counts the trials of one source on one rank.

    Args:
        label: Name of the source.
        scorer: Says which problems are decided.
        problems: Those of this rank.
        store: Their trials.
        log: Takes a line.
        clock: Seconds, for the time that is left.
    """

    def __init__(
        self,
        label: str,
        scorer: Scorer,
        problems: Sequence[Problem],
        store: TrialStore,
        log: Callable[[str], None] = _log.info,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.label, self.scorer, self.problems, self.store = label, scorer, problems, store
        self.log, self.clock = log, clock
        self.began = self.shown = clock()
        self.run = 0
        self.found = len(store)
        if self.found:
            decided, _ = self.state()
            log(
                f"{label}: {self.found:,} trials found, going on; {decided:,} of {len(problems):,} problems are decided"
            )

    def add(self, trials: int) -> None:
        """Counts trials that were run; logs a line if the last one is some time ago."""
        self.run += trials
        now = self.clock()
        if now - self.shown >= EVERY_S:
            self.shown = now
            decided, left = self.state()
            seconds = left * (now - self.began) / max(1, self.run)
            self.log(
                f"{self.label}: {self.run:,} trials run, {decided:,} of {len(self.problems):,} problems decided, about "
                f"{left:,} trials and {duration(seconds)} left"
            )

    def state(self) -> tuple[int, int]:
        """Problems that are decided, and about how many trials the others still need.

        Of a problem that has trials, those along its expected path; of one without, as many as a decided one had.
        """
        decided, used, left, untried = 0, 0, 0, []
        for problem in self.problems:
            outcomes, images = self.store.outcomes(problem.id), len(problem.images)
            if not self.scorer.wanted(outcomes, images):
                decided, used = decided + 1, used + len(outcomes)
            elif outcomes:
                left += sum(1 for _ in expected_path(self.scorer, outcomes, images))
            else:
                untried.append(images)
        mean = used / decided if decided else None
        alike = {images: sum(1 for _ in expected_path(self.scorer, {}, images)) for images in set(untried)}
        return decided, left + round(sum(alike[images] if mean is None else mean for images in untried))


class CountedRunner:
    """Runs trials by another runner, and counts them.

    Args:
        runner: Runs them.
        progress: Counts them.
    """

    def __init__(self, runner: Runner, progress: TrialProgress) -> None:
        self.runner, self.progress = runner, progress

    @property
    def set_aside(self) -> list[Problem]:
        """Problems whose trials cannot be run."""
        return self.runner.set_aside

    def __call__(self, requests: Sequence) -> list[Trial]:
        """The trials of the other runner."""
        trials = self.runner(requests)
        self.progress.add(len(trials))
        return trials


def duration(seconds: float) -> str:
    """A time in the unit that fits it: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

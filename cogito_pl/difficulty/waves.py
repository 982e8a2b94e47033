"""Decides which trials are run next, side by side, as a pure function of the outcomes so far.

Every problem under way contributes the trials that it needs whatever their outcomes. Trials of the whole image share
the reading of their prompt, which costs more than a response: once one of them was wrong, those that will be needed if
the others are wrong too are asked for together. Where trials are too few to fill a batch, which costs about as much
when it is half empty, some are added that will be needed if every further outcome is like the last one.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice, takewhile
from typing import Protocol

from cogito_pl.difficulty.scorer import Outcomes, Scorer, Task, expected_path
from cogito_pl.difficulty.trials import Trial, TrialStore
from cogito_pl.problem import Problem

TOGETHER = 10
"""Most trials of one problem that are asked for together after a miss: the paper's number of trials of a ratio."""

Known = Mapping[str, tuple[Outcomes, int]]
"""What is known of every problem under way: the outcomes of its trials, and how many images it has."""


class Runner(Protocol):
    """Runs trials."""

    set_aside: list[Problem]
    """Problems whose trials cannot be run."""

    def __call__(self, requests: Sequence[tuple[Problem, Task]]) -> list[Trial]:
        """The trials, without those of problems that were set aside."""


def run_until_decided(
    scorer: Scorer,
    problems: Sequence[Problem],
    store: TrialStore,
    run: Runner,
    *,
    most: int,
    least: int,
    busiest: Callable[[int], int] = int,
) -> None:
    """Runs waves of trials until every problem is decided or set aside.

    Args:
        scorer: Asks for trials.
        problems: Of one source.
        store: What is known; what is run is added to it wave by wave.
        run: Runs a wave.
        most: Trials of a wave.
        least: See `next_wave`.
        busiest: Gives the maximum of a number over all ranks that must run equally many waves.
    """
    by_id = {problem.id: problem for problem in problems}
    for problem in problems:
        store.check(problem)
    while True:
        aside = {problem.id for problem in run.set_aside}
        known = {name: (store.outcomes(name), len(by_id[name].images)) for name in by_id if name not in aside}
        wave = next_wave(scorer, known, most=most, least=least)
        if not busiest(len(wave)):
            return
        store.append(run([(by_id[name], task) for name, task in wave]))


def next_wave(scorer: Scorer, known: Known, *, most: int, least: int) -> list[tuple[str, Task]]:
    """The next trials, as pairs of problem id and task; none once every problem is decided.

    Args:
        scorer: Asks for trials.
        known: The problems under way.
        most: Trials of a wave.
        least: Fill a smaller wave up to this many with trials that may turn out not to be needed.
    """
    certain: list[tuple[str, Task]] = []
    for name, (outcomes, images) in known.items():
        tasks = _sharing(scorer, outcomes, images)
        if certain and len(certain) + len(tasks) > most:  # the next wave's: a group that is cut is read twice
            break
        certain += [(name, task) for task in tasks]
    if not certain or len(certain) >= least:
        return certain[:most]
    return certain + _likely(scorer, known, set(certain), min(least, most) - len(certain))


def _sharing(scorer: Scorer, outcomes: Outcomes, images: int) -> list[Task]:
    """What a problem wants and, after a miss, what it will want of the same prompt if the others miss too."""
    wanted = scorer.wanted(outcomes, images)
    missed = not next(reversed(outcomes.values()), True)
    if not missed or any(task.ratio for task in wanted):
        return wanted
    path = takewhile(lambda task: task.ratio == 0, expected_path(scorer, outcomes, images))
    return list(islice(path, max(TOGETHER, len(wanted))))


def _likely(scorer: Scorer, known: Known, taken: set[tuple[str, Task]], room: int) -> list[tuple[str, Task]]:
    """Further trials along each problem's expected path, one from every problem in turn."""
    paths: Sequence = [(name, expected_path(scorer, *what)) for name, what in known.items()]
    found: list[tuple[str, Task]] = []
    while paths and len(found) < room:
        going = []
        for name, path in paths:
            task = next((task for task in path if (name, task) not in taken), None)
            if task is not None and len(found) < room:
                found.append((name, task))
                going.append((name, path))
        paths = going
    return found

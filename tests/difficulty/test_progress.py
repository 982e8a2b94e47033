"""How far a scoring is: trials found, trials run, problems decided, and the time that is left."""

import pytest

from cogito_pl.difficulty import PassRate, Task
from cogito_pl.difficulty.progress import EVERY_S, CountedRunner, TrialProgress, duration
from tests.conftest import problem


class Store:
    """Outcomes of trials, of which some are there from the start."""

    def __init__(self, **done):
        self.done = done

    def __len__(self):
        return sum(self.done.values())

    def outcomes(self, name):
        return {Task(0.0, repeat): True for repeat in range(self.done.get(name, 0))}


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


PROBLEMS = [problem(seed=seed) for seed in range(4)]


@pytest.fixture
def progress():
    lines, clock = [], Clock()

    def progress(**done):
        made = TrialProgress("charts", PassRate(repeats=5), PROBLEMS, Store(**done), lines.append, clock)
        return made, lines, clock

    return progress


def test_a_scoring_that_goes_on_says_how_much_it_found(progress):
    _, lines, _ = progress(p0=5, p1=2)
    assert lines == ["charts: 7 trials found, going on; 1 of 4 problems are decided"]


def test_a_fresh_scoring_says_nothing_until_some_time_has_passed(progress):
    counted, lines, clock = progress()
    clock.now += EVERY_S / 2
    counted.add(3)
    assert lines == []


def test_the_time_left_is_that_of_the_trials_left_at_the_pace_so_far(progress):
    counted, lines, clock = progress()
    counted.store.done = {"p0": 5, "p1": 2}  # p1 needs 3 more, the two untried ones 5 each, as p0 did
    clock.now += 2 * EVERY_S
    counted.add(10)
    seconds = duration(13 * 2 * EVERY_S / 10)
    assert lines == [f"charts: 10 trials run, 1 of 4 problems decided, about 13 trials and {seconds} left"]
    clock.now += EVERY_S / 2
    counted.add(1)
    assert len(lines) == 1


def test_trials_that_were_found_do_not_count_for_the_pace(progress):
    counted, lines, clock = progress(p0=5, p1=5)
    clock.now += EVERY_S
    counted.add(2)
    assert lines[-1].endswith(
        f"2 trials run, 2 of 4 problems decided, about 10 trials and {duration(5 * EVERY_S)} left"
    )


def test_a_runner_is_counted_and_keeps_its_problems_that_were_set_aside(progress):
    counted, _, _ = progress()

    class Runner:
        set_aside = PROBLEMS[:1]

        def __call__(self, requests):
            return list(requests)[1:]

    runner = CountedRunner(Runner(), counted)
    assert runner([1, 2, 3]) == [2, 3]
    assert counted.run == 2
    assert runner.set_aside == PROBLEMS[:1]


def test_times_are_told_in_the_unit_that_fits_them():
    assert [duration(s) for s in (5, 89, 120, 5399, 5400, 36000)] == [
        "5 s",
        "89 s",
        "2 min",
        "90 min",
        "1.5 h",
        "10.0 h",
    ]

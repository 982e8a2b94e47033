"""The trials in their file: what is drawn depends on those before alone, and a trial is pruned by the median."""

from dataclasses import replace

import pytest
from optuna.trial import TrialState

from cogito_pl.experiments.search.options import SearchOptions
from cogito_pl.experiments.search.space import read_space
from cogito_pl.experiments.search.trials import FILE, LEAST, Trials, create, distributions, draw
from tests.experiments.search.conftest import SPACE

OPTIONS = SearchOptions(space=read_space(SPACE, ""), trials=8, startup=3, seeds=(5, 6))
COST = {"wall_s": 1.0, "cpu_s": 2.0}
LR = "model.optimizer.lr"


@pytest.fixture
def file(in_memory, tmp_path):
    create(tmp_path / "trials", OPTIONS.fingerprint() | {"updates": 10})
    return tmp_path / "trials"


@pytest.fixture
def trials(file):
    return Trials(file)


def begin(trials, options=OPTIONS):
    return trials.begin(draw(options, trials.all()), distributions(options))


def run(trials, *values):
    """A running trial with these values after 5, 10, 15 and 20 updates, of which the last ones may be missing."""
    number = begin(trials)
    for place, value in enumerate(values, 1):
        trials.report(number, 5 * place, value)
    return number


def done(trials, *values):
    trials.finish(number := run(trials, *values), trials.value(number), COST)


def test_what_is_in_the_file_is_all_that_another_process_needs(tmp_path):
    file = tmp_path / "my trials?#%20" / FILE
    create(file, OPTIONS.fingerprint() | {"updates": 10})
    trials = Trials(file)
    done(trials, 0.3, 0.2, 0.1, 0.4)
    running = run(trials, 0.2)
    other = Trials(file)
    other.report(running, 5, 0.9)
    other.report(running, 10, 0.1)
    assert trials.all()[running].intermediate_values == {5: 0.2, 10: 0.1}
    assert trials.pruned(running) is other.pruned(running) is False
    other.report(running, 15, 0.05)
    assert draw(OPTIONS, other.all()) == draw(OPTIONS, trials.all())
    assert other.settings == OPTIONS.fingerprint() | {"updates": 10}
    other.finish(running, None, COST)
    assert [trial.state for trial in trials.all()] == [TrialState.COMPLETE, TrialState.PRUNED]
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_what_is_drawn_depends_on_the_trials_before_and_the_seed(trials, file):
    for place in range(4):
        done(trials, *[0.1 * place] * 4)
    before, next_one = trials.all(), draw(OPTIONS, trials.all())
    assert len({trial.params[LR] for trial in before}) == 4
    assert draw(OPTIONS, Trials(file).all()) == next_one
    assert draw(OPTIONS, before[:3]) == before[3].params
    assert draw(replace(OPTIONS, sampler_seed=1), before) != next_one
    assert draw(replace(OPTIONS, startup=5), before) != next_one  # at random, where that is by TPE
    assert draw(replace(OPTIONS, direction="minimize"), before) != next_one


def test_a_trial_that_is_running_says_nothing_to_the_next_but_that_it_is_another(trials):
    for place in range(4):
        done(trials, *[0.1 * place] * 4)
    first, running = draw(OPTIONS, trials.all()), run(trials, 0.9, 0.9)
    assert trials.all()[running].params == first
    assert draw(OPTIONS, trials.all()) != first


def test_tpe_finds_what_random_settings_do_not(trials):
    options = replace(OPTIONS, startup=5, trials=40)
    for _ in range(30):
        number = begin(trials, options)
        rate = trials.all()[number].params[LR]
        for step in (5, 15):
            trials.report(number, step, 1 - abs(rate - 3.0e-3) * 100)
        trials.finish(number, trials.value(number), COST)
    late = [trial.value for trial in trials.all()[-8:]]
    assert sum(late) / 8 > sum(trial.value for trial in trials.all()[:5]) / 5 + 0.05
    assert trials.best().value > 0.95


@pytest.mark.parametrize(
    ("own", "pruned"),
    [
        ((0.2,), False),  # the median of 0.1, 0.2, 0.9
        ((0.19,), True),
        ((0.19, 0.6), False),  # its best so far against 0.5
        ((0.3, 0.4), True),
        ((0.3, 0.5, 0.1), False),
        ((0.0, 0.0, 0.0, 0.0), False),  # at its end
        ((), False),
    ],
)
def test_a_trial_is_pruned_below_the_median_of_the_complete_ones_at_the_same_update(trials, own, pruned):
    for first, second in ((0.1, 0.9), (0.2, 0.5), (0.9, 0.2)):
        done(trials, first, second, 0.0, 0.0)
    assert trials.pruned(run(trials, *own)) is pruned


def test_nothing_is_pruned_before_enough_trials_are_complete(trials):
    for value in (0.5, 0.6):
        done(trials, *[value] * 4)
    assert not trials.pruned(run(trials, 0.0, 0.0))


def test_the_value_is_the_mean_over_seeds_of_the_last_reports(trials):
    assert trials.value(run(trials, 0.9, 0.25, 0.1, 0.75)) == 0.5
    assert trials.value(run(trials, 0.2, 0.3, 0.5)) == 0.4
    assert trials.value(run(trials, 0.2, 0.3)) is None


def test_a_report_that_is_repeated_changes_nothing_and_is_seen_by_others(trials, file):
    number = run(trials, 0.2)
    Trials(file).report(number, 5, 0.7)
    Trials(file).report(number, 10, 0.8)
    assert trials.all()[number].intermediate_values == {5: 0.2, 10: 0.8}


def test_the_best_is_the_first_of_equal_complete_ones_in_the_direction_of_the_search(trials, tmp_path):
    assert trials.best() is None
    for value in (0.5, 0.8, 0.8):
        done(trials, *[value] * 4)
    number = run(trials, 0.99)
    trials.finish(number, None, COST)
    assert trials.best().number == 1
    assert trials.all()[number].state == TrialState.PRUNED
    other = tmp_path / "other"
    create(other, replace(OPTIONS, direction="minimize").fingerprint() | {"updates": 10})
    lowest = Trials(other)
    for value in (0.5, 0.4, 0.8):
        done(lowest, *[value] * 4)
    assert lowest.best().number == 1
    assert lowest.pruned(run(lowest, 0.6))
    assert not lowest.pruned(run(lowest, 0.5))


def test_importances_are_shares_once_there_are_enough_trials(trials):
    assert trials.importances() == {}
    for _ in range(LEAST):
        number = begin(trials)
        rate = trials.all()[number].params[LR]
        done_with = {5: rate, 15: rate}
        for step, value in done_with.items():
            trials.report(number, step, value)
        trials.finish(number, trials.value(number), COST)
        assert bool(trials.importances()) == (number + 1 == LEAST)
    found = trials.importances()
    assert found[LR] > found["sizes"]
    assert sum(found.values()) == pytest.approx(1)

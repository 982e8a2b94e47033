"""lambda* as the paper defines it, and no more trials than it takes."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogito_pl.difficulty import PISM, PassRate
from cogito_pl.difficulty.pism import RATIOS, failure_threshold, successes_to_pass, wilson_upper
from cogito_pl.difficulty.scorer import Task


def run_all(scorer, truth, images=1):
    """Answers what the scorer wants until it is satisfied, and tells what it asked for."""
    outcomes = {}
    while wanted := scorer.wanted(outcomes, images):
        assert not set(wanted) & set(outcomes)
        outcomes |= {task: truth(task) for task in wanted}
    return outcomes


@pytest.mark.parametrize(
    ("passes", "expected"),
    [
        ("1111100000", 0.5),
        ("1000000000", 0.1),
        ("0111111111", 0.0),
        ("0000000000", 0.0),
        ("1111111000", 0.7),
        ("1111111111", math.inf),
        ("1101111111", 0.2),
    ],
)
def test_the_failure_threshold_of_the_paper(passes, expected):
    accuracies = [float(level) for level in passes]
    assert failure_threshold(RATIOS, accuracies, 0.1) == expected
    outcomes = run_all(PISM(), lambda task: passes[round(task.ratio * 10)] == "1")
    score = PISM().score(outcomes, 1)
    assert score["lambda_star"] == expected
    assert score["solved"] == (passes[0] == "1")
    tried = 10 if expected == math.inf else round(expected * 10) + 1
    assert score["ratios"] == list(RATIOS[:tried])
    assert score["n_done"] == [1 if passes[level] == "1" else 10 for level in range(tried)]


def test_a_ratio_fails_strictly_below_the_threshold_only():
    assert failure_threshold([0.0], [0.1], 0.1) == math.inf
    assert failure_threshold([0.0], [0.0999], 0.1) == 0.0
    assert [successes_to_pass(10, tau) for tau in (0.05, 0.1, 0.11, 0.5, 1.0)] == [1, 1, 2, 5, 10]
    assert successes_to_pass(100, 0.07) == 7  # 0.07 * 100 is above 7 in floating point


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 12), st.integers(1, 100), st.lists(st.integers(0, 2**12 - 1), min_size=4, max_size=4))
def test_stopping_early_never_changes_the_score_and_runs_nothing_in_vain(repeats, percent, levels):
    ratios, threshold = (0.0, 0.2, 0.5, 0.9), percent / 100
    scorer = PISM(ratios=ratios, repeats=repeats, threshold=threshold)

    def truth(task):
        return bool(levels[ratios.index(task.ratio)] >> task.repeat & 1)

    everything = {Task(ratio, repeat): truth(Task(ratio, repeat)) for ratio in ratios for repeat in range(repeats)}
    accuracies = [sum(everything[Task(ratio, k)] for k in range(repeats)) / repeats for ratio in ratios]
    outcomes = run_all(scorer, truth)
    assert scorer.score(outcomes, 1)["lambda_star"] == failure_threshold(ratios, accuracies, threshold)
    assert scorer.score(everything, 1) == scorer.score(outcomes, 1)  # what was not needed does not show
    for left_out in outcomes:  # every trial that was asked for was needed
        assert scorer.wanted({task: correct for task, correct in outcomes.items() if task != left_out}, 1)


def test_an_open_score_says_that_it_is_open():
    score = PISM().score({Task(0.0, 0): True, Task(0.1, 0): False}, 1)
    assert (score["lambda_star"], score["solved"]) == (None, True)
    assert score["n_done"] == [1, 1]
    assert PISM().score({}, 1)["solved"] is None


def test_a_problem_without_images_is_tried_as_it_is():
    outcomes = run_all(PISM(), lambda task: True, images=0)
    assert list(outcomes) == [Task(0.0, 0)]
    assert PISM().score(outcomes, 0)["lambda_star"] == math.inf
    assert PISM().score(run_all(PISM(), lambda task: False, images=0), 0)["lambda_star"] == 0.0


def test_wilsons_interval_reaches_from_the_published_value():
    assert wilson_upper(0, 10, 1.96) == pytest.approx(0.2775, abs=1e-4)
    assert wilson_upper(5, 10, 1.96) == pytest.approx(0.7634, abs=1e-4)


def test_with_a_bound_a_ratio_fails_only_when_that_is_certain_enough():
    with pytest.raises(ValueError, match=r"repeats=10.*pass"):
        PISM(wilson=1.96)
    assert successes_to_pass(40, 0.1, 1.96) == 1
    assert successes_to_pass(60, 0.1, 1.96) < successes_to_pass(60, 0.1)


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ({"ratios": [0.1, 0.2]}, "ratios"),
        ({"ratios": [0.0, 0.2, 0.1]}, "ratios"),
        ({"ratios": [0.0, 1.2]}, "ratios"),
        ({"ratios": []}, "ratios"),
        ({"repeats": 0}, "repeats=0"),
        ({"threshold": 0.0}, "threshold=0"),
        ({"threshold": 1.1}, r"threshold=1\.1"),
        ({"operator": "blur"}, "blur"),
        ({"fill": "red"}, "red"),
        ({"patch": 0}, "patch=0"),
        ({"wilson": 0.0}, "wilson=0"),
    ],
)
def test_impossible_settings_are_refused_by_name_and_value(setting, named):
    with pytest.raises(ValueError, match=named):
        PISM(**setting)


@pytest.mark.parametrize(("correct", "keep"), [(0, True), (4, True), (5, False), (8, False)])
def test_the_pass_rate_keeps_what_is_correct_at_most_half_the_time(correct, keep):
    scorer = PassRate()
    outcomes = run_all(scorer, lambda task: task.repeat < correct)
    assert list(outcomes) == [Task(0.0, repeat) for repeat in range(8)]
    score = scorer.score(outcomes, 1)
    assert (score["pass_rate"], score["keep"], score["solved"]) == (correct / 8, keep, correct > 0)
    assert (score["n_ok"], score["n_done"]) == (correct, 8)


def test_a_pass_rate_is_open_until_all_trials_are_there():
    score = PassRate().score({Task(0.0, 3): True}, 1)
    assert (score["pass_rate"], score["keep"], score["solved"], score["n_done"]) == (None, None, None, 1)


@pytest.mark.parametrize("setting", [{"repeats": 0}, {"keep_at_most": 1.5}])
def test_an_impossible_pass_rate_is_refused(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        PassRate(**setting)

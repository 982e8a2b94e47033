"""Several samples of a problem, and seeds that share their problems: what counts as independent."""

import pytest

from cogito_pl.experiments.ablation.measures import area, compared, gains, measured, over_seeds, problem_interval
from cogito_pl.experiments.graded import problem_scores
from cogito_pl.experiments.intervals import mean_interval
from tests.experiments.ablation.results import graded

SAMPLES = [graded("++-+"), graded("+--+"), graded("+-++")]


def test_samples_are_counted_together_and_problems_scored_by_their_share():
    own = measured(SAMPLES)
    assert (own["n"], own["samples"], own["correct"], own["accuracy"]) == (12, 3, 8, pytest.approx(8 / 12))
    assert problem_scores(SAMPLES) == pytest.approx([1.0, 1 / 3, 1 / 3, 1.0])
    assert not any(name.startswith("by_") for name in own)


def test_any_column_breaks_results_down_and_a_row_without_a_value_is_told_apart():
    rows = [row | {"kind": "number", "meta": {"topic": "maps"}} for row in graded("++-")]
    rows[2]["meta"] = {}
    own = measured([rows], ["topic", "kind"])
    assert own["by_topic"] == {
        "maps": {"n": 2, "correct": 2, "accuracy": 1.0},
        "-": {"n": 1, "correct": 0, "accuracy": 0.0},
    }
    assert own["by_kind"]["number"]["n"] == 3


def test_a_sample_is_compared_with_the_sample_of_the_same_draws():
    pairs = compared(SAMPLES, [graded("+---"), graded("++-+"), graded("+-++")])
    assert pairs == {"estimate": pytest.approx(1 / 12), "both": 6, "won": 2, "lost": 1, "neither": 3}


def summary(scores, plain, *, same_test, samples):
    seeds = [
        {"correct": 1, "n": 8, "samples": samples, "accuracy": 0.5, "tokens_per_answer": 1.0, "greedy": 0.25}
        | {"area": 0.5, "difference": {"estimate": 0.1 * seed, "area": 0.2 * seed}}
        | {"difference": {"estimate": 0.1 * seed, "area": 0.2 * seed, "both": 1, "won": 2, "lost": 1, "neither": 4}}
        for seed in scores
    ]
    return over_seeds(seeds, scores, plain, same_test=same_test)


def test_completions_to_one_problem_are_one_observation():
    scores, plain = {1: [1.0, 0.5, 0.0], 2: [0.5, 0.5, 1.0]}, {1: [0.5, 0.5, 0.0], 2: [0.0, 0.5, 0.0]}
    own = summary(scores, plain, same_test=False, samples=2)
    assert own["accuracy_ci"] == list(mean_interval([1.0, 0.5, 0.0, 0.5, 0.5, 1.0])[1:])
    assert own["difference"]["ci_problems"] == list(mean_interval([0.5, 0.0, 0.0, 0.5, 0.0, 1.0])[1:])


def test_a_problem_that_all_seeds_share_is_one_observation():
    scores, plain = (
        {1: [1.0, 0.0, 0.0, 1.0] * 3, 2: [1.0, 0.0, 1.0, 0.0] * 3},
        {1: [0.0] * 12, 2: [1.0, 1.0, 0.0, 0.0] * 3},
    )
    own = summary(scores, plain, same_test=True, samples=1)
    assert own["accuracy_ci"] == list(mean_interval([1.0, 0.0, 0.5, 0.5] * 3)[1:])
    assert own["difference"]["ci_problems"] == list(mean_interval([0.5, -0.5, 0.5, 0.5] * 3)[1:])
    assert problem_interval({1: [1.0]}, same_test=True) is None


def test_a_seed_whose_plain_run_is_missing_has_no_gains():
    assert gains({1: [1.0], 2: [0.5]}, {2: [0.25]}) == {2: [0.25]}


def test_greedy_accuracy_and_areas_are_means_over_seeds():
    own = summary({1: [1.0, 0.0], 3: [1.0, 0.0]}, {1: [0.0, 0.0], 3: [0.0, 0.0]}, same_test=False, samples=2)
    assert (own["greedy"], own["area"]) == (0.25, 0.5)
    assert own["difference"]["area"]["estimate"] == pytest.approx(0.4)
    assert own["difference"]["area"]["ci_seeds"] == pytest.approx(list(mean_interval([0.2, 0.6])[1:]))


@pytest.mark.parametrize(
    ("curve", "height"),
    [([(10, 0.2), (20, 0.4), (40, 0.8)], (3 + 12) / 30), ([(15, 0.7)], 0.7), ([(5, 0.5), (6, 0.5)], 0.5)],
)
def test_the_area_is_the_mean_height_of_the_curve(curve, height):
    assert area(curve) == pytest.approx(height)

import pytest

from cogito_pl.experiments.ablation.measures import compared, measured, over_seeds
from cogito_pl.experiments.intervals import mean_interval, paired_difference, wilson
from tests.experiments.ablation.results import BY, arm, graded, result


def test_what_a_model_achieves_is_counted_in_all_and_by_group():
    own = measured([graded("++-+--")], BY)
    assert (own["n"], own["correct"], own["accuracy"]) == (6, 3, 0.5)
    assert own["by_family"]["count"] == {"n": 3, "correct": 2, "accuracy": 2 / 3}
    assert own["by_difficulty"]["3"] == {"n": 2, "correct": 0, "accuracy": 0.0}
    assert list(own["by_difficulty"]) == ["1", "2", "3"]


def test_a_difference_is_over_the_same_problems():
    pairs = compared([graded("++-+-")], [graded("+-+--")])
    assert pairs == {"estimate": pytest.approx(0.2), "both": 1, "won": 2, "lost": 1, "neither": 1}


def test_problems_are_pooled_and_seeds_are_not():
    own = arm(["+++++++---", "++++++++--"], ["++++------", "+++++-----"], cpu_s=50.0)
    assert own["accuracy"] == 0.75
    assert own["accuracy_ci"] == list(wilson(15, 20))
    assert own["difference"]["estimate"] == pytest.approx(0.3)
    assert own["difference"]["ci_problems"] == list(paired_difference(9, 6, 0, 5)[1:])
    other = arm(["+++++++---", "+++++++++-"], ["++++------", "+++++-----"])["difference"]
    assert other["ci_seeds"] == list(mean_interval([0.3, 0.4])[1:])


def test_one_seed_says_nothing_about_seeds():
    difference = result(seeds=1)["arms"]["better"]["difference"]
    assert difference["ci_seeds"] is None
    assert difference["ci_problems"][0] < difference["estimate"] < difference["ci_problems"][1]


def test_seeds_that_failed_are_left_out_of_the_means():
    own = arm([None, "++++++++--"], ["++++------", "+++++-----"])
    assert own["accuracy"] == 0.8
    assert own["difference"]["estimate"] == pytest.approx(0.3)
    assert over_seeds([]) == {}

import pytest

from cogito_pl.experiments.intervals import student_quantile
from cogito_pl.experiments.power import found_with, pooled_deviation, smallest_difference


@pytest.mark.parametrize(
    ("sd", "expected"),
    [(0.65, (2.12, 1.09, 0.75)), (1.0, (3.26, 1.68, 1.16)), (1.2, (3.92, 2.02, 1.39))],
)
def test_the_smallest_difference_of_three_five_and_eight_seeds(sd, expected):
    assert [smallest_difference(sd, seeds) for seeds in (3, 5, 8)] == pytest.approx(expected, abs=0.006)


def test_without_a_difference_the_test_finds_one_as_often_as_its_level_says():
    for degrees, level in ((1, 0.95), (2, 0.95), (7, 0.9)):
        assert found_with(0.0, student_quantile(degrees, level), degrees) == pytest.approx(1 - level, abs=1e-5)


@pytest.mark.parametrize(("noncentrality", "degrees", "share"), [(2.0, 4, 0.3364), (3.0, 2, 0.3870), (1.5, 7, 0.2554)])
def test_power_is_the_share_of_draws_that_are_found(noncentrality, degrees, share):
    """Shares of four million draws of `(Z + noncentrality) / sqrt(chi2 / degrees)`."""
    assert found_with(noncentrality, student_quantile(degrees), degrees) == pytest.approx(share, abs=0.001)


def test_a_higher_power_takes_a_larger_difference_and_many_seeds_come_near_the_normal_one():
    assert smallest_difference(1.0, 5, power=0.9) > smallest_difference(1.0, 5)
    assert smallest_difference(1.0, 400) * 20 == pytest.approx(1.95996 + 0.84162, rel=0.01)


def test_one_seed_finds_nothing():
    assert smallest_difference(1.0, 1) is None


def test_deviations_are_pooled_about_the_mean_of_each_arm():
    assert pooled_deviation([[1.0, 3.0], [10.0, 10.0, 13.0], [5.0]]) == pytest.approx(((2 + 6) / 3) ** 0.5)
    assert pooled_deviation([[5.0], []]) is None

import pytest

from cogito_pl.experiments.intervals import (
    Z95,
    mean_interval,
    paired_difference,
    share_interval,
    student_quantile,
    wilson,
)


@pytest.mark.parametrize(
    ("correct", "count", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_the_published_one(correct, count, low, high):
    assert wilson(correct, count) == pytest.approx((low, high), abs=6e-5)


def test_wilsons_interval_is_symmetric_in_correct_and_wrong():
    low, high = wilson(3, 17)
    assert wilson(14, 17) == pytest.approx((1 - high, 1 - low))


def test_nothing_measured_means_nothing_known():
    assert wilson(0, 0) == (0.0, 1.0)
    assert paired_difference(0, 0, 0, 0) == (0.0, -1.0, 1.0)


def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValueError, match="correct=3 of count=2"):
        wilson(3, 2)


def test_the_paired_interval_is_the_published_one():
    # Newcombe, Statistics in Medicine 17 (1998) 2635-2650, table II, method 10: 36, 12, 2, 0 of 50 pairs
    assert paired_difference(36, 12, 2, 0) == pytest.approx((0.2, 0.0569, 0.3404), abs=6e-5)


def test_the_paired_interval_turns_over_with_the_pair():
    difference, low, high = paired_difference(20, 30, 5, 45)
    assert paired_difference(20, 5, 30, 45) == pytest.approx((-difference, -high, -low))


def test_pairs_that_agree_give_a_narrower_interval_than_pairs_that_do_not():
    _, low, high = paired_difference(45, 10, 5, 40)
    _, wide_low, wide_high = paired_difference(25, 30, 25, 20)
    assert high - low < wide_high - wide_low


def test_equal_outcomes_still_leave_doubt():
    difference, low, high = paired_difference(0, 0, 0, 20)
    assert difference == 0
    assert low < 0 < high


@pytest.mark.parametrize(
    ("degrees", "level", "quantile"),
    [  # NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, critical values of Student's t
        (1, 0.95, 12.706), (1, 0.99, 63.657), (2, 0.95, 4.303), (3, 0.80, 1.638), (4, 0.99, 4.604), (5, 0.95, 2.571),
        (9, 0.90, 1.833), (10, 0.95, 2.228), (29, 0.95, 2.045), (100, 0.998, 3.174),
    ],
)  # fmt: skip
def test_students_quantile_is_the_published_one(degrees, level, quantile):
    assert student_quantile(degrees, level) == pytest.approx(quantile, abs=6e-4)


def test_students_quantile_falls_towards_the_normal_one():
    quantiles = [student_quantile(degrees) for degrees in range(1, 60)]
    assert quantiles == sorted(quantiles, reverse=True)
    assert student_quantile(10_001) == pytest.approx(Z95, abs=3e-4)


@pytest.mark.parametrize(("degrees", "level"), [(0, 0.95), (3, 0.0), (3, 1.0)])
def test_quantiles_that_do_not_exist_are_refused(degrees, level):
    with pytest.raises(ValueError, match=f"degrees={degrees}, level={level}"):
        student_quantile(degrees, level)


def test_the_interval_of_a_mean_is_that_of_the_sleep_data():
    # Student, Biometrika 6 (1908), table of Cushny and Peebles: additional hours of sleep, drug 2 minus drug 1
    differences = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    assert mean_interval(differences) == pytest.approx((1.58, 0.7001, 2.4599), abs=1e-4)


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="at least 2"):
        mean_interval([0.3])


def test_the_share_of_problems_is_wilsons_for_verdicts_and_students_for_shares_of_several_completions():
    assert share_interval([1.0, 0.0, 1.0]) == (2 / 3, *wilson(2, 3))
    assert share_interval([0.5]) == (0.5, *wilson(0, 1))
    mean, low, high = mean_interval([0.5, 1.0, 0.75, 0.25])
    assert high > 1
    assert share_interval([0.5, 1.0, 0.75, 0.25]) == (mean, low, 1.0)

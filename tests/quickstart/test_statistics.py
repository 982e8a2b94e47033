import pytest

from cogito_pl.quickstart.statistics import paired_difference, wilson


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_the_published_one(right, count, low, high):
    assert wilson(right, count) == pytest.approx((low, high), abs=6e-5)


def test_wilsons_interval_is_symmetric_in_right_and_wrong():
    low, high = wilson(3, 17)
    assert wilson(14, 17) == pytest.approx((1 - high, 1 - low))


def test_nothing_measured_means_nothing_known():
    assert wilson(0, 0) == (0.0, 1.0)
    assert paired_difference(0, 0, 0, 0) == (0.0, -1.0, 1.0)


def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValueError, match="3 successes of 2"):
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

"""The coefficient of the entropy bonus over the optimiser steps of a run."""

import pytest

from cogito_pl.rl.entropy_schedule import EntropySchedule
from cogito_pl.rl.losses import LossConfig


@pytest.mark.parametrize("warmup", [140, 20])  # of the paper and of the released code
def test_the_bonus_begins_after_the_warm_up_and_halves_every_46_steps(warmup):
    schedule = EntropySchedule(warmup=warmup)
    assert [schedule(0.02, step) for step in (0, warmup)] == [0.0, 0.0]
    assert schedule(0.02, warmup + 1) == 0.02
    assert schedule(0.02, warmup + 2) == pytest.approx(0.02 * 0.985)
    assert schedule(0.02, warmup + 1 + 46) == pytest.approx(0.01, abs=1e-4)


def test_the_coefficient_falls_to_its_floor_and_no_further():
    schedule = EntropySchedule(warmup=1, decay=0.5, floor=0.03)
    assert [schedule(0.1, step) for step in range(6)] == [0.0, 0.0, 0.1, 0.05, 0.03, 0.03]


def test_the_config_of_a_step_has_the_coefficient_of_that_step_and_is_final():
    config = LossConfig(entropy_coef=0.1, kl_coef=0.3, entropy_schedule=EntropySchedule(warmup=2, decay=0.5))
    assert config.entropy_gradient
    assert config.reaches_every_row
    assert not config.at(2).entropy_gradient
    assert config.at(4) == LossConfig(entropy_coef=0.05, kl_coef=0.3)
    plain = LossConfig(entropy_coef=0.1)
    assert plain.at(7) == plain


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"warmup": -1}, r"loss\.entropy_schedule\.warmup=-1 is negative"),
        ({"decay": 0.0}, r"loss\.entropy_schedule\.decay=0\.0 is outside \(0, 1\]"),
        ({"decay": 1.1}, r"loss\.entropy_schedule\.decay=1\.1 is outside \(0, 1\]"),
        ({"floor": -0.1}, r"loss\.entropy_schedule\.floor=-0\.1 must be a number of 0 or more"),
    ],
)
def test_values_that_make_no_schedule_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        EntropySchedule(**settings)


def test_a_schedule_without_a_coefficient_is_refused():
    with pytest.raises(ValueError, match=r"loss\.entropy_schedule has no effect while loss\.entropy_coef is 0"):
        LossConfig(entropy_schedule=EntropySchedule())

"""Training curves: reading, smoothing, thinning and shifting."""

from statistics import fmean

import pytest
from torch.utils.tensorboard import SummaryWriter

from cogito_pl.report.curves import middle, read_curves, shifted, smoothed, thinned


def test_a_running_mean_keeps_constants_ends_and_length():
    assert smoothed([(step, 2.0) for step in range(9)]) == [(step, 2.0) for step in range(9)]
    curve = [(0, 1.0), (1, 5.0), (2, 3.0)]
    assert smoothed(curve) == [(0, 1.0), (1, 3.0), (2, 3.0)]
    assert smoothed([]) == []
    assert shifted(curve, 10)[0] == (10, 1.0)


def test_a_running_mean_is_over_a_tenth_of_a_long_curve():
    curve = [(step, float(step % 7)) for step in range(100)]
    assert smoothed(curve)[50][1] == pytest.approx(fmean(value for _, value in curve[45:56]))


def test_a_long_curve_is_thinned_to_means_and_a_short_one_is_not():
    curve = [(step, float(step)) for step in range(1000)]
    assert thinned(curve, 1000) == curve
    assert thinned(curve, 250)[:2] == [(1.5, 1.5), (5.5, 5.5)]
    assert len(thinned(curve, 300)) <= 300


def test_of_a_step_that_was_logged_twice_the_later_value_counts(tmp_path):
    for time, value in ((10.0, 1.0), (20.0, 3.0)):
        with SummaryWriter(tmp_path) as board:
            board.add_scalar("loss", value, 5, walltime=time)
            board.add_scalar("loss", 0.5, 4, walltime=time)
    assert read_curves(tmp_path) == {"loss": [(4, 0.5), (5, 3.0)]}


def test_an_event_that_was_cut_off_ends_the_curve(tmp_path):
    with SummaryWriter(tmp_path) as board:
        for step in range(4):
            board.add_scalar("loss", step, step)
    (file,) = tmp_path.iterdir()
    data = file.read_bytes()
    for cut in (1, 20, len(data) - 5):
        file.write_bytes(data[:-cut])
        assert (
            read_curves(tmp_path).get("loss", []) == [(step, float(step)) for step in range(4)][: 3 if cut < 30 else 0]
        )


def test_texts_and_images_of_a_board_are_no_curves(tmp_path):
    with SummaryWriter(tmp_path) as board:
        board.add_text("words", "some", 1)
        board.add_scalar("loss", 1.0, 1)
    assert list(read_curves(tmp_path)) == ["loss"]
    assert read_curves(tmp_path / "nothing here") == {}


def test_the_middle_is_the_median():
    assert middle([(0, 1.0), (1, 9.0), (2, 2.0)]) == 2.0
    assert middle([]) is middle(None) is None

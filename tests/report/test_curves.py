"""Training curves: reading, smoothing and shifting."""

from torch.utils.tensorboard import SummaryWriter

from cogito_pl.report.curves import middle, read_curves, shifted, smoothed


def test_a_running_mean_keeps_constants_ends_and_length():
    assert smoothed([(step, 2.0) for step in range(9)]) == [(step, 2.0) for step in range(9)]
    curve = [(0, 1.0), (1, 5.0), (2, 3.0)]
    assert smoothed(curve) == [(0, 1.0), (1, 3.0), (2, 3.0)]
    assert smoothed([]) == []
    assert shifted(curve, 10)[0] == (10, 1.0)


def test_of_a_step_that_was_logged_twice_the_later_value_counts(tmp_path):
    for time, value in ((10.0, 1.0), (20.0, 3.0)):
        with SummaryWriter(tmp_path) as board:
            board.add_scalar("loss", value, 5, walltime=time)
            board.add_scalar("loss", 0.5, 4, walltime=time)
    assert read_curves(tmp_path) == {"loss": [(4, 0.5), (5, 3.0)]}


def test_the_middle_is_the_median():
    assert middle([(0, 1.0), (1, 9.0), (2, 2.0)]) == 2.0
    assert middle([]) is middle(None) is None

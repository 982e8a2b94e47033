"""The table of a validation is of that validation alone, and counts correct answers, not those that could be read."""

from types import SimpleNamespace

import pytest

from callbacks import ValidationReport
from tests.rl.rollouts import graded


@pytest.fixture
def trainer():
    """As much of a trainer as the callback sees."""
    return SimpleNamespace(
        state=SimpleNamespace(fn="validate"), world_size=1, is_global_zero=True, callback_metrics={},
        validate_loop=SimpleNamespace(verbose=True),
    )  # fmt: skip


def test_a_second_validation_starts_afresh_and_unread_answers_are_wrong(trainer, capsys):
    report = ValidationReport()
    for correct in ([1, 1, 0], [1, 0, 0, 0]):
        rollout = graded(correct, 1)
        assert all(grade.parsed for grade in rollout.grades)
        report.on_validation_start(trainer, None)
        report.on_validation_rollout(trainer, None, rollout, "test")
        report.on_validation_end(trainer, None)
    rows = [line.replace("│", " ").split() for line in capsys.readouterr().out.splitlines() if " all " in line]
    assert [row[1:3] for row in rows] == [["3", "66.7%"], ["4", "25.0%"]]

"""The learning rate falls to the end of the run as it is now, which a resumed run may have moved."""

from dataclasses import replace

import lightning.pytorch as L
import pytest

from cogito_pl.modules.learning_rate import ScheduleConfig
from tests.modules.curricula import STAGES, run

FLAT = dict.fromkeys(range(40), 0.0)


@pytest.fixture
def go(tiny_folder, playground_folder, tmp_path):
    def run_once(*more, **settings):
        return run(tmp_path, tiny_folder, playground_folder, *more, scores=FLAT, **settings)[0]

    return run_once


def used(seen):
    """The rate of every optimiser step, of two micro-batches each."""
    return [record["lr"] for record in seen.steps[::2]]


def falling(total, first, last=None):
    return pytest.approx([1e-3 * (total - step) / total for step in range(first, last or total)])


def test_a_finished_run_that_gets_more_epochs_trains_at_the_rate_of_the_longer_run(go, caplog):
    caplog.set_level("INFO")
    assert used(go(stages=(), handoff=False, trainer_settings={"max_epochs": 1}, cuts=["epoch4"])) == falling(4, 0)
    assert "the learning rate spans" not in caplog.text
    longer = go(stages=(), handoff=False, trainer_settings={"max_epochs": 2}, resume="epoch4")
    assert used(longer) == falling(8, 4)
    assert caplog.text.count("the learning rate spans 8 optimiser steps, no longer 4") == 1


def test_a_lifted_max_steps_moves_the_end_of_the_schedule_and_its_warm_up_stays(go):
    settings = {"stages": (), "handoff": False, "learning_rate": ScheduleConfig(warmup=2, decay="linear", final=0.5)}
    first = go(trainer_settings={"max_steps": 3}, cuts=["step3"], **settings)
    assert used(first) == pytest.approx([5e-4, 1e-3, 1e-3])
    rest = go(trainer_settings={"max_steps": 6}, resume="step3", **settings)
    assert used(rest) == pytest.approx([1e-3 * (0.5 + 0.5 * (6 - step) / 4) for step in range(3, 6)])


def test_a_stage_that_is_extended_while_it_lasts_falls_over_its_new_length(go):
    go(stages=STAGES[:2], cuts=["step2"])
    rest = go(stages=(replace(STAGES[0], epochs=3), STAGES[1]), resume="step2")
    assert used(rest) == [*falling(6, 2).expected, *falling(8, 0).expected]


class EndsFirstEpoch(L.Callback):
    """Ends the stage after the first epoch, by a rule of its own."""

    def on_validation_end(self, trainer, module):
        if trainer.current_epoch == 0 and trainer.global_step:
            trainer.datamodule.end_stage()


def test_a_stage_that_ends_early_shortens_the_one_schedule_of_a_run_alike_when_it_is_resumed(go):
    stages = (replace(STAGES[0], epochs=3), STAGES[2])
    whole = go(EndsFirstEpoch(), stages=stages, handoff=False, cuts=["val2"])
    assert used(whole) == pytest.approx([*(1e-3 * (12 - step) / 12 for step in range(2)), *falling(8, 2).expected])
    assert go(stages=stages, handoff=False, resume="val2").is_the_rest_of(whole)

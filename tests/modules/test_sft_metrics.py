"""What SFT logs is a mean over tokens, whatever micro-batches they were cut into."""

import pytest

from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import data, sft, trainer


def test_the_loss_that_is_logged_is_that_of_the_whole_step(tiny_folder, playground_folder, tmp_path):
    logged = []
    for micro_batch in (8, 2, 1):
        run = trainer(tmp_path)
        schedule = RolloutSchedule(prompts=8, group_size=1, micro_batch=micro_batch)
        run.fit(sft(tiny_folder, lr=0.0, schedule=schedule), data(playground_folder, "sft"))
        logged.append([float(run.callback_metrics[name]) for name in ("sft/loss", "sft/length_tokens")])
    assert logged[1] == pytest.approx(logged[0], rel=1e-5)
    assert logged[2] == pytest.approx(logged[0], rel=1e-5)

"""Levels of difficulty are those of the entry that `RolloutStatistics.difficulty` names."""

from types import SimpleNamespace

import pytest
import torch

from callbacks import RolloutStatistics
from cogito_pl.modules.metrics import Metrics
from tests.rl.rollouts import graded


def test_levels_are_read_from_the_entry_that_is_named():
    meta = [{"grade": 7, "difficulty": 1}, {"grade": 8, "difficulty": 1}, {"difficulty": 2}]
    module = SimpleNamespace(metrics=Metrics())
    trainer = SimpleNamespace(world_size=1, log_dir=None)
    rollout = graded([1, 1, 0, 1, 0, 0], 2, meta=meta, stage="hard", lengths=[4, 6, 8, 2, 9, 9], limit=9)
    RolloutStatistics(difficulty="grade").on_rollout_end(trainer, module, rollout)
    logged = module.metrics.pop(torch.device("cpu"))
    levels = {name: value for name, value in logged.items() if name.startswith("difficulty/")}
    assert {name.split("/")[1] for name in levels} == {"7", "8"}
    assert (levels["difficulty/7/accuracy"], levels["difficulty/8/accuracy"]) == (1, 0.5)
    assert (levels["difficulty/8/correct_length_tokens"], levels["difficulty/8/wrong_length_tokens"]) == (2, 8)
    assert logged["stage/hard/truncated"] == pytest.approx(1 / 3)
    assert logged["stage/hard/p/to_half"] == logged["p/to_half"] == pytest.approx(1 / 3)

"""A row of the table of completions is of one completion: its own problem, draw, reward and end."""

from dataclasses import replace

import pytest
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from callbacks import RolloutTable
from cogito_pl.files import read_jsonl
from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.completion_record import completion_record
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import TokenSumReward, data, grpo, trainer
from tests.rl.rollouts import graded


def test_a_record_has_the_values_of_its_row():
    rollout = replace(
        graded([1, 0, 0, 1, 1, 0], 2, lengths=[5, 9, 7, 9, 3, 2], limit=9, extra=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
        draws=(40, 41, 42), advantages=torch.arange(6) / 8, texts=tuple("abcdef"), policy_steps=(3, 5, 4),
        stage="hard",
    )  # fmt: skip
    rows = [completion_record(rollout, row, epoch=7) for row in range(6)]

    def column(name):
        return [row[name] for row in rows]

    assert column("draw") == [40, 40, 41, 41, 42, 42]
    assert column("id") == ["p0", "p0", "p1", "p1", "p2", "p2"]
    assert column("response") == list("abcdef")
    assert column("verdict") == ["right", "wrong", "wrong", "right", "right", "wrong"]
    assert column("reward") == pytest.approx([1.6, 0.7, 0.8, 1.9, 2.0, 1.1])
    assert column("advantage") == [row / 8 for row in range(6)]
    assert column("tokens") == [5, 9, 7, 9, 3, 2]
    assert column("finished") == [True, False, True, False, True, True]
    assert [row["terms"]["accuracy"] for row in rows] == [1, 0, 0, 1, 1, 0]
    assert {(row["step"], row["epoch"], row["stage"]) for row in rows} == {(5, 7, "hard")}


class Keep(RolloutCallback):
    """Keeps the rollouts."""

    def __init__(self):
        self.rollouts = []

    def on_rollout_end(self, trainer, module, rollout):
        self.rollouts.append(rollout)


@pytest.fixture(scope="module")
def finished(tiny_folder, playground_folder, tmp_path_factory):
    """Three rollouts of two updates each; every second one is recorded, and no validation."""
    folder, keep = tmp_path_factory.mktemp("table"), Keep()
    table = RolloutTable(every=2, prompts=2, validation=False, images=2)
    run = trainer(folder, TokenSumReward(), table, keep, logger=TensorBoardLogger(folder, name="", version="run"))
    schedule = RolloutSchedule(prompts=2, group_size=4, updates=2, micro_batch=4)
    problems = data(playground_folder, validation=True, rollouts_per_epoch=3)
    run.fit(grpo(tiny_folder, schedule=schedule), problems)
    board = EventAccumulator(str(folder / "run"), size_guidance={"images": 0})
    board.Reload()
    return folder / "run", keep.rollouts, board


def test_every_second_rollout_is_recorded_whatever_updates_are_taken_on_it(finished):
    folder, rollouts, _ = finished
    rows = read_jsonl(folder / "rollouts.rank0.jsonl")
    assert [row["step"] for row in rows] == [0] * 8 + [4] * 8
    assert [row["draw"] for row in rows] == [draw for draw in (0, 1, 4, 5) for _ in range(4)]
    kept = [rollouts[0], rollouts[2]]
    assert [row["advantage"] for row in rows] == [a for rollout in kept for a in rollout.advantages.tolist()]
    assert [row["reward"] for row in rows] == [r for rollout in kept for r in rollout.rewards.tolist()]
    assert not (folder / "validation.rank0.jsonl").exists()


def test_tensorboard_shows_every_image_of_the_problems_that_it_shows(finished):
    _, rollouts, board = finished
    shown = {
        f"rollout/{place}.{image}": 0
        for rollout in (rollouts[0], rollouts[2])
        for place, problem in enumerate(rollout.problems)
        for image in range(len(problem.images))
    }
    assert shown
    assert set(board.Tags()["images"]) == set(shown)

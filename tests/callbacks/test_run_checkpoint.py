"""Every run leaves a checkpoint; one that is interrupted ends like one that was not, from where it was saved on."""

import random
import signal
from pathlib import Path

import pytest
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from callbacks import BestCheckpointHandoff, RolloutStatistics, RolloutTable, RunCheckpoint
from cogito_pl.data.curriculum import Stage
from cogito_pl.files import read_jsonl
from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.resuming import continue_logs, newest_checkpoint
from cogito_pl.policy import SamplingConfig
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import TokenSumReward, data, grpo, trainer

JOURNALS = ("rollouts.jsonl", "rollouts.rank0.jsonl", "validation.rank0.jsonl")
TWO_UPDATES = RolloutSchedule(prompts=2, group_size=2, updates=2, micro_batch=1)
ONE_UPDATE = RolloutSchedule(prompts=2, group_size=2, micro_batch=2)
STAGES = (Stage(name="easy", epochs=2, rollouts_per_epoch=2), Stage(name="hard", epochs=1, rollouts_per_epoch=1))


class Signal(RolloutCallback):
    """Sends SIGTERM to this process at the `moment`-th of the places where something happens."""

    def __init__(self, moment: int | None = None, times: int = 1):
        self.moment, self.times, self.seen = moment, times, []

    def here(self, place: str) -> None:
        self.seen.append(place)
        if len(self.seen) - 1 == self.moment:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGTERM)

    def on_rollout_start(self, *_):
        self.here("before sampling")

    def on_rewards(self, trainer, module, rollout):
        self.here("sampled")
        return rollout

    def on_rollout_end(self, *_):
        self.here("rollout ends")

    def on_before_optimizer_step(self, *_):
        self.here("step")

    def on_before_zero_grad(self, *_):
        self.here("zero grad")

    def on_validation_rollout(self, *_):
        self.here("validation batch")

    def on_validation_end(self, *_):
        self.here("validation ends")

    def on_train_epoch_end(self, *_):
        self.here("epoch ends")


def go(folder, tiny, problems, *, moment=None, grace=30.0, schedule=TWO_UPDATES, stages=(), log=True):
    """A run in this process, or what is left of it; interrupted at a moment. The places it came by."""
    datamodule = data(problems, validation=True, rollouts_per_epoch=2, stages=stages, validation_batch=5)
    module = grpo(
        tiny,
        lr=1e-3,
        optimizer=torch.optim.AdamW,
        schedule=schedule,
        sampling=SamplingConfig(max_tokens=6),
        evaluation=SamplingConfig(max_tokens=1, temperature=0),
    )
    signals = Signal(moment)
    callbacks = [TokenSumReward(), signals, RolloutTable(every=2, images=0), RolloutStatistics(), RunCheckpoint(grace)]
    callbacks += [BestCheckpointHandoff()] if stages else []
    settings = {"max_epochs": -1 if stages else 3, "logger": TensorBoardLogger(folder) if log else False}
    fit = trainer(folder, *callbacks, log_every_n_steps=1, **settings)
    newest = newest_checkpoint(folder)
    if newest:
        continue_logs(fit, newest)
    fit.fit(module, datamodule, ckpt_path=newest)
    return signals.seen


def logs(folder: Path) -> dict[str, object]:
    """The lines of the journals and the points of TensorBoard, but those that Lightning adds."""
    run = newest_checkpoint(folder).parents[1]
    board = EventAccumulator(str(run), size_guidance={"scalars": 0})
    board.Reload()
    tags = [tag for tag in board.Tags()["scalars"] if tag not in ("epoch", "hp_metric")]
    points = {tag: [(event.step, event.value) for event in board.Scalars(tag)] for tag in tags}
    return {name: read_jsonl(run / name) for name in JOURNALS} | points


def assert_same_end(cut: Path, whole: Path) -> None:
    expected, found = (
        torch.load(newest_checkpoint(folder), weights_only=True)["state_dict"] for folder in (whole, cut)
    )
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    one, other = logs(cut), logs(whole)
    assert [name for name in one.keys() | other.keys() if one.get(name) != other.get(name)] == []


def interrupted(folder, tiny, problems, **settings) -> None:
    with pytest.raises(SystemExit) as ended:
        go(folder, tiny, problems, **settings)
    assert ended.value.code == 143


@pytest.mark.parametrize(
    ("grace", "schedule", "stages"),
    [(30.0, TWO_UPDATES, ()), (0.0, ONE_UPDATE, ()), (30.0, TWO_UPDATES, STAGES), (0.0, ONE_UPDATE, STAGES)],
    ids=["after the rollout", "at once", "with stages", "at once with stages"],
)
def test_a_run_that_is_interrupted_at_random_moments_ends_with_the_same_weights_and_logs(
    tiny_folder, playground_folder, tmp_path, grace, schedule, stages
):
    """Without grace a rollout is sampled again; with one update each, the last step is the last rollout's boundary."""
    where = (tiny_folder, playground_folder)
    places = go(tmp_path / "whole", *where, schedule=schedule, stages=stages)
    chance, left, cuts = random.Random(len(places)), len(places), 0
    while cuts < 3 and left > 4:
        moment = chance.randrange(left // 2)
        interrupted(tmp_path / "cut", *where, moment=moment, grace=grace, schedule=schedule, stages=stages)
        cuts, left = cuts + 1, left - moment
    assert cuts == 3
    go(tmp_path / "cut", *where, schedule=schedule, stages=stages)
    assert_same_end(tmp_path / "cut", tmp_path / "whole")

"""Every run leaves a checkpoint; one that is interrupted ends like one that was not, from where it was saved on."""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from callbacks import BestCheckpointHandoff, RolloutStatistics, RolloutTable, RunCheckpoint
from cogito_pl.data.curriculum import Stage
from cogito_pl.files import read_jsonl
from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.resuming import continue_logs, newest_checkpoint
from cogito_pl.policy import SamplingConfig
from cogito_pl.rl.schedule import RolloutSchedule
from tests.conftest import ROOT
from tests.modules.test_ranks import STRATEGIES
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


def go(folder, tiny, problems, *, moment=None, grace=30.0, schedule=TWO_UPDATES, stages=(), logger=TensorBoardLogger):
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
    settings = {"max_epochs": -1 if stages else 3, "logger": logger(folder)}
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


def test_a_run_whose_time_of_grace_is_over_inside_a_rollout_goes_on_with_its_prompts(
    tiny_folder, playground_folder, tmp_path
):
    where = (tmp_path, tiny_folder, playground_folder)
    interrupted(*where, moment=3 + 5, grace=0.0)  # after the first of the two updates of the first rollout
    assert newest_checkpoint(tmp_path).stem == "epoch=0-step=1"
    go(*where)
    rows = logs(tmp_path)["rollouts.jsonl"]
    assert [row["step"] for row in rows] == [0, 1, 2, 4, 6, 8, 10]
    drawn = [[prompt["id"] for prompt in row["prompts"]] for row in rows]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_run_that_is_interrupted_before_its_first_step_has_nothing_to_resume(
    tiny_folder, playground_folder, tmp_path, capfd
):
    interrupted(tmp_path, tiny_folder, playground_folder, moment=0)  # in the validation of the start
    assert newest_checkpoint(tmp_path) is None
    assert "there is nothing to resume" in capfd.readouterr().err


def test_the_table_of_a_csv_logger_goes_on_where_it_was_cut(tiny_folder, playground_folder, tmp_path):
    where = (tiny_folder, playground_folder)
    places = go(tmp_path / "whole", *where, logger=CSVLogger)
    interrupted(tmp_path / "cut", *where, moment=len(places) // 2, logger=CSVLogger)
    go(tmp_path / "cut", *where, logger=CSVLogger)
    tables = []
    for name in ("whole", "cut"):
        (path,) = (tmp_path / name).rglob("metrics.csv")
        with path.open(newline="") as file:
            rows = [{key: value for key, value in row.items() if value} for row in csv.DictReader(file)]
        points = [(int(row["step"]), key, value) for row in rows for key, value in row.items() if key != "epoch"]
        tables.append(sorted(points))
    assert len(tables[0]) > 50
    assert tables[0] == tables[1]


def test_the_signals_are_given_back(tiny_folder, playground_folder, tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]
    interrupted(tmp_path, tiny_folder, playground_folder, moment=0)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)] == before


def test_a_time_of_grace_must_be_a_duration():
    for grace in (-1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match=r"RunCheckpoint\.grace"):
            RunCheckpoint(grace)


@pytest.mark.parametrize("weights_only", [False, True])
def test_every_epoch_and_the_end_leave_a_checkpoint_whatever_else_is_saved(
    tiny_folder, playground_folder, tmp_path, weights_only
):
    """With the callback of configs/with/frequent_checkpoints.yaml, in a run that is shorter than its interval."""
    folder = Path(__file__).resolve().parents[2] / "configs/with/frequent_checkpoints.yaml"
    settings = yaml.safe_load(folder.read_text())["trainer"]["callbacks+"][0]["init_args"]
    often = ModelCheckpoint(**settings | {"save_weights_only": weights_only})
    names = []

    class Names(RunCheckpoint):
        def on_train_epoch_end(self, trainer, module):
            super().on_train_epoch_end(trainer, module)
            names.append([path.name for path in tmp_path.rglob("*.ckpt")])

    fit = trainer(tmp_path, often, Names(), max_epochs=4)
    fit.fit(grpo(tiny_folder), data(playground_folder, rollouts_per_epoch=1))
    assert names == [[f"epoch={epoch}-step={epoch + 1}.ckpt"] for epoch in range(4)]


def test_weights_alone_and_broken_files_are_not_the_newest_checkpoint(tiny_folder, playground_folder, tmp_path):
    fit = trainer(tmp_path, RunCheckpoint())
    fit.fit(grpo(tiny_folder), data(playground_folder, rollouts_per_epoch=1))
    newest = newest_checkpoint(tmp_path)
    fit.save_checkpoint(tmp_path / "weights.ckpt", weights_only=True)
    (tmp_path / "broken.ckpt").write_bytes(b"PK")
    assert newest_checkpoint(tmp_path) == newest == tmp_path / "checkpoints/epoch=0-step=1.ckpt"


def recipe(folder: Path, tiny: Path, problems: Path) -> Path:
    """Twelve rollouts, as a user would write them down."""
    source = {"path": str(problems)}
    settings = {
        "trainer": {
            "accelerator": "cpu", "max_epochs": 4, "default_root_dir": str(folder), "enable_progress_bar": False,
            "enable_model_summary": False,
            "callbacks": [
                {"class_path": "tests.modules.training.TokenSumReward"},
                {"class_path": "callbacks.RolloutTable", "init_args": {"every": 2, "images": 0}},
                {"class_path": "callbacks.RolloutStatistics"},
            ],
        },
        "model": {
            "class_path": "cogito_pl.modules.GRPOModule",
            "init_args": {
                "policy": {"name": str(tiny)},
                "schedule": {"prompts": 2, "group_size": 4, "updates": 2, "micro_batch": 2},
                "sampling": {"max_tokens": 24},
                "evaluation": {"max_tokens": 4, "temperature": 0},
                "optimizer": {"class_path": "torch.optim.AdamW", "init_args": {"lr": 1e-3}},
            },
        },
        "data": {
            "rollouts_per_epoch": 3,
            "train": [source | {"subset": "train", "split": "train"}],
            "validation": [source | {"subset": "validation", "split": "validation", "limit": 4}],
            "validation_batch": 2,
        },
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.yaml").write_text(yaml.safe_dump(settings))
    return folder / "recipe.yaml"


def start(path: Path) -> subprocess.Popen:
    """A fit that goes on from its newest checkpoint, where there is one."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "train.py", "fit", "--config", str(path), "--ckpt_path", "last"]
    default = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}  # a job in the background ignores it
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, **default)


def journal(folder: Path) -> int:
    """How much the run has written."""
    return sum(path.stat().st_size for path in folder.rglob("rollouts.jsonl"))


def cut(path: Path, number: int, wait: float, again: bool = False) -> str:
    """Sends a signal some time after the first rollout of this start, and again at once; what the run said last."""
    process, written = start(path), journal(path.parent)
    while process.poll() is None and journal(path.parent) <= written:
        time.sleep(0.02)
    time.sleep(wait)
    process.send_signal(number)
    while again and "a second signal ends at once" not in process.stderr.readline():
        assert process.poll() is None
    if again:
        process.send_signal(number)
    said = process.communicate(timeout=240)[1]
    assert process.returncode == 128 + number, said[-3000:]
    return (said.splitlines() or [""])[-1]


def test_an_interrupted_command_says_which_file_resumes_it_and_a_second_signal_ends_it_at_once(
    tiny_folder, playground_folder, tmp_path
):
    path = recipe(tmp_path / "run", tiny_folder, playground_folder)
    said = cut(path, signal.SIGINT, 0.0)
    newest = newest_checkpoint(tmp_path)
    assert said == (
        f"Interrupted after optimiser step {torch.load(newest)['global_step']}; "
        f"resume with the same command and --ckpt_path {newest}"
    )
    assert "Interrupted" not in cut(path, signal.SIGTERM, 0.0, again=True)
    assert len(list((tmp_path / "run" / "lightning_logs").iterdir())) == 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_command_that_is_interrupted_twenty_times_ends_like_one_that_was_not(
    tiny_folder, playground_folder, tmp_path
):
    whole = recipe(tmp_path / "whole", tiny_folder, playground_folder)
    assert start(whole).wait() == 0
    chance, cuts = random.Random(20), 0
    for number in range(20):
        path = tmp_path / f"cut{number // 3}"
        if not path.exists():
            recipe(path, tiny_folder, playground_folder)
        cut(path / "recipe.yaml", chance.choice([signal.SIGINT, signal.SIGTERM]), chance.uniform(0, 0.4))
        cuts += 1
    for path in sorted(tmp_path.glob("cut*")):
        assert start(path / "recipe.yaml").wait() == 0
        assert_same_end(path, tmp_path / "whole")
    assert cuts == 20


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_two_ranks_of_which_one_gets_the_signal_stop_at_the_same_step(
    tiny_folder, playground_folder, tmp_path, strategy
):
    for name in ("whole", "cut"):
        path = recipe(tmp_path / name, tiny_folder, playground_folder)
        settings = yaml.safe_load(path.read_text())
        settings["trainer"] |= {"max_epochs": 2} | STRATEGIES[strategy]
        path.write_text(yaml.safe_dump(settings))
    assert start(tmp_path / "whole/recipe.yaml").wait() == 0
    said = cut(tmp_path / "cut/recipe.yaml", signal.SIGTERM, 0.0)
    assert str(newest_checkpoint(tmp_path / "cut")) in said
    assert start(tmp_path / "cut/recipe.yaml").wait() == 0
    assert_same_end(tmp_path / "cut", tmp_path / "whole")

"""Every term of the reward is logged, and a table of completions can be graded again."""

import json
from pathlib import Path

import lightning.pytorch as L
import pytest
from lightning.pytorch.loggers import CSVLogger

from callbacks import RolloutTable
from cogito_pl.rewards import RepetitionOptions, RewardConfig
from cogito_pl.rewards.__main__ import main
from tests.modules.training import data, grpo, trainer


class Logged(L.Callback):
    """Remembers the names that were logged."""

    def on_train_end(self, trainer, module):
        self.names = set(trainer.callback_metrics)


@pytest.fixture(scope="module")
def finished(tiny_folder, playground_folder, tmp_path_factory):
    folder, logged = tmp_path_factory.mktemp("terms"), Logged()
    reward = RewardConfig(repetition=0.5, repetition_of=RepetitionOptions(words=2, scope="all"))
    fit = trainer(folder, logged, RolloutTable(every=1), logger=CSVLogger(folder))
    fit.fit(grpo(tiny_folder, reward=reward), data(playground_folder, validation=True))
    return fit.log_dir, logged.names


def test_every_term_of_the_reward_is_logged_in_training_and_validation(finished):
    terms = {"accuracy", "format", "repetition"}
    assert {f"{scope}/{term}" for scope in ("reward", "val") for term in terms} <= finished[1]


def test_the_table_of_a_run_is_graded_again_to_the_same_verdicts(finished, capsys):
    path = f"{finished[0]}/rollouts.rank0.jsonl"
    rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    assert main(["grade", path, "--workers", "1"]) == 0
    said = capsys.readouterr().out
    assert f"0 of {len(rows)} verdicts differ" in said
    assert "could not be graded" not in said
    assert set(rows[0]["terms"]) == {"accuracy", "format", "repetition"}

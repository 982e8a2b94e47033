import io

import lightning.pytorch as L
import torch
from lightning.pytorch.demos.boring_classes import BoringModel
from rich.console import Console

from cogito_pl.data.curriculum import Stage
from cogito_pl.experiments.bar import PhaseBar
from tests.modules.curricula import STAGES
from tests.modules.curricula import run as curriculum


class Rewarded(BoringModel):
    """Logs a reward and a validation accuracy."""

    def training_step(self, batch, batch_idx):
        self.log("reward/accuracy", 0.25, prog_bar=True)
        return super().training_step(batch, batch_idx)

    def validation_step(self, batch, batch_idx):
        self.log("val/accuracy", torch.tensor(0.5), prog_bar=True)
        return super().validation_step(batch, batch_idx)


def run(tmp_path, *, terminal, subcommand):
    bar = PhaseBar("GRPO")
    bar.console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    trainer = L.Trainer(
        callbacks=[bar], max_epochs=3, limit_train_batches=4, limit_val_batches=2, accumulate_grad_batches=2,
        accelerator="cpu", default_root_dir=tmp_path, logger=False, enable_checkpointing=False, num_sanity_val_steps=0,
        enable_model_summary=False,
    )  # fmt: skip
    if subcommand == "fit":
        trainer.fit(Rewarded())
    else:
        trainer.validate(Rewarded(), verbose=False)
    return bar.console.file.getvalue()


def test_a_log_gets_one_line_per_validation(tmp_path):
    lines = run(tmp_path, terminal=False, subcommand="fit").splitlines()
    assert [line.split()[:2] for line in lines] == [["GRPO", "2/6"], ["GRPO", "4/6"], ["GRPO", "6/6"]]
    assert "reward 0.25 · validation 50%" in lines[-1]
    assert "0:00 left" in lines[-1]


def test_a_curriculum_is_counted_in_whole_and_its_stages_are_named(tiny_folder, playground_folder, tmp_path):
    """Their epochs have 1, 2 and 3 rollouts, of 2 optimiser steps each; the first validation is of the start."""
    bar = PhaseBar("GRPO")
    bar.console = Console(file=io.StringIO(), width=120)
    stages = [Stage(name="easy", epochs=3, rollouts_per_epoch=1, patience=1), *STAGES[1:]]
    shown = {"enable_progress_bar": True}
    curriculum(tmp_path, tiny_folder, playground_folder, bar, stages=stages, trainer_settings=shown, cuts=["epoch8"])
    lines = [line.split("  ")[1] for line in bar.console.file.getvalue().splitlines()]
    assert lines[0] == "GRPO easy 0/20"
    assert lines[1:3] == ["GRPO easy 2/20", "GRPO easy 4/20"]  # which ends early: one rollout less
    assert lines[3:] == ["GRPO medium 8/18", "GRPO medium 12/18", "GRPO hard 18/18"]
    bar = PhaseBar("GRPO")
    bar.console = Console(file=io.StringIO(), width=120)
    curriculum(tmp_path, tiny_folder, playground_folder, bar, stages=stages, trainer_settings=shown, resume="epoch8")
    assert [line.split("  ")[1] for line in bar.console.file.getvalue().splitlines()] == lines[4:]


def test_a_terminal_shows_one_bar_for_all_epochs(tmp_path):
    text = run(tmp_path, terminal=True, subcommand="fit")
    assert "6/6" in text
    assert "reward 0.25" in text
    assert "left" in text
    assert text.endswith("\x1b[?25h")  # the cursor is back


def test_a_validation_alone_has_its_own_bar(tmp_path):
    assert "2/2" in run(tmp_path, terminal=True, subcommand="validate")

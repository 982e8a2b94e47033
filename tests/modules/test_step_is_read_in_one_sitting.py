"""How much of the package a training step enters: a step must stay readable in one sitting."""

import sys
from pathlib import Path

from cogito_pl.rl.losses import LossConfig
from cogito_pl.rl.schedule import RolloutSchedule
from tests.conftest import ROOT
from tests.modules.training import data, grpo, trainer


def entered_files(module, slots: int) -> set[Path]:
    """Files of the package whose functions the first `slots` calls of `training_step` enter."""
    entered, step = set(), module.training_step

    def profile(frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(str(ROOT / "cogito_pl")):
            entered.add(Path(frame.f_code.co_filename))

    def traced(batch, batch_idx):
        sys.setprofile(profile if batch_idx < slots else None)
        try:
            return step(batch, batch_idx)
        finally:
            sys.setprofile(None)

    module.training_step = traced
    return entered


def test_a_grpo_step_enters_at_most_ten_files_of_modules_and_rl_and_a_thousand_lines(
    tiny_folder, playground_folder, tmp_path
):
    schedule = RolloutSchedule(prompts=2, group_size=4, micro_batch=4)
    module = grpo(tiny_folder, loss=LossConfig(kl_coef=0.1), schedule=schedule)
    entered = entered_files(module, slots=2)
    trainer(tmp_path).fit(module, data(playground_folder))
    of_the_algorithm = {path for path in entered if path.parent.name in ("modules", "rl")}
    assert len(of_the_algorithm) <= 10
    assert sum(len(path.read_text().splitlines()) for path in of_the_algorithm) <= 1000
    assert len(entered) <= 44  # the format of rows and its interface are two

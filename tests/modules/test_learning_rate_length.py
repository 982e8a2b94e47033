"""The schedule of the learning rate ends with the last optimiser step: of all updates and epochs on a rollout."""

import lightning.pytorch as L
import pytest

from cogito_pl.modules.learning_rate import ScheduleConfig
from cogito_pl.policy import SamplingConfig
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import TokenSumReward, data, grpo, trainer


class Rates(L.Callback):
    """The learning rate of every optimiser step."""

    def __init__(self):
        self.rates = []

    def on_before_optimizer_step(self, trainer, module, optimizer):
        self.rates.append(optimizer.param_groups[0]["lr"])


def test_a_linear_fall_reaches_its_end_over_all_updates_and_epochs(tiny_folder, playground_folder, tmp_path):
    rates, schedule = Rates(), RolloutSchedule(prompts=2, group_size=4, updates=2, epochs_per_rollout=3, micro_batch=4)
    falling = ScheduleConfig(warmup=2, decay="linear", final=0.1)
    module = grpo(tiny_folder, lr=1e-3, schedule=schedule, learning_rate=falling, sampling=SamplingConfig(max_tokens=4))
    trainer(tmp_path, TokenSumReward(), rates, max_epochs=2).fit(module, data(playground_folder))
    steps = 2 * 2 * 3
    left = [(steps - step) / (steps - 2) for step in range(2, steps)]
    assert rates.rates == pytest.approx([5e-4, 1e-3, *(1e-3 * (0.1 + 0.9 * share) for share in left)])

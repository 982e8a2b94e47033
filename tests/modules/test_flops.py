"""What is left out costs nothing: counted in floating-point operations."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.flops import count_flops
from callbacks import ODSWReweighting
from cogito_pl.modules import RolloutCallback
from cogito_pl.policy import Policy, PolicyConfig, SamplingConfig
from cogito_pl.rewards import Grade
from cogito_pl.rl.losses import LossConfig
from cogito_pl.rl.schedule import RolloutSchedule
from tests.conftest import problem
from tests.modules.test_micro_batches import HalfSilent
from tests.modules.training import TokenSumReward, data, grpo, trainer


class TrainingFlops(RolloutCallback):
    """Counts from the end of a rollout to the end of its optimiser step, and the tokens that are trained on."""

    def __init__(self):
        self.counter = FlopCounterMode(display=False)
        self.tokens, self.groups = 0.0, 0

    def on_rollout_end(self, trainer, module, rollout):
        loss = module.settings(module.stage).loss
        reached = rollout.has_loss(every_term=loss.reaches_every_row, drop_zero_weight=module.drop_zero_weight)
        reached = reached.view(-1, rollout.group_size)  # [P, G]
        prompts = torch.tensor([float(len(prompt)) for prompt in rollout.prompts]) * reached.any(1)
        completions = (rollout.lengths - 1).view(-1, rollout.group_size) * reached
        self.tokens, self.groups = float(prompts.sum() + completions.sum()), int(reached.any(1).sum())
        self.counter.__enter__()

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            self.counter.__exit__(None, None, None)


class RecordedAccuracy(RolloutCallback):
    """Gives prompt `i` as many right completions as were recorded of a rollout in an easy stage, of four."""

    RIGHT = (0, 2, 4, 0, 1, 3, 0, 4)

    def on_rewards(self, trainer, module, rollout):
        grades = tuple(
            Grade(correct=place % 4 < self.RIGHT[place // 4], score=0.0, parsed=True, extracted="", rule="")
            for place in range(len(rollout))
        )
        rollout = replace(rollout, grades=grades)
        return rollout.with_rewards(rollout.correct)


def training_flops(tiny, folder, *callbacks, **settings):
    flops = TrainingFlops()
    module = grpo(
        tiny,
        **settings,
        schedule=RolloutSchedule(prompts=8, group_size=4, micro_batch=8),
        sampling=SamplingConfig(max_tokens=5),
        policy=PolicyConfig(name=str(tiny), freeze=("vision", "projector"), layout="shared"),
    )
    datamodule = data(folder)
    datamodule.train_problems = [problem("How many?", (84, 84), seed=seed) for seed in range(8)]  # all of one length
    trainer(folder, TokenSumReward(), *callbacks, flops).fit(module, datamodule)
    return flops.counter.get_total_flops(), flops.tokens, flops.groups


def test_with_half_of_the_groups_silent_training_costs_the_share_of_the_others(
    tiny_folder, playground_folder, tmp_path
):
    whole, all_tokens, _ = training_flops(tiny_folder, tmp_path)
    less, kept_tokens, kept_groups = training_flops(tiny_folder, tmp_path, HalfSilent())
    assert 2 <= kept_groups <= 4
    assert less / whole == pytest.approx(kept_tokens / all_tokens, abs=0.05)


def test_an_easy_stage_that_drops_what_nobody_solves_saves_its_share(tiny_folder, playground_folder, tmp_path):
    callbacks = (RecordedAccuracy(), ODSWReweighting(shape="easy"))
    kl = LossConfig(kl_coef=0.1)
    whole, all_tokens, all_groups = training_flops(tiny_folder, tmp_path, *callbacks, loss=kl)
    less, kept_tokens, kept_groups = training_flops(tiny_folder, tmp_path, *callbacks, loss=kl, drop_zero_weight=True)
    assert (all_groups, kept_groups) == (8, 5)
    assert less / whole == pytest.approx(kept_tokens / all_tokens, abs=0.05)


def test_a_group_of_sixteen_costs_little_more_than_one_of_eight_behind_a_long_prompt(tiny_folder):
    policy = Policy(PolicyConfig(name=str(tiny_folder)))
    prompt = policy.encode(problem("How many?", (224, 224)))

    def rollout(group):
        return count_flops(lambda: policy.sample([prompt], SamplingConfig(max_tokens=4), [list(range(group))]))

    def training(group):
        ids = torch.randint(20, 300, (group, 4))
        return count_flops(
            lambda: policy.log_probs([prompt] * group, ids, torch.ones_like(ids).bool()).values.sum().backward()
        )

    assert rollout(16) < 1.7 * rollout(8)
    assert training(16) < 1.7 * training(8)

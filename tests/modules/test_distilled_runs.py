"""Distillation and dynamic sampling in a run: the gradient of copies, a resume bit for bit, the same on two ranks."""

from dataclasses import replace

import lightning.pytorch as L
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from callbacks import DynamicSampling, GradientStagnation, PrioritizedAdvantageDistillation
from cogito_pl.modules import RolloutCallback
from cogito_pl.policy import SamplingConfig
from cogito_pl.rl.entropy_schedule import EntropySchedule
from cogito_pl.rl.losses import LossConfig, UpdateSize, policy_loss
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.test_ranks import assert_same
from tests.modules.test_ranks import run as run_on_ranks
from tests.modules.training import Recorder, TokenSumReward, data, grpo, trainer, weights


class Keep(RolloutCallback):
    """Keeps the rollout that is trained on, how many rows were forwarded for it, and what was logged."""

    def __init__(self):
        self.counts, self.logged = [], {}

    def on_rollout_end(self, trainer, module, rollout):
        self.rollout, self.forwarded, original = rollout, [], module.policy.log_probs
        self.counts.append(rollout.counts.tolist())

        def counting(prompts, *args, **kwargs):
            self.forwarded.append(len(prompts))
            return original(prompts, *args, **kwargs)

        module.policy.log_probs = counting

    def on_train_batch_end(self, trainer, module, *_):
        self.logged |= {name: float(value) for name, value in trainer.callback_metrics.items()}


class Float64(L.Callback):
    """Trains in float64, which no setting offers."""

    def on_fit_start(self, trainer, module):
        module.policy.double()


class UnevenRows(RolloutCallback):
    """Row b trains its first b + 2 tokens: all completions of the untrained model are as long as the limit."""

    def on_advantages(self, trainer, module, rollout):
        kept = torch.arange(rollout.mask.shape[1]) < torch.arange(2, 2 + len(rollout)).unsqueeze(1)
        return replace(rollout, trained=rollout.mask & kept)


class SomeAlike(TokenSumReward):
    """Half of all problems give every completion the same reward."""

    def on_rewards(self, trainer, module, rollout):
        uniform = torch.tensor([int(problem.id[-1], 16) % 2 for problem in rollout.problems])
        rewards = super().on_rewards(trainer, module, rollout).rewards
        return rollout.with_rewards(rewards * (1 - uniform.repeat_interleave(rollout.group_size)))


def test_rows_that_are_drawn_several_times_have_the_gradient_of_copies_for_one_forward_each(
    tiny_folder, playground_folder, tmp_path
):
    loss, keep = LossConfig(aggregation="grpo"), Keep()
    module, fresh = (grpo(tiny_folder, lr=1.0, loss=loss, sampling=SamplingConfig(max_tokens=12)) for _ in range(2))
    pad = PrioritizedAdvantageDistillation("official", high=9.0)
    trainer(tmp_path, TokenSumReward(), UnevenRows(), pad, keep, Float64()).fit(module, data(playground_folder))
    rollout = keep.rollout
    assert rollout.counts.max() > 1
    assert sum(keep.forwarded) == (rollout.counts > 0).sum() < len(rollout)

    fresh.configure_model()
    policy = fresh.policy.double()
    rows = torch.arange(len(rollout)).repeat_interleave(rollout.counts).tolist()
    copies = rollout.micro_batch(rows)
    log_probs = policy.log_probs(copies.prompts, copies.completions, copies.mask).values
    size = UpdateSize(len(rows), copies.trained.sum(), 12)
    terms = policy_loss(log_probs, log_probs.detach(), copies.advantages, copies.trained, config=loss, size=size)
    terms.total.backward()
    largest = 0.0
    for name, parameter in policy.named_parameters():
        moved = parameter.detach() - module.policy.get_parameter(name).detach()
        torch.testing.assert_close(moved, parameter.grad, rtol=0, atol=1e-6)  # the model's norms are float32 within
        largest = max(largest, parameter.grad.abs().max().item())
    assert largest > 1e-3


def staged(tiny_folder, playground_folder, folder, resume=None):
    """Three rollouts of two updates with dynamic sampling, distillation and an entropy bonus that fades."""
    recorder, keep = Recorder(), Keep()
    saved = ModelCheckpoint(folder, "{step}", every_n_train_steps=1, save_top_k=-1)
    schedule = RolloutSchedule(prompts=4, group_size=4, updates=2, micro_batch=4)
    loss = LossConfig(kl_coef=0.05, entropy_coef=0.1, entropy_schedule=EntropySchedule(warmup=1, decay=0.5))
    sampling = SamplingConfig(max_tokens=3)
    callbacks = [
        SomeAlike(), DynamicSampling(2, "advantage"), GradientStagnation(),
        PrioritizedAdvantageDistillation("official", high=1.2, share=0.6), recorder, keep, saved,
    ]  # fmt: skip
    fit = trainer(folder, *callbacks)
    module = grpo(tiny_folder, lr=1e-2, optimizer=torch.optim.AdamW, schedule=schedule, loss=loss, sampling=sampling)
    fit.fit(module, data(playground_folder, rollouts_per_epoch=3), ckpt_path=resume)
    return recorder, keep, weights(module)


@pytest.fixture(scope="module")
def whole(tiny_folder, playground_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, *staged(tiny_folder, playground_folder, folder)


def test_a_run_resumes_bit_for_bit_between_rollouts_with_the_rows_that_it_would_have_drawn(
    tiny_folder, playground_folder, tmp_path, whole
):
    folder, recorder, keep, end = whole
    assert len({tuple(counts) for counts in keep.counts}) == 3
    rest, kept, again = staged(tiny_folder, playground_folder, tmp_path, folder / "step=2.ckpt")
    assert rest.rollouts == recorder.rollouts[1:]
    assert kept.counts == keep.counts[1:]
    assert all(torch.equal(value, again[name]) for name, value in end.items())


def test_what_is_logged_tells_what_was_sampled_from_what_is_trained_on(whole):
    _, _, keep, _ = whole
    logged = keep.logged
    assert logged["stagnation/sampled/completions"] == logged["rollout/sampled"] > 16
    assert logged["stagnation/trained/completions"] == sum(keep.counts[-1]) == logged["pad/selected"]
    assert logged["stagnation/trained/small_advantages"] == 0 < logged["stagnation/sampled/small_advantages"]
    assert logged["policy/gradient_norm"] > 0


class Coefficients(RolloutCallback):
    """Notes the entropy coefficient of every step's loss."""

    def __init__(self, monkeypatch):
        self.seen = []

        def noting(*args, config, **kwargs):
            self.seen.append(config.entropy_coef)
            return policy_loss(*args, config=config, **kwargs)

        monkeypatch.setattr("cogito_pl.modules.grpo.policy_loss", noting)


def test_the_entropy_bonus_changes_with_every_optimiser_step(tiny_folder, playground_folder, tmp_path, monkeypatch):
    noted = Coefficients(monkeypatch)
    loss = LossConfig(entropy_coef=0.4, entropy_schedule=EntropySchedule(warmup=1, decay=0.5))
    schedule = RolloutSchedule(prompts=2, group_size=4, updates=2, micro_batch=4)
    module = grpo(tiny_folder, loss=loss, schedule=schedule, sampling=SamplingConfig(max_tokens=4))
    trainer(tmp_path, TokenSumReward(), noted).fit(module, data(playground_folder, rollouts_per_epoch=2))
    assert noted.seen == [0.0, 0.0, 0.4, 0.2]


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_distilled_and_refilled_rollouts_on_two_ranks_are_those_of_one(
    tiny_folder, playground_folder, tmp_path, strategy
):
    callbacks = [
        {"class_path": "callbacks.DynamicSampling", "init_args": {"signal": "advantage", "refills": 2}},
        {"class_path": "callbacks.PrioritizedAdvantageDistillation", "init_args": {"variant": "official", "high": 1.2}},
    ]
    settings = {"callbacks": callbacks, "sampling": {"max_tokens": 3}, "loss": {"kl_coef": 0.1}}
    runs = [
        run_on_ranks(tmp_path / name, tiny_folder, playground_folder, name, **settings) for name in ("one", strategy)
    ]
    assert_same(*runs)

"""Several updates on one rollout, at a stage's own temperature and limit: what each of them minimises, by hand."""

from dataclasses import replace

import pytest
import torch

from cogito_pl.data.curriculum import Stage
from cogito_pl.data.sampling_changes import SamplingChanges
from cogito_pl.modules import RolloutCallback
from cogito_pl.policy import PolicyConfig, SamplingConfig
from cogito_pl.policy.config import LoRAConfig
from cogito_pl.rl.losses import LossConfig
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import TokenSumReward, data, grpo, trainer, weights
from tests.modules.uneven import Uneven

TEMPERATURE, LIMIT = 0.3, 21
STAGE = Stage(name="only", epochs=1, sampling=SamplingChanges(max_tokens=LIMIT, temperature=TEMPERATURE))


class Watch(RolloutCallback):
    """Keeps the rollouts, and what is logged after every update."""

    def __init__(self):
        self.rollouts, self.logged = [], []

    def on_rollout_end(self, trainer, module, rollout):
        self.rollouts.append(rollout)

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            self.logged.append({name: float(value) for name, value in trainer.callback_metrics.items()})


class SecondGroupOnly(RolloutCallback):
    """Takes the weight of every prompt but the second."""

    def on_advantages(self, trainer, module, rollout):
        return rollout.reweighted(torch.tensor([0.0, 2.0]))


def schedule(micro_batch=4, **settings):
    return RolloutSchedule(**({"prompts": 2, "group_size": 4, "updates": 2, "micro_batch": micro_batch} | settings))


def fit(folder, problems, module, *callbacks, stages=(STAGE,), **settings):
    watch = Watch()
    run = trainer(folder, TokenSumReward(), *callbacks, watch)
    run.fit(module, data(problems, stages=stages, **({"rollouts_per_epoch": 1} | settings)))
    return watch


@pytest.mark.parametrize("lora", [None, LoRAConfig(rank=4)], ids=["whole", "adapters"])
def test_at_any_temperature_the_first_update_neither_clips_nor_diverges(tiny_folder, playground_folder, tmp_path, lora):
    policy = PolicyConfig(name=str(tiny_folder), lora=lora)
    module = grpo(tiny_folder, lr=0.5, schedule=schedule(), loss=LossConfig(kl_coef=0.1), policy=policy)
    watch = fit(tmp_path, playground_folder, module)
    (rollout,), (first, second) = watch.rollouts, watch.logged
    assert rollout.completions.shape[1] <= LIMIT
    for frozen in (rollout.old_log_probs, rollout.ref_log_probs):
        torch.testing.assert_close(frozen, rollout.sampled_log_probs, atol=1e-4, rtol=0)
    for name in ("policy/kl", "policy/clip_low", "policy/clip_high"):
        assert first[name] == pytest.approx(0, abs=1e-6), name
    assert second["policy/kl"] > 1e-5


@pytest.mark.parametrize("aggregation", ["dapo", "grpo", "dr_grpo"])
def test_an_update_is_divided_by_its_own_size_and_the_stages_own_limit(
    tiny_folder, playground_folder, tmp_path, aggregation
):
    """The first update has no gradient, so the second one is on policy, and its gradient is that of -A log p."""
    loss = LossConfig(aggregation=aggregation)
    module = grpo(tiny_folder, lr=1.0, schedule=schedule(2), loss=loss, scale_by_std=False, engine=Uneven)
    fresh = grpo(tiny_folder)
    (rollout,) = fit(tmp_path, playground_folder, module, SecondGroupOnly()).rollouts
    mine = range(4, 8)
    rewards, lengths = rollout.rewards[4:], rollout.lengths[4:].float()
    assert int(rollout.lengths[:4].sum()) != int(lengths.sum())  # or the sizes of both updates were the same
    gains = 2 * (rewards - rewards.mean())
    divisors = {"dapo": lengths.sum(), "grpo": 4 * lengths, "dr_grpo": torch.tensor(4.0 * LIMIT)}
    fresh.configure_model()
    micro = rollout.micro_batch(mine)
    log_probs = fresh.policy.log_probs(micro.prompts, micro.completions, micro.mask, temperature=TEMPERATURE).values
    (-(gains * log_probs.sum(1)) / divisors[aggregation]).sum().backward()
    assert any(parameter.grad.abs().max() > 1e-3 for parameter in fresh.policy.parameters())
    for name, parameter in fresh.policy.named_parameters():
        expected = parameter.detach() - parameter.grad
        torch.testing.assert_close(module.policy.get_parameter(name).detach(), expected, atol=1e-5, rtol=1e-4)


def test_both_updates_of_a_rollout_are_the_same_in_micro_batches_of_4_2_and_1(tiny_folder, playground_folder, tmp_path):
    ends, logs = [], []
    for micro_batch in (4, 2, 1):
        loss = LossConfig(kl_coef=0.1, entropy_coef=0.02, clip_low=0.02, clip_high=0.03)
        module = grpo(
            tiny_folder, lr=5e-4, schedule=schedule(micro_batch, epochs_per_rollout=2), loss=loss, engine=Uneven
        )
        watch = fit(tmp_path, playground_folder, module)
        ends.append(weights(module))
        logs.append(watch.logged)
    assert len(watch.rollouts[0].lengths.unique()) > 1
    assert logs[0][-1]["policy/clip_low"] + logs[0][-1]["policy/clip_high"] > 0
    for end, logged in zip(ends[1:], logs[1:], strict=True):
        for name, value in ends[0].items():
            torch.testing.assert_close(end[name], value, atol=2e-6, rtol=0)
        for mine, whole in zip(logged, logs[0], strict=True):  # means over tokens, whatever they were cut into
            for name in ("kl", "entropy", "surrogate", "clip_low", "clip_high"):
                assert mine[f"policy/{name}"] == pytest.approx(whole[f"policy/{name}"], rel=1e-4, abs=1e-6), name


class NoAdvantages(RolloutCallback):
    """Leaves nothing but the entropy in the loss."""

    def on_advantages(self, trainer, module, rollout):
        return replace(rollout, advantages=torch.zeros_like(rollout.advantages))


def test_the_entropy_bonus_alone_is_the_gradient_of_the_entropy_at_the_temperature(
    tiny_folder, playground_folder, tmp_path
):
    loss = LossConfig(entropy_coef=0.7)
    module = grpo(tiny_folder, lr=1.0, schedule=schedule(updates=1), loss=loss, engine=Uneven)
    fresh = grpo(tiny_folder)
    (rollout,) = fit(tmp_path, playground_folder, module, NoAdvantages()).rollouts
    fresh.configure_model()
    micro = rollout.micro_batch(range(8))
    inputs = micro.prompts, micro.completions, micro.mask
    entropy = fresh.policy.log_probs(*inputs, temperature=TEMPERATURE, entropy=True, entropy_gradient=True).entropy
    (0.7 * entropy.sum() / micro.mask.sum()).backward()
    assert any(parameter.grad.abs().max() > 1e-4 for parameter in fresh.policy.parameters())
    for name, parameter in fresh.policy.named_parameters():
        expected = parameter.detach() + parameter.grad
        torch.testing.assert_close(module.policy.get_parameter(name).detach(), expected, atol=1e-5, rtol=1e-4)


def test_a_stage_has_its_own_weight_of_the_kl_term(tiny_folder, playground_folder, tmp_path):
    ends = []
    for module_kl, stage_kl in ((0.0, 0.5), (0.5, None), (0.5, 0.0)):
        module = grpo(tiny_folder, lr=0.3, schedule=schedule(), loss=LossConfig(kl_coef=module_kl))
        fit(tmp_path, playground_folder, module, stages=(replace(STAGE, kl_coef=stage_kl),))
        ends.append(torch.cat([value.flatten() for value in weights(module).values()]))
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_shares_of_a_rollout_are_logged_as_its_completions_are(tiny_folder, playground_folder, tmp_path):
    class Parity(RolloutCallback):
        """The first group's rewards are equal; two of the second's are its mean."""

        def on_rewards(self, trainer, module, rollout):
            return rollout.with_rewards(torch.tensor([1.0, 1, 1, 1, 0, 1, 1, 2]))

    module = grpo(tiny_folder, schedule=schedule(updates=1), sampling=SamplingConfig(max_tokens=LIMIT), engine=Uneven)
    watch = fit(tmp_path, playground_folder, module, Parity(), stages=())
    (rollout,), (logged,) = watch.rollouts, watch.logged
    assert logged["rollout/truncated"] == 3 / 8
    assert logged["rollout/groups_without_signal"] == 0.5
    assert logged["reward/total"] == pytest.approx(1)
    assert module.tokens["rollout"] == int(rollout.lengths.sum())
    trained = [row for row in range(8) if rollout.advantages[row]]  # the others have no forward
    assert trained == [4, 7]
    assert module.tokens["train"] == sum(int(rollout.lengths[row]) + len(rollout.prompts[1]) for row in trained)
    assert logged["rollout/length_tokens"] == pytest.approx(rollout.lengths.double().mean().item())


class FirstGroupUntrained(RolloutCallback):
    """Trains on no token of the first group: text that the policy did not sample."""

    def on_advantages(self, trainer, module, rollout):
        return replace(rollout, trained=rollout.mask & (torch.arange(8) > 3)[:, None])


def test_a_micro_batch_without_trained_tokens_leaves_the_logged_means_alone(tiny_folder, playground_folder, tmp_path):
    logged = []
    for micro_batch in (8, 2):
        module = grpo(tiny_folder, schedule=schedule(micro_batch, updates=1), loss=LossConfig(kl_coef=0.1))
        logged += fit(tmp_path, playground_folder, module, FirstGroupUntrained(), stages=()).logged
    for name in ("policy/surrogate", "policy/entropy"):
        assert logged[1][name] == pytest.approx(logged[0][name], rel=1e-4, abs=1e-6), name

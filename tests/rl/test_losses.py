import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cogito_pl.rl.losses import (
    SURROGATES,
    ClippedSurrogate,
    LossConfig,
    UpdateSize,
    k3_divergence,
    policy_loss,
    token_weights,
    update_size,
)
from tests.rl.loss_batches import AGGREGATIONS, TRL, golden_batch, token_values

PER_TOKEN = ("log_probs", "old_log_probs", "ref_log_probs", "entropy")
FULL = LossConfig(clip_high=0.28, kl_coef=0.04, entropy_coef=0.01)


@pytest.fixture
def batch():
    return golden_batch()


@pytest.fixture
def size(batch):
    return UpdateSize(sequences=8, tokens=batch["mask"].sum(), max_tokens=TRL["inputs"]["max_completion_length"])


def case_name(case):
    s = case["settings"]
    surrogate = "gspo" if "importance_sampling_level" in s else s["loss_type"]
    return f"{surrogate}-{s['loss_type']}-kl{s['beta']}-high{s['epsilon_high']}-entropy{s['entropy_coef']}"


def config_of(case):
    s = case["settings"]
    shared = {"kl_coef": s["beta"], "entropy_coef": s["entropy_coef"]}
    if s["loss_type"] == "cispo":
        return LossConfig(surrogate="cispo", clip_low=1.0, clip_high=s["epsilon_high"] - 1, **shared)
    return LossConfig(
        surrogate="gspo" if s.get("importance_sampling_level") == "sequence" else "clip",
        aggregation=s["loss_type"],
        clip_low=s["epsilon"],
        clip_high=s["epsilon_high"],
        **shared,
    )


def loss_and_gradient(batch, config, size, splits=1):
    """Sum of the micro-batches' totals, and its gradient with respect to all log-probs."""
    log_probs = batch["log_probs"].clone().requires_grad_()
    loss, sums = 0.0, {}
    for rows in torch.arange(8).chunk(splits):
        terms = policy_loss(
            log_probs[rows],
            batch["old_log_probs"][rows],
            batch["advantages"][rows],
            batch["mask"][rows],
            config=config,
            size=size,
            ref_log_probs=batch["ref_log_probs"][rows],
            entropy=batch["entropy"][rows],
        )
        terms.total.backward()
        loss += terms.total.item()
        sums = {name: sums.get(name, 0) + value.item() for name, value in terms.sums.items()}
    return loss, log_probs.grad, sums


@pytest.mark.parametrize("splits", [1, 2])
@pytest.mark.parametrize(
    "case", TRL["losses"], ids=lambda c: f"{case_name(c)}-N{c['settings']['gradient_accumulation_steps']}"
)
def test_loss_and_gradient_are_those_of_trl_with_either_side_split(case, splits, batch, size):
    loss, gradient, sums = loss_and_gradient(batch, config_of(case), size, splits)
    assert loss == pytest.approx(case["loss"], abs=1e-9)
    torch.testing.assert_close(gradient, torch.tensor(case["gradient"], dtype=torch.float64), rtol=0, atol=1e-9)
    if case["settings"]["gradient_accumulation_steps"] == 1 and config_of(case).surrogate == "clip":
        assert sums["clip_low"] / sums["tokens"] == pytest.approx(case["clip_low"], abs=1e-6)
        assert sums["clip_high"] / sums["tokens"] == pytest.approx(case["clip_high"], abs=1e-6)


@pytest.mark.parametrize(("loss_type", "surrogate"), [("grpo", "gspo"), ("cispo", "cispo")])
def test_clipped_sequences_and_clipped_weights_are_those_that_trl_counts(loss_type, surrogate, batch):
    case = next(
        c for c in TRL["losses"] if config_of(c).surrogate == surrogate and c["settings"]["loss_type"] == loss_type
    )
    config = config_of(case)
    clip = {"clip_low": config.clip_low, "clip_high": config.clip_high}
    low, high = SURROGATES[surrogate].clipped(token_values(**batch), **clip)
    if surrogate == "gspo":  # TRL takes the mean over sequences
        assert low.any(1).double().mean() == case["clip_low"] > 0
        assert high.any(1).double().mean() == case["clip_high"] > 0
        assert torch.equal(low | high, (low | high).any(1, keepdim=True) & batch["mask"])
    else:  # TRL leaves out tokens of negative advantage, whose weights it clamps as well
        counted = high & (batch["advantages"] > 0).unsqueeze(1)
        assert counted.sum() / batch["mask"].sum() == pytest.approx(case["clip_high"], abs=1e-6)
        assert (high & ~counted).any()
        assert not low.any()


def test_the_golden_inputs_are_clipped_on_both_sides_and_hold_every_sign(batch):
    low, high = ClippedSurrogate().clipped(token_values(**batch), clip_low=0.2, clip_high=0.28)
    assert (low & batch["mask"]).any()
    assert (high & batch["mask"]).any()
    assert set(batch["advantages"].sign().tolist()) == {-1.0, 0.0, 1.0}
    assert batch["mask"].sum(1).min() == 1


@pytest.mark.parametrize("splits", [2, 4, 8])
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("surrogate", SURROGATES)
def test_any_micro_batching_gives_the_same_update(surrogate, aggregation, splits, batch, size):
    config = replace(FULL, surrogate=surrogate, aggregation=aggregation)
    loss, gradient, sums = loss_and_gradient(batch, config, size)
    split_loss, split_gradient, split_sums = loss_and_gradient(batch, config, size, splits)
    assert split_loss == pytest.approx(loss, abs=1e-12)
    torch.testing.assert_close(split_gradient, gradient, rtol=0, atol=1e-12)
    assert split_sums == pytest.approx(sums)


@given(
    aggregation=st.sampled_from(AGGREGATIONS),
    lengths=st.lists(st.integers(0, 9), min_size=8, max_size=8),
    data=st.data(),
)
def test_any_micro_batching_gives_the_same_update_for_any_lengths_in_float32(aggregation, lengths, data):
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 2**16)))
    batch = {name: -3 * torch.rand(8, 9, generator=generator) for name in PER_TOKEN}
    batch["advantages"] = torch.randn(8, generator=generator)
    batch["mask"] = torch.arange(9) < torch.tensor(lengths).unsqueeze(1)
    size, config = UpdateSize(8, sum(lengths), 9), replace(FULL, aggregation=aggregation)
    loss, gradient, _ = loss_and_gradient(batch, config, size)
    for splits in (4, 8):
        split_loss, split_gradient, _ = loss_and_gradient(batch, config, size, splits)
        assert split_loss == pytest.approx(loss, rel=1e-5, abs=1e-6)
        torch.testing.assert_close(split_gradient, gradient, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("surrogate", SURROGATES)
def test_on_policy_the_gradient_is_minus_advantage_times_weight(surrogate, aggregation, batch, size):
    log_probs = batch["log_probs"].clone().requires_grad_()
    config = LossConfig(surrogate=surrogate, aggregation=aggregation)
    terms = policy_loss(log_probs, log_probs.detach(), batch["advantages"], batch["mask"], config=config, size=size)
    terms.total.backward()
    weights = token_weights(batch["mask"], aggregation, size, torch.float64)
    torch.testing.assert_close(log_probs.grad, -batch["advantages"].unsqueeze(1) * weights, rtol=0, atol=1e-12)
    assert set(terms.sums) == {"surrogate", "clip_low", "clip_high", "tokens"}


def test_weights_count_tokens_sequences_or_the_sampling_limit():
    mask = torch.tensor([[1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=torch.bool)
    size = UpdateSize(sequences=torch.tensor(10), tokens=50, max_tokens=20)
    assert torch.equal(token_weights(mask, "dapo", size, torch.float32), mask / 50)
    assert torch.equal(token_weights(mask, "dr_grpo", size, torch.float32), mask / 200)
    assert torch.equal(token_weights(mask, "grpo", size, torch.float32).sum(1), torch.tensor([1 / 10, 1 / 10, 0.0]))


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_an_update_without_tokens_is_zero_and_not_nan(aggregation, batch):
    batch["mask"] = torch.zeros_like(batch["mask"])
    loss, gradient, sums = loss_and_gradient(batch, replace(FULL, aggregation=aggregation), UpdateSize(8, 0, 12))
    assert loss == 0
    assert (gradient == 0).all()
    assert all(value == 0 for value in sums.values())


@pytest.mark.parametrize("garbage", [math.nan, math.inf, -math.inf, 1e30])
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_garbage_in_the_padding_reaches_neither_loss_nor_gradient(aggregation, garbage, batch, size):
    config = replace(FULL, aggregation=aggregation)
    loss, gradient, sums = loss_and_gradient(batch, config, size)
    dirty = batch | {name: batch[name].masked_fill(~batch["mask"], garbage) for name in PER_TOKEN}
    dirty_loss, dirty_gradient, dirty_sums = loss_and_gradient(dirty, config, size)
    assert dirty_loss == loss
    assert torch.equal(dirty_gradient, gradient)
    assert dirty_sums == sums


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_a_token_of_zero_advantage_has_no_gradient_however_far_the_policy_moved(surrogate):
    log_probs = torch.tensor([[-1.0, -1.0]], requires_grad=True)
    old = torch.tensor([[-500.0, -0.0]])
    tokens = token_values(log_probs, old, torch.tensor([0.0]))
    loss = SURROGATES[surrogate](tokens, clip_low=0.2, clip_high=0.2).sum()
    loss.backward()
    assert loss == 0
    assert torch.equal(log_probs.grad, torch.zeros(1, 2))


def test_clipped_tokens_have_no_gradient_and_are_counted():
    log_ratio = torch.tensor([[-0.5, 0.0, 0.5]]).repeat(2, 1)  # [liked, disliked] x [below, inside, above]
    log_probs = (log_ratio - 1).requires_grad_()
    old, advantages = torch.full((2, 3), -1.0), torch.tensor([1.0, -1.0])
    tokens = token_values(log_probs, old, advantages)
    ClippedSurrogate()(tokens, clip_low=0.2, clip_high=0.28).sum().backward()
    low, high = ClippedSurrogate().clipped(tokens, clip_low=0.2, clip_high=0.28)
    assert low.tolist() == [[False] * 3, [True, False, False]]
    assert high.tolist() == [[False, False, True], [False] * 3]
    assert torch.equal(log_probs.grad == 0, low | high)


@given(log_prob=st.floats(-30, 0, width=32), difference=st.floats(-20, 20, width=32))
def test_the_divergence_is_never_negative_and_zero_without_a_difference(log_prob, difference):
    log_probs = torch.tensor([[log_prob]])
    assert k3_divergence(log_probs, log_probs + difference).item() >= 0
    assert k3_divergence(log_probs, log_probs).item() == 0


def test_the_divergence_stays_above_zero_where_exp_would_round_below_it():
    difference = torch.logspace(-9, 1, 2001)
    difference = torch.cat([difference, -difference])
    assert (torch.exp(difference) - difference - 1).min() < 0
    assert (k3_divergence(-difference, torch.zeros(())) >= 0).all()


@pytest.mark.parametrize(
    ("difference", "value", "gradient"),  # with respect to log_probs, which d falls with
    [
        (100.0, 485165174.40979, 0.0),
        (20.5, 485165174.40979, 0.0),
        (19.0, 178482280.96319, -178482299.96319),
        (1.5, 1.98168907, -3.48168907),
        (-0.25, 0.02880078, 0.22119922),
        (-100.0, 99.0, 1.0),
    ],
)
def test_the_divergence_is_bounded_above_a_difference_of_20_and_exact_below(difference, value, gradient):
    log_probs = torch.zeros(1, 1, requires_grad=True)
    divergence = k3_divergence(log_probs, torch.full((1, 1), difference))
    divergence.sum().backward()
    assert divergence.item() == pytest.approx(value, rel=1e-6)
    assert log_probs.grad.item() == pytest.approx(gradient, rel=1e-6)


def test_a_reference_that_is_far_more_sure_leaves_the_loss_and_its_gradient_finite(batch, size):
    batch["ref_log_probs"] = batch["log_probs"] + 100.0
    loss, gradient, sums = loss_and_gradient(batch, LossConfig(kl_coef=0.5), size)
    assert torch.isfinite(torch.as_tensor(loss))
    assert torch.isfinite(gradient).all()
    assert sums["kl"] == pytest.approx(35 * 485165174.40979)


def test_sums_hold_plain_token_sums_without_gradient(batch, size):
    _, _, sums = loss_and_gradient(batch, LossConfig(), size)
    mask = batch["mask"]
    k3 = k3_divergence(batch["log_probs"], batch["ref_log_probs"])
    assert sums["kl"] == pytest.approx(k3[mask].sum().item())
    assert sums["entropy"] == pytest.approx(batch["entropy"][mask].sum().item())
    assert sums["tokens"] == 35
    assert sums["surrogate"] / 35 == pytest.approx(loss_and_gradient(batch, LossConfig(), size)[0])


def test_a_positive_entropy_coefficient_rewards_entropy(batch, size):
    entropy = batch["entropy"].clone().requires_grad_()
    logps = batch["log_probs"]
    arguments = (logps, logps, batch["advantages"], batch["mask"])
    policy_loss(*arguments, config=LossConfig(entropy_coef=0.5), size=size, entropy=entropy).total.backward()
    assert torch.equal(entropy.grad, -0.5 * token_weights(batch["mask"], "dapo", size, torch.float64))


def test_half_precision_log_probs_are_compared_in_float32(batch, size):
    half = {name: values.bfloat16() if values.is_floating_point() else values for name, values in batch.items()}
    arguments = (half["log_probs"], half["old_log_probs"], half["advantages"], half["mask"])
    terms = policy_loss(*arguments, config=LossConfig(), size=size)
    exact = policy_loss(*(a.float() if a.is_floating_point() else a for a in arguments), config=LossConfig(), size=size)
    assert terms.total.dtype == torch.float32
    assert terms.total == exact.total


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (LossConfig(kl_coef=0.04), r"ref_log_probs is missing and needed by .*kl_coef=0\.04"),
        (LossConfig(entropy_coef=0.01), r"entropy is missing and needed by .*entropy_coef=0\.01"),
    ],
)
def test_a_term_without_its_input_is_refused_by_the_name_of_its_setting(config, message, batch, size):
    arguments = (batch["log_probs"], batch["old_log_probs"], batch["advantages"], batch["mask"])
    with pytest.raises(ValueError, match=message):
        policy_loss(*arguments, config=config, size=size)


def test_a_tensor_of_another_shape_than_the_mask_is_refused_by_name(batch, size):
    arguments = (batch["log_probs"], batch["old_log_probs"][:, :1], batch["advantages"], batch["mask"])
    with pytest.raises(ValueError, match=r"old_log_probs has shape \(8, 1\); make it that of mask, \(8, 7\)"):
        policy_loss(*arguments, config=LossConfig(), size=size)


def test_the_size_of_an_update_counts_a_row_as_often_as_it_stands_in_the_loss():
    size = update_size(torch.tensor([2, 0, 1]), torch.tensor([5, 7, 3]), max_tokens=20)
    assert (size.sequences, size.tokens, size.max_tokens) == (3, 13, 20)


@pytest.mark.parametrize("name", ["clip_low", "clip_high", "kl_coef", "entropy_coef"])
@pytest.mark.parametrize("value", [-0.1, math.nan])
def test_negative_settings_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=rf"{name}={value} must not be negative; use 0 or more"):
        LossConfig(**{name: value})


def test_unknown_names_are_refused_with_the_choices():
    with pytest.raises(ValueError, match=r"aggregation='bnpo' is unknown; choose one of dapo, grpo, dr_grpo"):
        LossConfig(aggregation="bnpo")
    with pytest.raises(ValueError, match=r"surrogate='sapo' is unknown; choose one of clip, gspo, cispo"):
        LossConfig(surrogate="sapo")

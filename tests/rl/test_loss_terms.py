"""Surrogates and further terms that come from outside the package."""

from dataclasses import replace

import pytest
import torch

from cogito_pl.rl.loss_terms import LossTerm, Surrogate
from cogito_pl.rl.losses import LossConfig, UpdateSize, policy_loss
from tests.rl.loss_batches import golden_batch


class Reinforce(Surrogate):
    def __call__(self, tokens, *, clip_low, clip_high):
        return -tokens.advantages.unsqueeze(1) * tokens.log_probs


class Likelihood(LossTerm):
    name = "likelihood"
    reaches_every_row = False

    def __call__(self, tokens):
        assert (tokens.log_probs[~tokens.mask] == 0).all()
        return (-tokens.log_probs).masked_fill(~tokens.mask, torch.nan)


class Distance(LossTerm):
    name = "distance"
    needs_reference = True

    def __call__(self, tokens):
        return (tokens.log_probs - tokens.ref_log_probs) ** 2


class Floor(LossTerm):
    name = "floor"
    needs_entropy = True
    reaches_every_row = False

    def __call__(self, tokens):
        return (1 - tokens.entropy).clamp(min=0)


@pytest.fixture
def batch():
    return golden_batch()


def terms_of(batch, config, **given):
    arguments = (batch["log_probs"], batch["old_log_probs"], batch["advantages"], batch["mask"])
    return policy_loss(*arguments, config=config, size=UpdateSize(8, 35, 12), **given)


@pytest.mark.parametrize("aggregation", ["dapo", "grpo", "dr_grpo"])
def test_a_term_is_weighted_like_the_surrogates_tokens_and_logged_by_its_name(aggregation, batch):
    bare = terms_of(batch, LossConfig(aggregation=aggregation))
    config = LossConfig(aggregation=aggregation, terms=(Likelihood(0.5),))
    terms = terms_of(batch, config)
    mask, values = batch["mask"], -batch["log_probs"]
    divisor = {"dapo": 35, "grpo": 8 * mask.sum(1, keepdim=True), "dr_grpo": 8 * 12}[aggregation]
    assert (terms.total - bare.total).item() == pytest.approx(0.5 * (values * mask / divisor).sum().item(), abs=1e-12)
    assert terms.sums == bare.sums | {"likelihood": pytest.approx((values * mask).sum().item())}


def test_a_term_of_weight_zero_is_logged_and_not_trained_on(batch):
    batch["log_probs"].requires_grad_()
    terms = terms_of(batch, LossConfig(terms=(Likelihood(0.0),)))
    assert torch.equal(terms.total, terms_of(batch, LossConfig()).total)
    assert terms.sums["likelihood"] > 0


def test_a_surrogate_of_your_own_takes_the_place_of_the_shipped_ones(batch):
    terms = terms_of(batch, LossConfig(surrogate=Reinforce(), aggregation="dapo"))
    wanted = -(batch["advantages"].unsqueeze(1) * batch["log_probs"] * batch["mask"]).sum()
    torch.testing.assert_close(terms.total, wanted / 35, rtol=0, atol=1e-12)
    assert terms.sums["clip_low"] == terms.sums["clip_high"] == 0


@pytest.mark.parametrize(
    ("config", "reference", "entropy", "every_row"),
    [
        (LossConfig(), False, False, False),
        (LossConfig(kl_coef=0.1), True, False, True),
        (LossConfig(entropy_coef=0.1), False, True, True),
        (LossConfig(terms=(Likelihood(),)), False, False, False),
        (LossConfig(terms=(Distance(),)), True, False, True),
        (LossConfig(terms=(Likelihood(), Floor())), False, True, False),
        (replace(LossConfig(kl_coef=0.1, terms=(Floor(),)), kl_coef=0.0), False, True, False),
    ],
)
def test_a_loss_says_what_it_needs_and_which_rows_it_reaches(config, reference, entropy, every_row):
    assert config.needs_reference == reference
    assert config.entropy_gradient == entropy
    assert config.reaches_every_row == every_row


@pytest.mark.parametrize(("term", "missing"), [(Distance(), "ref_log_probs"), (Floor(), "entropy")])
def test_a_term_is_not_called_without_what_it_needs(term, missing, batch):
    with pytest.raises(ValueError, match=rf"{missing} is missing and needed by .*{type(term).__name__}"):
        terms_of(batch, LossConfig(terms=(term,)))
    terms_of(batch, LossConfig(terms=(term,)), **{missing: batch[missing]})


@pytest.mark.parametrize(("names", "what"), [(("kl",), "kl"), (("mine", "mine"), "mine")])
def test_terms_of_the_same_name_are_refused(names, what):
    terms = tuple(Likelihood() for _ in names)
    for term, name in zip(terms, names, strict=True):
        term.name = name
    with pytest.raises(ValueError, match=rf"terms are named .*{what}.*use names that differ"):
        LossConfig(terms=terms)


def test_a_term_of_another_shape_is_refused_by_its_name(batch):
    class PerRow(LossTerm):
        name = "per_row"

        def __call__(self, tokens):
            return tokens.log_probs.sum(1, keepdim=True)

    with pytest.raises(ValueError, match=r"per_row has shape \(8, 1\); make it that of mask, \(8, 7\)"):
        terms_of(batch, LossConfig(terms=(PerRow(),)))

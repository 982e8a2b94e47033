"""A row that is counted k times is k copies of it, and a token that is not trained is none."""

import math
from itertools import product

import pytest
import torch

from cogito_pl.rl.loss_terms import LossTerm
from cogito_pl.rl.losses import SURROGATES, LossConfig, policy_loss, update_size
from tests.rl.loss_batches import AGGREGATIONS, golden_batch

COUNTS = torch.tensor([2, 1, 0, 3, 1, 0, 2, 5])
EVERY_LOSS = pytest.mark.parametrize(("surrogate", "aggregation"), list(product(SURROGATES, AGGREGATIONS)))


class Squared(LossTerm):
    name = "squared"

    def __call__(self, tokens):
        return tokens.log_probs**2


def config(surrogate, aggregation):
    """Everything is on, and both bounds bite at the level of tokens and of sequences."""
    return LossConfig(
        surrogate=surrogate, aggregation=aggregation, clip_low=0.03, clip_high=0.05, kl_coef=0.04, entropy_coef=0.01,
        terms=(Squared(weight=0.3),),
    )  # fmt: skip


def run(batch, config, counts=None):
    """Loss, gradients with respect to log-probs and entropy, sums; the update is the batch."""
    tokens = batch["mask"].sum(1)
    size = update_size(torch.ones_like(tokens) if counts is None else counts, tokens, max_tokens=12)
    leaves = [batch[name].clone().requires_grad_() for name in ("log_probs", "entropy")]
    terms = policy_loss(
        leaves[0], batch["old_log_probs"], batch["advantages"], batch["mask"], config=config, size=size, counts=counts,
        ref_log_probs=batch["ref_log_probs"], entropy=leaves[1],
    )  # fmt: skip
    terms.total.backward()
    return terms.total.detach(), [leaf.grad for leaf in leaves], {k: v.item() for k, v in terms.sums.items()}


@EVERY_LOSS
def test_a_row_counted_k_times_is_k_copies_of_it(surrogate, aggregation):
    batch = golden_batch()
    total, gradients, sums = run(batch, config(surrogate, aggregation), COUNTS)

    owner = torch.arange(8).repeat_interleave(COUNTS)
    copies = {name: values[owner] for name, values in batch.items()}
    assert not torch.equal(copies["log_probs"], copies["old_log_probs"])
    copied_total, copied_gradients, copied_sums = run(copies, config(surrogate, aggregation))

    assert total.item() == pytest.approx(copied_total.item(), abs=1e-12)
    for gradient, copied in zip(gradients, copied_gradients, strict=True):
        added = torch.zeros_like(gradient).index_add(0, owner, copied)
        torch.testing.assert_close(gradient, added, rtol=0, atol=1e-12)
    assert set(sums) == {"surrogate", "kl", "entropy", "squared", "clip_low", "clip_high", "tokens"}
    assert sums == pytest.approx(copied_sums, rel=1e-12, abs=1e-12)
    assert sums["clip_low"] > 0
    assert sums["clip_high"] > 0


@EVERY_LOSS
def test_a_row_counted_zero_times_is_absent_whatever_it_holds(surrogate, aggregation):
    batch = golden_batch()
    clean_total, clean_gradients, clean_sums = run(batch, config(surrogate, aggregation), COUNTS)
    absent = COUNTS == 0
    dirty = {
        name: values if name == "mask" else values.masked_fill(absent.view(-1, *[1] * (values.dim() - 1)), math.nan)
        for name, values in batch.items()
    }
    total, gradients, sums = run(dirty, config(surrogate, aggregation), COUNTS)
    assert torch.equal(total, clean_total)
    assert sums == clean_sums
    for gradient, clean in zip(gradients, clean_gradients, strict=True):
        assert torch.equal(gradient, clean)
        assert (gradient[absent] == 0).all()


@EVERY_LOSS
def test_without_any_counted_row_the_loss_is_zero_and_not_nan(surrogate, aggregation):
    total, gradients, sums = run(golden_batch(), config(surrogate, aggregation), torch.zeros(8, dtype=torch.long))
    assert total == 0
    assert all((gradient == 0).all() for gradient in gradients)
    assert all(value == 0 for value in sums.values())


@EVERY_LOSS
def test_counts_of_one_are_the_default(surrogate, aggregation):
    batch = golden_batch()
    total, gradients, sums = run(batch, config(surrogate, aggregation), torch.ones(8, dtype=torch.long))
    default_total, default_gradients, default_sums = run(batch, config(surrogate, aggregation))
    assert torch.equal(total, default_total)
    assert all(torch.equal(*pair) for pair in zip(gradients, default_gradients, strict=True))
    assert sums == default_sums


@EVERY_LOSS
def test_a_hole_in_the_middle_of_a_row_is_as_if_its_tokens_were_not_there(surrogate, aggregation):
    batch = golden_batch()
    columns = [0, 1, 7, 8, 2, 3, 7, 4, 5, 6]  # 7 and 8: tokens that are attended and not trained
    kept, holes = [0, 1, 4, 5, 7, 8, 9], [2, 3, 6]

    def with_holes(values, fill):
        return torch.cat([values, torch.full((8, 2), fill, dtype=values.dtype)], dim=1)[:, columns]

    holed = {"advantages": batch["advantages"], "mask": with_holes(batch["mask"], False)}
    holed |= {name: with_holes(values, math.nan) for name, values in batch.items() if name not in holed}
    total, gradients, sums = run(holed, config(surrogate, aggregation), COUNTS)
    dense_total, dense_gradients, dense_sums = run(batch, config(surrogate, aggregation), COUNTS)
    assert total.item() == pytest.approx(dense_total.item(), abs=1e-12)
    for gradient, dense in zip(gradients, dense_gradients, strict=True):
        torch.testing.assert_close(gradient[:, kept], dense, rtol=0, atol=1e-12)
        assert (gradient[:, holes] == 0).all()
    assert sums == pytest.approx(dense_sums, rel=1e-12, abs=1e-12)

"""Prioritised advantage distillation: the numbers of ReVisual-R1's equation 4 and of its released code."""

import math
from collections import Counter
from dataclasses import replace
from itertools import permutations

import pytest
import torch

from cogito_pl.rl.distillation import PRESETS, DistillationRule, distilled_counts, draw, rule_of
from cogito_pl.rl.losses import LossConfig, policy_loss, update_size
from tests.rl.loss_batches import AGGREGATIONS, golden_batch

PAPER, OFFICIAL = PRESETS["paper"], PRESETS["official"]
SIZES = [0.3536, 0.5401, 0.7246, 0.9354]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def shares(rule, sizes, temperature=1.0):
    return rule.log_weights(torch.tensor(sizes), temperature).softmax(0).tolist()


def counts_of(rule, sizes, *, temperature=1.0, effective=None, seed=0):
    sizes = torch.tensor(sizes)
    effective = rule.effective(sizes) if effective is None else torch.tensor(effective)
    return distilled_counts(sizes, effective, rule, temperature=temperature, generator=generator(seed)).tolist()


@pytest.mark.parametrize(
    ("rule", "temperature", "expected"),
    [
        (OFFICIAL, 1.0, [0.0988, 0.1865, 0.2898, 0.4250]),
        (PAPER, 1.0, [0.1837, 0.2214, 0.2662, 0.3287]),
        (PAPER, 0.3, [0.0754, 0.1404, 0.2597, 0.5244]),
    ],
    ids=["power 1.5", "softmax 1", "softmax 0.3"],
)
def test_rows_are_drawn_with_the_probabilities_of_the_specification(rule, temperature, expected):
    assert shares(rule, SIZES, temperature) == pytest.approx(expected, abs=1e-4)


def test_without_an_upper_bound_one_large_advantage_takes_most_of_the_softmax_and_less_of_the_power():
    sizes = [*SIZES, 1.2076, 1.6202, 2.4749]
    assert shares(PAPER, sizes, 0.3)[-1] == pytest.approx(0.923, abs=1e-3)
    assert shares(OFFICIAL, sizes)[-1] == pytest.approx(0.414, abs=1e-3)


def test_the_exponent_of_the_power_is_a_setting():
    squares = [size**2 for size in SIZES]
    expected = [square / sum(squares) for square in squares]
    assert shares(replace(OFFICIAL, alpha=2.0), SIZES) == pytest.approx(expected, abs=1e-6)


def test_the_papers_bounds_belong_to_the_set_and_the_codes_do_not():
    sizes = torch.tensor([0.0, 0.25, 0.26, 0.5, 0.51])
    bounds = {"low": 0.25, "high": 0.5}
    assert replace(PAPER, **bounds).effective(sizes).tolist() == [False, True, True, True, False]
    assert replace(OFFICIAL, **bounds).effective(sizes).tolist() == [False, False, True, False, False]


def test_the_defaults_are_those_of_the_paper_as_far_as_it_has_numbers_and_of_the_code():
    assert (PAPER.low, PAPER.high, PAPER.strict, PAPER.weight) == (0.03, math.inf, False, "softmax")
    assert (PAPER.share, PAPER.replacement, PAPER.temperature, PAPER.final_temperature) == (0.5, False, 1.0, 0.3)
    assert (OFFICIAL.low, OFFICIAL.high, OFFICIAL.strict, OFFICIAL.weight) == (0.03, 0.97, True, "power")
    assert (OFFICIAL.share, OFFICIAL.replacement, OFFICIAL.alpha) == (1.5, True, 1.5)


@pytest.mark.parametrize(
    ("rule", "rows", "effective", "drawn"),
    [
        (PAPER, 7, 7, 4),  # ceil(3.5)
        (PAPER, 8, 3, 3),
        (PAPER, 8, 0, 0),
        (replace(PAPER, share=0.1), 30, 9, 3),  # 0.1 * 30 is 3.0000000000000004
        (replace(PAPER, share=2.0), 8, 5, 5),
        (OFFICIAL, 7, 2, 10),  # floor(10.5)
        (OFFICIAL, 8, 0, 0),
        (replace(OFFICIAL, share=0.29), 100, 50, 29),  # 0.29 * 100 is 28.999999999999996
        (replace(OFFICIAL, replacement=False), 8, 5, 5),
    ],
)
def test_the_number_of_drawn_rows_is_that_of_the_variant(rule, rows, effective, drawn):
    assert rule.drawn(rows, effective) == drawn


def test_the_temperature_falls_in_a_line_from_the_first_rollout_to_the_last():
    rule = replace(PAPER, temperature=2.0, final_temperature=0.5)
    assert [rule.temperature_at(progress) for progress in (0.0, 0.5, 1.0)] == [2.0, 1.25, 0.5]


def inclusion(weights, count):
    """Probability of each of few places to be among `count` that are drawn one after the other without replacement."""
    total = [0.0] * len(weights)
    for order in permutations(range(len(weights)), count):
        chance, left = 1.0, sum(weights)
        for place in order:
            chance, left = chance * weights[place] / left, left - weights[place]
        for place in order:
            total[place] += chance
    return total


def test_draws_without_replacement_take_every_row_as_often_as_successive_draws_do():
    logits = PAPER.log_weights(torch.tensor(SIZES), 0.5)
    rounds, seen, source = 4000, Counter(), generator(3)
    for _ in range(rounds):
        places = draw(logits, 2, replacement=False, generator=source).tolist()
        assert len(set(places)) == 2
        seen.update(places)
    expected = inclusion(logits.exp().tolist(), 2)
    for place, chance in enumerate(expected):  # within four standard deviations
        assert seen[place] / rounds == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / rounds))


def test_draws_with_replacement_take_every_row_by_its_probability():
    drawn = draw(OFFICIAL.log_weights(torch.tensor(SIZES), 1.0), 20000, replacement=True, generator=generator(1))
    found = drawn.bincount(minlength=4) / 20000
    assert found.tolist() == pytest.approx([0.0988, 0.1865, 0.2898, 0.4250], abs=0.015)


def test_a_temperature_at_which_all_but_one_probability_round_to_zero_still_draws_different_rows():
    logits = PAPER.log_weights(torch.tensor(SIZES), 1e-5)
    assert logits.softmax(0)[:3].sum() == 0
    assert sorted(draw(logits, 3, replacement=False, generator=generator()).tolist()) == [1, 2, 3]


def test_full_draws_from_the_effective_rows_alone_and_each_once():
    sizes = [0.0, 0.5, 0.01, 0.8, 2.0, 0.6, 0.0, 0.9]
    for seed in range(20):
        counts = counts_of(PAPER, sizes, seed=seed)
        assert sum(counts) == 4
        assert max(counts) == 1
        assert counts[0] == counts[2] == counts[6] == 0
    assert len({tuple(counts_of(PAPER, sizes, seed=seed)) for seed in range(20)}) > 1


def test_the_code_counts_a_row_as_often_as_it_was_drawn():
    counts = counts_of(OFFICIAL, [0.0, 0.5, 0.96, 0.97])
    assert sum(counts) == 6
    assert counts[0] == counts[3] == 0  # 0.97 is no member
    assert max(counts) > 1


def test_filter_only_takes_every_effective_row_once_and_off_takes_all():
    sizes = [0.0, 0.5, 0.01, 0.8]
    assert counts_of(replace(PAPER, mode="filter_only"), sizes) == [0, 1, 0, 1]
    assert counts_of(replace(PAPER, mode="off"), sizes) == [1, 1, 1, 1]


def test_random_draws_as_many_as_full_from_all_rows_alike():
    sizes, found = [0.0, 0.0, 5.0, 5.0, 0.0, 5.0, 0.0, 0.0], torch.zeros(8)
    rule = replace(PAPER, mode="random")
    for seed in range(2000):
        counts = counts_of(rule, sizes, seed=seed)
        assert sum(counts) == 3  # min(4, |E|)
        found += torch.tensor(counts)
    assert (found / 2000).tolist() == pytest.approx([3 / 8] * 8, abs=0.05)


@pytest.mark.parametrize("mode", ["full", "filter_only", "random"])
@pytest.mark.parametrize("preset", PRESETS)
def test_nothing_is_taken_where_no_row_is_effective(preset, mode):
    assert counts_of(rule_of(preset, mode=mode), [0.0, 0.01, 0.02]) == [0, 0, 0]


def test_a_row_that_is_kept_out_of_the_effective_ones_is_never_drawn():
    for seed in range(10):
        assert counts_of(PAPER, [0.5, 5.0, 0.6], effective=[True, False, True], seed=seed)[1] == 0


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_drawn_rows_have_the_gradient_of_as_many_copies_of_them(aggregation):
    """Of a policy with parameters, in float64: one forward of every row against one of all copies."""
    batch, config = golden_batch(), LossConfig(aggregation=aggregation, clip_low=0.03, clip_high=0.05)
    counts = torch.tensor(counts_of(replace(OFFICIAL, high=9.0, share=2.0), batch["advantages"].abs().tolist()))
    assert counts.max() > 2 > counts.min()
    features = torch.randn(8, 7, 3, generator=generator(), dtype=torch.float64)
    parameters = torch.zeros(3, dtype=torch.float64, requires_grad=True)

    def gradient(rows, counts):
        log_probs = batch["log_probs"][rows] + features[rows] @ parameters
        tokens = batch["mask"][rows].sum(1)
        terms = policy_loss(
            log_probs, batch["old_log_probs"][rows], batch["advantages"][rows], batch["mask"][rows], config=config,
            size=update_size(counts, tokens, max_tokens=12), counts=counts,
        )  # fmt: skip
        return torch.autograd.grad(terms.total, parameters)[0]

    copies = torch.arange(8).repeat_interleave(counts)
    counted, copied = gradient(torch.arange(8), counts), gradient(copies, torch.ones_like(copies))
    torch.testing.assert_close(counted, copied, rtol=0, atol=1e-12)
    assert counted.abs().max() > 1e-3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": -0.1}, r"low=-0\.1 and high=inf leave nothing over"),
        ({"low": 0.5, "high": 0.5}, r"low=0\.5 and high=0\.5 leave nothing over"),
        ({"share": 0.0}, r"share=0\.0 draws nothing"),
        ({"alpha": -1.0}, r"alpha=-1\.0 must be a number of 0 or more"),
        ({"temperature": 0.0}, r"temperature=0\.0 is no temperature"),
        ({"final_temperature": math.inf}, r"final_temperature=inf is no temperature"),
        ({"mode": "ful"}, r"mode='ful' is unknown; choose one of full, filter_only, random, off"),
    ],
)
def test_settings_that_make_no_rule_are_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        rule_of("paper", **changes)


def test_a_variant_gives_what_is_not_set_and_an_unknown_one_is_refused():
    assert rule_of("official", high=None, share=0.7) == replace(OFFICIAL, share=0.7)
    assert rule_of("paper") == DistillationRule()
    with pytest.raises(ValueError, match="variant='code' is unknown; choose one of paper, official"):
        rule_of("code")

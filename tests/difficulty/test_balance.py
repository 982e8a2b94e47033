"""The balance by hand, on sums small enough to check: two layers' worth of fractions, one set at a time."""

import math
from dataclasses import replace

import pytest
import torch

from cogito_pl.difficulty.balance import OFFICIAL, PAPER, VARIANTS, BalanceConfig, all_variants, balance, token_counts

# sink, before, question_before, after, question_after, generated, image_0, image_1
SIZES = torch.tensor([1, 3, 4, 2, 6, 5, 8, 12])


def sums(layers, tokens, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(layers, tokens, len(SIZES), generator=generator).softmax(-1)


def test_the_paper_s_balance_is_equation_four():
    found = sums(5, 7)
    image = found[..., 6] + found[..., 7]
    text = found[..., 0] + found[..., 1] + found[..., 2] + found[..., 3] + found[..., 4]
    expected = 0.0
    for token in range(7):
        logs = [math.log(float(image[layer, token] / text[layer, token]) + 1e-8) for layer in (1, 2, 3)]
        expected += math.exp(sum(logs) / 3) / 7
    assert balance(found, SIZES) == pytest.approx(expected, rel=1e-6)


def test_the_official_balance_is_a_ratio_of_sums_of_means_at_layer_twenty_before_the_image():
    found = sums(28, 6)
    layer = found[20, 1:]  # the first response token is left out
    image = ((layer[:, 6] + layer[:, 7]) / 20).sum()
    text = ((layer[:, 0] + layer[:, 1] + layer[:, 2]) / 8).sum()
    assert balance(found, SIZES, OFFICIAL) == pytest.approx(float(image / text), rel=1e-6)


def test_sums_and_means_differ_by_the_ratio_of_token_counts():
    found = sums(6, 4)
    without = BalanceConfig(epsilon=0.0)
    summed, mean = balance(found, SIZES, without), balance(found, SIZES, replace(without, per_token=True))
    assert token_counts(SIZES) == (20, 16)
    assert summed / mean == pytest.approx(20 / 16, rel=1e-6)


@pytest.mark.parametrize(
    ("settings", "columns"),
    [
        ({"text": "all"}, [0, 1, 2, 3, 4]),
        ({"text": "all", "sink": False}, [1, 2, 3, 4]),
        ({"text": "before"}, [0, 1, 2]),
        ({"text": "before", "sink": False}, [1, 2]),
        ({"text": "question"}, [2, 4]),
    ],
)
def test_text_is_the_tokens_that_are_named(settings, columns):
    found = sums(3, 1)
    config = BalanceConfig(layers=(1,), epsilon=0.0, **settings)
    expected = float(found[1, 0, 6:].sum() / found[1, 0, columns].sum())
    assert balance(found, SIZES, config) == pytest.approx(expected, rel=1e-6)
    assert token_counts(SIZES, config)[1] == int(SIZES[columns].sum())


def test_a_few_tokens_with_hardly_any_attention_on_text_move_the_mean_and_not_the_median():
    calm = sums(5, 41)
    spiked = calm.clone()
    spiked[:, :4, :5] *= 0.02
    median = BalanceConfig(tokens="median_of_ratios")
    ratio = (calm[1:4, :, 6:].sum(-1).double() / calm[1:4, :, :5].sum(-1).double()).log().mean(0).exp()
    assert balance(calm, SIZES, median) == pytest.approx(sorted(ratio.tolist())[20], rel=1e-5)
    assert balance(spiked, SIZES) > 4 * balance(calm, SIZES)
    assert balance(spiked, SIZES, median) < 1.2 * balance(calm, SIZES, median)


def test_a_response_of_one_token_keeps_it_and_a_text_without_images_has_no_balance():
    assert balance(sums(28, 1), SIZES, OFFICIAL) > 0
    blind = torch.rand(4, 3, 6).softmax(-1)
    assert balance(blind, SIZES[:6]) == pytest.approx(PAPER.epsilon, rel=1e-3)
    assert balance(blind, SIZES[:6], BalanceConfig(per_token=True, epsilon=0.0)) == 0.0


def test_what_model_or_prompt_lack_is_refused_by_name_and_stated_as_none():
    with pytest.raises(ValueError, match=r"layers=\(20,\) does not fit a model of 4 layers"):
        balance(sums(4, 3), SIZES, OFFICIAL)
    with pytest.raises(ValueError, match="layers=inner does not fit a model of 2 layers"):
        balance(sums(2, 3), SIZES)
    image_first = torch.tensor([0, 0, 0, 2, 6, 5, 8, 12])
    with pytest.raises(ValueError, match="text=before"):
        balance(sums(4, 3), image_first, BalanceConfig(text="before"))
    found = all_variants(sums(4, 3), SIZES)
    assert found.keys() == VARIANTS.keys()
    assert [name for name, value in found.items() if value is None] == ["official"]


@pytest.mark.parametrize("settings", [{"layers": ()}, {"layers": (-1,)}, {"epsilon": -1.0}])
def test_impossible_settings_are_refused_by_name(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        BalanceConfig(**settings)

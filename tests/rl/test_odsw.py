"""The weights of prompts by their accuracy, against the table of the released code at sixteen completions."""

import pytest
import torch

from cogito_pl.rl.odsw import SHAPES, difficulty_weights

RISE = [0.0, 0.19509, 0.382683, 0.55557, 0.707107, 0.83147, 0.92388, 0.980785]
PUBLISHED = {
    "easy": RISE + [1.0] * 9,
    "medium": [*RISE, 1.0, *reversed(RISE)],
    "hard": [0.25] + [1.0] * 8 + RISE[::-1],
    "binary_low": [0.25] + [1.0] * 8 + [0.0] * 8,
    "binary_middle": [0.0] * 4 + [1.0] * 9 + [0.0] * 4,
    "binary_high": [0.0] * 8 + [1.0] * 9,
    "all_wrong_only": [0.25] + [1.0] * 16,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_the_published_one_with_exact_zeros(shape):
    weights = difficulty_weights(torch.arange(17) / 16, shape, at_zero=0.25)
    expected = torch.tensor(PUBLISHED[shape])
    assert torch.allclose(weights, expected, atol=1e-5, rtol=0)
    assert torch.equal(weights == 0, expected == 0)


@pytest.mark.parametrize("shape", SHAPES)
def test_weights_stay_between_zero_and_one_for_groups_of_any_size(shape):
    for size in (1, 2, 3, 7, 64):
        weights = difficulty_weights(torch.arange(size + 1) / size, shape, at_zero=0.25)
        assert weights.min() >= 0
        assert weights.max() <= 1


def test_the_three_shapes_agree_at_one_half_and_mirror_each_other():
    p = torch.arange(1, 16) / 16
    easy, medium, hard = (difficulty_weights(p, shape, at_zero=0.25) for shape in ("easy", "medium", "hard"))
    assert easy[7] == medium[7] == hard[7] == 1
    assert torch.allclose(easy.flip(0), hard, atol=1e-6)
    assert torch.equal(torch.minimum(easy, hard), medium)


def test_what_a_prompt_without_right_completions_counts_is_a_setting():
    for shape, expected in {"hard": 0.7, "binary_low": 0.7, "all_wrong_only": 0.7, "easy": 0.0, "medium": 0.0}.items():
        assert difficulty_weights(torch.zeros(1), shape, at_zero=0.7).item() == pytest.approx(expected)


def test_an_unknown_shape_is_named_with_those_that_exist():
    with pytest.raises(ValueError, match="'steep' is unknown; it is one of easy, medium"):
        difficulty_weights(torch.zeros(1), "steep", at_zero=0.0)

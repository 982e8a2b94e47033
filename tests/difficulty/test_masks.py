"""Masks hide the share they are asked to hide, where their seed says, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cogito_pl.difficulty.masks import FILLS, OPERATORS, hidden_pixels, mask_image, token_grid, whole_share
from cogito_pl.policy import Generic, PolicyConfig, PromptEncoder


def noise(width, height, seed=0):
    return Image.fromarray(np.random.RandomState(seed).randint(1, 255, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_ratio_of_nothing_changes_nothing_and_a_seed_decides_the_rest(operator):
    image = noise(60, 45)
    assert np.array_equal(mask_image(image, 0.0, 1, operator=operator, cell=7), image)
    first, again, other = (np.array(mask_image(image, 0.3, seed, operator=operator, cell=7)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert image.size == (60, 45)


@settings(max_examples=50)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 100), st.integers(0, 9))
def test_pixel_hides_exactly_the_whole_share_of_pixels(width, height, percent, seed):
    hidden = hidden_pixels((width, height), percent / 100, seed, operator="pixel", cell=28)
    assert hidden.sum() == percent * width * height // 100
    assert hidden.shape == (height, width)


@settings(max_examples=50)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 30), st.integers(0, 10), st.integers(0, 9))
def test_patch_hides_whole_cells_of_a_grid_from_the_corner(width, height, cell, tenths, seed):
    hidden = hidden_pixels((width, height), tenths / 10, seed, operator="patch", cell=cell)
    rows, columns = -(-height // cell), -(-width // cell)
    cells = [hidden[r * cell : (r + 1) * cell, c * cell : (c + 1) * cell] for r in range(rows) for c in range(columns)]
    assert all(part.all() or not part.any() for part in cells)
    assert sum(bool(part.all()) for part in cells) == tenths * rows * columns // 10


@pytest.mark.parametrize(("ratio", "count", "expected"), [(0.7, 10, 7), (0.29, 100, 29), (0.9, 4, 3), (1.0, 9, 9)])
def test_a_share_is_taken_of_the_ratio_as_it_is_written(ratio, count, expected):
    assert whole_share(ratio, count) == expected


def test_rect_is_the_rectangle_of_the_released_code():
    corners = set()
    for seed in range(400):
        hidden = hidden_pixels((100, 100), 0.25, seed, operator="rect", cell=28)
        ys, xs = hidden.any(1).nonzero()[0], hidden.any(0).nonzero()[0]
        assert hidden.sum() == len(xs) * len(ys)  # one rectangle
        assert len(xs) == min(51, 100 - xs[0])  # w = 50 and inclusive corners, cut at the edge
        assert len(ys) == min(51, 100 - ys[0])
        corners |= {("x", int(xs[0])), ("y", int(ys[0]))}
    assert corners == {(axis, place) for axis in "xy" for place in range(51)}


def test_rect_always_covers_the_centre_from_a_ratio_of_three_tenths():
    assert all(hidden_pixels((448, 448), 0.3, seed, operator="rect", cell=28)[224, 224] for seed in range(100))


@pytest.mark.parametrize("fill", FILLS)
def test_hidden_parts_have_the_paint_that_was_asked_for(fill):
    image = np.full((20, 20, 3), (10, 20, 40), dtype=np.uint8)
    image[:10] = (30, 60, 80)
    colour = {"black": (0, 0, 0), "gray": (128, 128, 128), "mean": (20, 40, 60)}[fill]
    pixels = np.array(mask_image(Image.fromarray(image), 0.5, 3, operator="patch", fill=fill, cell=5))
    hidden = hidden_pixels((20, 20), 0.5, 3, operator="patch", cell=5)
    assert (pixels[hidden] == colour).all()
    assert (pixels[~hidden] == image[~hidden]).all()


def test_a_ratio_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match=r"ratio=1\.5"):
        mask_image(noise(4, 4), 1.5, 0)


@pytest.mark.parametrize("size", [(56, 84), (101, 63), (613, 240), (9, 90), (3, 800)])
def test_a_hidden_cell_is_one_visual_token_and_the_others_are_as_without_a_mask(tiny_folder, size):
    encoder = PromptEncoder(PolicyConfig(name=str(tiny_folder)))
    image = noise(*size)
    scaled, cell = token_grid(image, encoder)
    assert cell == 28
    processor = encoder.processor.image_processor
    masked = mask_image(scaled, 0.5, 7, operator="patch", fill="black", cell=cell)
    assert token_grid(masked, encoder)[0].size == scaled.size  # the processor has nothing left to scale
    hidden = hidden_pixels(scaled.size, 0.5, 7, operator="patch", cell=cell)[::cell, ::cell].reshape(-1)
    plain, shown = (
        processor(images=[shown], return_tensors="pt")["pixel_values"].reshape(len(hidden), -1)
        for shown in (scaled, masked)
    )
    changed = (plain != shown).any(1).numpy()
    assert np.array_equal(changed, hidden)  # patches come token by token, four to each


def test_the_image_is_scaled_as_the_processor_scales_it(tiny_folder):
    encoder = PromptEncoder(PolicyConfig(name=str(tiny_folder)))
    image = noise(613, 240)
    processor = encoder.processor.image_processor
    ours, theirs = (
        processor(images=[shown], return_tensors="pt")["pixel_values"]
        for shown in (token_grid(image, encoder)[0], image)
    )
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() < 1e-5


def test_a_family_without_square_tokens_needs_a_patch_size(tiny_folder):
    encoder = PromptEncoder(PolicyConfig(name=str(tiny_folder)))
    encoder.family = Generic()
    with pytest.raises(ValueError, match=r"scorer\.patch"):
        token_grid(noise(30, 30), encoder)
    assert token_grid(noise(30, 30), encoder, 10)[1] == 10

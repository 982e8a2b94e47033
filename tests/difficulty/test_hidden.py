"""A trial hides what the scorer's settings say, each image by a seed of its own."""

import numpy as np
import pytest

from cogito_pl.difficulty import PISM
from cogito_pl.difficulty.generation import masked
from cogito_pl.difficulty.identity import trial_seed
from cogito_pl.difficulty.masks import mask_image
from cogito_pl.difficulty.scorer import Task
from cogito_pl.policy import PolicyConfig, PromptEncoder
from tests.conftest import noise_image, problem

TASK = Task(0.4, 2)


@pytest.fixture(scope="module")
def encoder(tiny_folder):
    return PromptEncoder(PolicyConfig(name=str(tiny_folder)))


@pytest.mark.parametrize(
    "settings",
    [
        {"operator": "pixel", "fill": "gray"},
        {"operator": "rect", "fill": "mean"},
        {"operator": "patch", "fill": "gray", "patch": 14},
        {"operator": "patch", "fill": "mean", "patch": 7},
    ],
    ids=str,
)
def test_an_image_is_hidden_by_the_operator_fill_and_cells_that_are_set(encoder, settings):
    image = noise_image(112, 84, seed=3).load()
    hidden = PISM(**settings).hide(image, TASK, 11, encoder)
    cell = settings.get("patch", 1)
    expected = mask_image(image, 0.4, 11, operator=settings["operator"], fill=settings["fill"], cell=cell)
    assert np.array_equal(hidden, expected)
    assert not np.array_equal(hidden, PISM().hide(image, TASK, 11, encoder))


def test_two_equal_images_of_a_problem_are_hidden_in_different_places(encoder):
    image = noise_image(112, 112, seed=3)
    twice = problem("<image>And<image>?", (112, 112), (112, 112), seed=3)
    twice = twice.__class__(**{**vars(twice), "images": (image, image)})
    shown = masked(twice, TASK, PISM(), 5, encoder)
    first, second = (np.array(image.load()) for image in shown.images)
    assert not np.array_equal(first, second)


def test_seed_problem_ratio_and_repeat_decide_the_seed_of_a_trial():
    keys = [(seed, name, Task(ratio, k)) for seed in (1, 2) for name in "ab" for ratio in (0.0, 0.5) for k in (0, 1)]
    assert len({trial_seed(*key) for key in keys}) == len(keys)

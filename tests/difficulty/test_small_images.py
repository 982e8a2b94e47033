"""A ratio that hides nothing of a small image is told before the trials start."""

from types import SimpleNamespace

import pytest

from cogito_pl.difficulty import PISM
from cogito_pl.policy import PolicyConfig, PromptEncoder
from tests.conftest import problem


@pytest.fixture(scope="module")
def policy(tiny_folder):
    return SimpleNamespace(encoder=PromptEncoder(PolicyConfig(name=str(tiny_folder))))


def cells(policy, size):
    """Visual tokens of an image."""
    return policy.encoder.family.count_image_tokens(policy.encoder.processor, [size])[0]


def test_the_problems_whose_images_a_ratio_does_not_touch_are_counted_by_ratio(policy):
    small, large, none = problem("?", (56, 56), seed=1), problem("?", (280, 280), seed=2), problem(seed=3)
    mixed = problem("?", (280, 280), (56, 56), seed=4)
    few = cells(policy, (56, 56))
    assert few < 10 <= cells(policy, (280, 280))
    notice = PISM(ratios=(0.0, 0.1, 0.9)).notice(policy, [small, large, none, mixed])
    assert f"0.1 for 2 of 4 problems. The smallest, of problem 'p1', has {few}." in notice
    assert "0.9 for" not in notice
    assert "policy.min_pixels" in notice


def test_nothing_is_said_where_every_ratio_hides_something_or_another_operator_does(policy):
    small, large = problem("?", (56, 56), seed=1), problem("?", (280, 280), seed=2)
    assert PISM().notice(policy, [large]) == ""
    assert PISM().notice(policy, [problem(seed=3)]) == ""
    assert PISM(ratios=(0.0, 0.5)).notice(policy, [small]) == ""
    for operator in ("pixel", "rect"):
        assert PISM(operator=operator).notice(policy, [small]) == ""


def test_cells_of_a_stated_size_are_counted_on_the_scaled_image(policy):
    notice = PISM(patch=140, ratios=(0.0, 0.2, 0.25)).notice(policy, [problem("?", (280, 280), seed=2)])
    scaled = policy.encoder.family.scale_image(policy.encoder.processor, problem("?", (280, 280)).images[0].load())[0]
    wide, high = (-(-side // 140) for side in scaled.size)
    assert f"has {wide * high}." in notice
    assert PISM(patch=14).notice(policy, [problem("?", (280, 280), seed=2)]) == ""

"""A validation split: the same again, disjoint by image, and stable when data are added."""

import pytest

from cogito_pl.data.prepare.split import fingerprints, validation_ids
from tests.conftest import noise_image, problem

ALONE = {f"p{i}": [f"print{i}"] for i in range(2000)}


def test_the_share_is_met_on_average_and_another_seed_is_another_split():
    held = validation_ids(ALONE, share=0.2)
    assert 320 < len(held) < 480
    assert held == validation_ids(dict(reversed(ALONE.items())), share=0.2)
    assert held != validation_ids(ALONE, share=0.2, seed=1)


def test_more_data_leave_every_problem_on_its_side_and_a_larger_share_only_adds():
    some = {name: ALONE[name] for name in list(ALONE)[:700]}
    assert validation_ids(some, share=0.2) == validation_ids(ALONE, share=0.2) & some.keys()
    assert validation_ids(ALONE, share=0.2) < validation_ids(ALONE, share=0.3)


def test_problems_that_share_images_even_through_others_stay_together():
    chained = {f"p{i}": [f"print{i // 3}", *([f"print{i // 3 + 1}"] if i % 6 == 2 else [])] for i in range(600)}
    held = validation_ids(chained, share=0.3)
    seen = {
        name in held: {mark for n in chained if (n in held) == (name in held) for mark in chained[n]}
        for name in chained
    }
    assert seen[True].isdisjoint(seen[False])


def test_a_count_is_never_exceeded_and_reached_where_groups_allow_it():
    assert len(validation_ids(ALONE, count=123)) == 123
    pairs = {f"p{i}": [f"print{i // 2}"] for i in range(100)}
    assert len(validation_ids(pairs, count=7)) == 6


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ({}, "either"),
        ({"share": 0.1, "count": 3}, "either"),
        ({"share": 1.0}, "share=1.0"),
        ({"count": 2000}, "count=2000"),
    ],
)
def test_sizes_that_make_no_split_are_rejected(size, message):
    with pytest.raises(ValueError, match=message):
        validation_ids(ALONE, **size)


def test_one_image_for_all_problems_cannot_be_split():
    with pytest.raises(ValueError, match="the largest of 50"):
        validation_ids({f"p{i}": ["logo"] for i in range(50)}, share=0.5)


def test_fingerprints_are_pixels_whatever_the_file_and_questions_where_there_are_none():
    one, again, other = problem("a", (8, 8), seed=1), problem("b", (8, 8), seed=1), problem("a", (8, 8), seed=2)
    assert fingerprints(one) == fingerprints(again) != fingerprints(other)
    assert fingerprints(problem("What  IS it?", seed=1)) == fingerprints(problem("what is it?", seed=2))
    assert noise_image(4, 16).load().tobytes() == noise_image(16, 4).load().tobytes()  # they differ in size alone
    assert fingerprints(problem("a", (4, 16))) != fingerprints(problem("a", (16, 4)))

"""Options and image places are read out of texts as the benchmarks write them."""

import pytest

from cogito_pl.evaluation.benchmark import RowError
from cogito_pl.evaluation.wording import letter_of, lettered, literal_list, options_in, with_images

COLUMNS = ("image_1", "image_2", "image_3")


def test_images_stand_where_they_are_first_named_and_the_others_before_the_text():
    text, images = with_images("See <image 3>, then <image 3> or <image 9>.", r"<image (\d)>", COLUMNS, COLUMNS)
    assert text == "<image><image>\nSee <image>, then [image 3] or [image 9]."
    assert images == ("image_1", "image_2", "image_3")


def test_a_text_that_names_no_image_is_left_as_it_is():
    assert with_images("See it.", r"<image (\d)>", COLUMNS, ("image_2",)) == ("See it.", ("image_2",))


def test_an_image_that_is_named_but_not_there_becomes_words():
    assert with_images("<image 2>?", r"<image (\d)>", COLUMNS, ("image_1",)) == ("[image 2]?", ("image_1",))


def test_options_are_read_behind_their_labels():
    assert options_in("A. 3 cm;B. A. Nobel;C. ", r"(?:^|;)\s*{}\.") == ("3 cm", "A. Nobel", "")
    assert options_in(" A: x, B: y, z, C: w", r"(?:^|,|\n)\s*{}:") == ("x", "y, z", "w")


@pytest.mark.parametrize("text", ["", "A. only one", "B. x;C. y", "first A. x;B. y"])
def test_a_text_that_does_not_list_options_has_none(text):
    assert options_in(text, r"(?:^|;| )\s*{}\.") == ()


def test_labels_and_literal_lists_that_make_no_sense_reject_the_row():
    assert (lettered(("x", "y")), letter_of(1, ("x", "y")), literal_list("['x', 2]", "options")) == (
        "A. x\nB. y", "B", ["x", "2"],
    )  # fmt: skip
    for broken in (lambda: letter_of(2, ("x", "y")), lambda: letter_of("B", ("x", "y")), lambda: letter_of(-1, ("x",))):
        with pytest.raises(RowError, match="is not the index of one of"):
            broken()
    with pytest.raises(RowError, match="the options are no list as Python writes it: 'x, y'"):
        literal_list("x, y", "options")
    with pytest.raises(RowError, match="the options are a dict, not a list"):
        literal_list("{}", "options")

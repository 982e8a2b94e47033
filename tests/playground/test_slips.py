"""Careless solutions go wrong where they say, carry it on, and state the answer that follows."""

import random
from dataclasses import replace

import pytest

from cogito_pl.playground.draft import Draft
from cogito_pl.playground.entries import entries_of
from cogito_pl.playground.families import FAMILIES, draft_problem
from cogito_pl.playground.pacing import paced
from cogito_pl.playground.scene import DIFFICULTIES, Scene
from cogito_pl.playground.slips import careless
from cogito_pl.playground.things import COLOURS, SHAPES

KEYS = [(family, difficulty) for family in FAMILIES for difficulty in DIFFICULTIES]
SHOWN = (Scene(1, 1, (None,)),)
COUNT = Draft(question="?", answer="2", kind="number", steps="a1 red yes 1 a2 empty 1 b1 red yes 2", scenes=SHOWN)
SUM = Draft(question="5 + 3 - 2 =", answer="6", kind="number", steps="5 +3 8 -2 6")
LEAD = replace(COUNT, answer="C", kind="choice", choices=("", "", ""), steps="a1 red A +1 a2 empty +1 b1 blue B 0")
SEARCH = replace(COUNT, answer="b1", kind="text", steps="a1 red a2 empty b1 red heart yes")
LOOK_UP = replace(COUNT, answer="red heart", kind="text", steps="a1 blue star yes right a2 red heart")


class Dice(random.Random):
    """Chances in a given order, then never again; choices take the last option."""

    def __init__(self, *chances: float) -> None:
        super().__init__(0)
        self.chances = list(chances)

    def random(self) -> float:
        return self.chances.pop(0) if self.chances else 1.0

    def choice(self, options):
        return options[-1]


@pytest.mark.parametrize(("family", "difficulty"), KEYS)
def test_without_slips_a_solution_is_the_careful_one(family, difficulty):
    for seed in range(20):
        draft = draft_problem(family, difficulty, seed)
        assert careless(draft, 0.0, random.Random(seed)) == (draft.steps, draft.answer)
        careful = paced(draft, draft.steps, draft.answer, repeats=0.0, stops=0.0, rng=random.Random(seed))
        assert careful == (draft.steps, draft.answer)


@pytest.mark.parametrize(("family", "difficulty"), KEYS)
def test_one_slip_in_nine_steps_spoils_some_answers_of_every_family_and_never_all(family, difficulty):
    drafts = [draft_problem(family, difficulty, seed) for seed in range(150)]
    wrong = sum(careless(draft, 0.11, random.Random(n))[1] != draft.answer for n, draft in enumerate(drafts))
    assert 0.04 < wrong / len(drafts) < 0.8


def test_a_miscount_is_carried_on_to_the_answer():
    assert careless(COUNT, 0.1, Dice(1.0, 0.09)) == ("a1 red yes 1 a2 empty 2 b1 red yes 3", "3")
    assert careless(COUNT, 0.1, Dice(1.0, 0.11)) == (COUNT.steps, "2")


def test_a_sum_leaves_out_a_term_twice_as_often_as_a_count_slips_and_goes_on_from_there():
    assert careless(SUM, 0.1, Dice(0.19)) == ("5 +3 8", "8")
    assert careless(SUM, 0.1, Dice(0.21, 0.19)) == ("5 -2 3", "3")
    assert careless(SUM, 0.1, Dice(0.0, 0.0)) == ("5", "5")
    assert careless(SUM, 0.1, Dice(0.21, 0.21)) == (SUM.steps, "6")


@pytest.mark.parametrize(("question", "steps"), [("2 + 3 - 4 =", "2 +3 5 -4 1"), ("17 - 8 + 9 =", "17 -8 9 +9 18")])
def test_a_term_stays_where_a_later_total_would_leave_the_range_of_sums(question, steps):
    draft = Draft(question=question, answer=steps.split(" ")[-1], kind="number", steps=steps)
    assert careless(draft, 0.5, Dice(1.0, 0.0)) == (steps, draft.answer)


def test_a_count_never_falls_below_zero():
    class Down(Dice):
        def choice(self, options):
            return options[0]

    none = replace(COUNT, answer="0", steps="a1 red 0 a2 empty 0")
    assert careless(none, 0.1, Down(0.0)) == (none.steps, "0")


def test_a_lead_keeps_its_sign_and_its_letter_follows():
    assert careless(LEAD, 0.1, Dice(1.0, 0.0)) == ("a1 red A +1 a2 empty +2 b1 blue B +1", "A")


def test_a_search_stops_at_a_cell_that_is_not_empty_twice_as_often_as_a_count_slips():
    assert careless(SEARCH, 0.1, Dice(0.19)) == ("a1 red yes", "a1")
    assert careless(SEARCH, 0.1, Dice(0.21, 0.0)) == (SEARCH.steps, "b1")  # the empty cell takes no chance


def test_a_look_up_misnames_the_colour_or_the_shape_of_what_it_found():
    wrong = {careless(LOOK_UP, 0.25, random.Random(seed))[1] for seed in range(40)}
    assert "red heart" not in wrong
    assert wrong <= {f"{colour} heart" for colour in COLOURS} | {f"red {shape}" for shape in SHAPES}
    steps, answer = careless(LOOK_UP, 0.25, random.Random(3))
    assert steps == f"a1 blue star yes right a2 {answer}"
    assert careless(LOOK_UP, 0.1, Dice(0.41)) == (LOOK_UP.steps, "red heart")


@pytest.mark.parametrize(("family", "difficulty"), KEYS)
def test_entries_joined_are_the_solution_and_begin_with_a_cell_an_image_or_a_term(family, difficulty):
    for seed in range(20):
        draft = draft_problem(family, difficulty, seed)
        entries = entries_of(draft.steps)
        assert " ".join(entries) == draft.steps
        cells = sum(scene.rows * scene.columns for scene in draft.scenes)
        if family in ("count", "sum", "compare"):
            assert len(entries) == cells
        if family == "arithmetic":
            assert len(entries) == difficulty + 1


def test_entries_of_two_images_and_of_relations_are_whole():
    assert entries_of("second a1 red yes 1 a2 empty 1 first a1 red 0") == [
        "second a1 red yes 1", "a2 empty 1", "first a1 red 0",
    ]  # fmt: skip
    assert entries_of(LOOK_UP.steps) == ["a1 blue star yes right a2 red heart"]
    assert entries_of(SUM.steps) == ["5", "+3 8", "-2 6"]


def test_a_rambling_solution_begins_again_at_its_end_and_keeps_its_answer():
    told = paced(COUNT, COUNT.steps, "3", repeats=0.5, stops=0.0, rng=Dice(1.0, 1.0, 0.4, 0.4, 0.6))
    assert told == (" ".join([COUNT.steps] * 3), "3")


@pytest.mark.parametrize(
    ("draft", "chances", "steps", "answer"),
    [
        (COUNT, (1.0, 0.0), "a1 red yes 1 a2 empty 1", "1"),
        (LEAD, (0.0,), "a1 red A +1", "A"),
        (SEARCH, (0.0,), "a1 red", "a1"),
        (SUM, (0.29,), "5 +3 8", "8"),
        (SUM, (0.31,), SUM.steps, "6"),
        (LOOK_UP, (1.0, 0.0), LOOK_UP.steps, "red heart"),
    ],
)
def test_a_solution_that_stops_early_states_what_it_has_so_far(draft, chances, steps, answer):
    assert paced(draft, draft.steps, draft.answer, repeats=0.3, stops=0.3, rng=Dice(*chances)) == (steps, answer)

"""Multiple choice made open-ended: what is rewritten, and what is rejected for which reason."""

import pytest

from cogito_pl.data.prepare.multiple_choice import separated
from cogito_pl.data.prepare.open_ended import LONGEST_TEXT, Rejected, answer_kind, open_ended
from cogito_pl.problem import Problem
from cogito_pl.rewards import check_gold
from tests.conftest import problem


def asked(question: str, answer: str, *choices: str, **fields) -> Problem:
    return problem(question, kind="choice", answer=answer, choices=choices, **fields)


@pytest.mark.parametrize(
    ("given", "question", "answer", "kind"),
    [
        (asked("More red or green? A. red B. green C. same", "B", "red", "green", "same"),
         "More red or green?", "green", "text"),
        (asked("Find x.\nChoices:\n(A) 12\n(B) $2\\sqrt{3}$\n(C) 30", "B", "12", "$2\\sqrt{3}$", "30"),
         "Find x.", "$2\\sqrt{3}$", "math"),
        (asked("What is the area? A) 12 cm; B) 15.5 cm", "B"), "What is the area?", "15.5 cm", "number"),
        (asked("Where is it? Options: ['in a box', 'on the roof']", "A", "in a box", "on the roof"),
         "Where is it?", "in a box", "text"),
        (asked("Hint: Give the correct option letter, e.g., A, at the end.\nHow far?\nChoices:\n(A) 1/2\n(B) 2", "A"),
         "How far?", "1/2", "number"),
        (asked("How far? A. 1\nB. 2\nAnswer with the option's letter from the given choices directly.", "2", "1", "2"),
         "How far?", "2", "number"),
        (asked("In the following diagram, what is x?", "A", "A. 30°", "B. 40°"),
         "In the following diagram, what is x?", "30°", "number"),
        (asked("How many do not swim?", "A", "3", "None of the above"), "How many do not swim?", "3", "number"),
        (asked("Which country is highlighted?", "B", "Palau", "Solomon  Islands"),
         "Which country is highlighted?", "Solomon  Islands", "text"),
        (asked("What is 0 + 1? A. 0 B. 1", "B"), "What is 0 + 1?", "1", "number"),
        (asked("Round to the nearest tenth: how long?", "A", "0.5", "0.7"),
         "Round to the nearest tenth: how long?", "0.5", "number"),
    ],
)  # fmt: skip
def test_the_options_leave_the_question_and_the_correct_one_is_the_answer(given, question, answer, kind):
    made = open_ended(given)
    assert isinstance(made, Problem), made
    assert (made.question, made.answer, made.kind, made.choices) == (question, answer, kind, ())
    assert check_gold(made.answer, made.kind) is None


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (asked("Which of the following is a mammal?", "A", "dog", "frog"), "points to its options"),
        (asked("Which one of these is blue?", "A", "sky", "grass"), "points to its options"),
        (asked("Which statement is true?", "A", "it rains", "it snows"), "points to its options"),
        (asked("Choose the correct answer: how many?", "A", "1", "2"), "points to its options"),
        (asked("Which animal is not a mammal?", "B", "dog", "frog"), "compares its options"),
        (asked("What is NOT shown?", "B", "dog", "frog"), "compares its options"),
        (asked("What best describes it?", "B", "round", "square"), "compares its options"),
        (asked("Which value is closest to x?", "B", "1", "2"), "compares its options"),
        (asked("Is it to the left or to the right?", "A", "left", "right"), "question's wording"),
        (asked("What is it? A. one B. two", "A", "three", "four"), "question's wording"),
        (asked("What is it?", "C", "dog", "cat", "None of the above"), "points to other options"),
        (asked("What is it?", "C", "a dog", "a cat", "both A and B"), "points to other options"),
        (asked("What is it?", "A", "I and II", "II only"), "points to other options"),
        (asked("What is x?", "B", "7", "Cannot be determined"), "nothing can be said"),
        (asked("Which figure comes next?", "A", "A", "B", "C"), "option is an image"),
        (asked("Which figure comes next?", "A", "Figure 1", "Figure 2"), "option is an image"),
        (asked("Which figure comes next?", "A", "choice_a.png", "choice_b.png"), "option is an image"),
        (asked("What is the angle DEF? (see the picture)", "B"), "not in the text"),
        (asked("What is it?", "A, B", "dog", "cat", "cow"), "not one of the options"),
        (
            asked("Why?", "A", "because the sun warms the sea more than the land", "no"),
            f"more than {LONGEST_TEXT} words",
        ),
    ],
)
def test_a_problem_that_needs_its_options_is_rejected_with_the_reason(given, reason):
    made = open_ended(given)
    assert isinstance(made, Rejected), made
    assert reason in made.reason


def test_images_stay_where_they_are_and_options_with_images_are_rejected():
    made = open_ended(problem("<image>How many? <image>\nA. 3 B. 4", (8, 8), (8, 8), kind="choice", answer="A"))
    assert made.question == "<image>How many? <image>"
    assert len(made.images) == 2
    image_options = problem("What is next? A. <image> B. <image>", (8, 8), (8, 8), kind="choice", answer="A")
    assert "option is an image" in open_ended(image_options).reason


def test_everything_else_of_the_problem_is_kept_but_the_worked_solution():
    given = asked("How many? A. 3 B. 4", "A", seed=7, solution="It is A.", source="mine", meta={"difficulty": 2})
    made = open_ended(given)
    assert (made.id, made.source, made.solution) == ("p7", "mine", None)
    assert made.meta == {"difficulty": 2, "was_choice": True}
    assert given.choices == ()


def test_problems_of_other_kinds_are_returned_as_they_are():
    given = problem("Which of the following is 2 + 2? A. 3 B. 4")
    assert open_ended(given) is given


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("5", "number"), ("-3.5 kg", "number"), ("60%", "number"), ("3:4", "math"), ("x+1", "math"), ("(2, 3)", "math"),
     ("\\frac{\\pi}{2}", "math"), ("carbon dioxide", "text"), ("Day 5", "text"), ("yes", "text")],
)  # fmt: skip
def test_the_kind_follows_from_the_form_of_the_answer(answer, kind):
    assert answer_kind(answer) == kind


def test_labels_in_the_wording_are_not_taken_for_options():
    for question in ("From point A. to point C. how far?", "What is angle B?", "A: 3 apples. How many?"):
        assert separated(question, ()) == (question, ())

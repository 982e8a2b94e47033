"""The official rules, on responses whose verdict by the official code is known."""

import pytest

from cogito_pl.evaluation.benchmark import Part, RowError
from cogito_pl.evaluation.benchmarks import BENCHMARKS, DynaMath, MathVista, WeMath
from cogito_pl.evaluation.verifiers.dynamath import DynaMathChoice, DynaMathFloat, DynaMathText
from cogito_pl.evaluation.verifiers.mathvista import MathVistaList, MathVistaNumber
from cogito_pl.evaluation.verifiers.mmmu import MMMUChoice, MMMUOpen, chosen
from cogito_pl.evaluation.verifiers.ocrbench import OCRBenchText
from cogito_pl.evaluation.verifiers.we_math import WeMathLetter
from cogito_pl.evaluation.verifiers.yes_no import YesNo
from cogito_pl.rewards import Candidate, GradeOptions

STANDARD = GradeOptions()
HEIGHTS = ("12 m", "13 m", "14 m", "15 m")


def correct(verifier, text: str, gold: str, choices=(), rule: str = "boxed") -> bool | None:
    verdict = verifier.judge(Candidate(text, rule), gold, choices, STANDARD)
    return None if verdict is None else verdict.correct


@pytest.mark.parametrize(
    ("text", "gold", "expected"),
    [
        ("3.142", "3.1416", True),
        ("3.14", "3.1416", False),  # more than 0.001 from it
        ("0.5π", "1.5708", True),
        ("-π", "-3.1416", True),
        ("2.0944", "2.094", True),
        ("12.002", "12", False),
        ("12 cm", "12", True),  # a unit after a space
        ("twelve", "12", None),
        ("1e400", "12", False),
    ],
)
def test_dynamath_allows_a_difference_of_a_thousandth(text, gold, expected):
    assert correct(DynaMathFloat(), text, gold) is expected


def test_dynamath_reads_the_short_answer_and_nothing_behind_it():
    assert correct(DynaMathFloat(), '"12.000",\n"solution": "13"}', "12", rule="marker") is True
    assert correct(DynaMathFloat(), '12.0, \n"solution": "13"}', "12", rule="marker") is True
    assert correct(DynaMathText(), '"odd"\n, "solution": "not even"}', "even", rule="marker") is False
    assert correct(DynaMathText(), "x" * 101 + " even", "even", rule="lone") is None


def test_dynamath_takes_a_letter_among_the_first_three_characters():
    assert correct(DynaMathChoice(), "(B)", "B") is True
    assert correct(DynaMathChoice(), "B. 12", "B") is True
    assert correct(DynaMathChoice(), "C", "B") is False
    assert correct(DynaMathChoice(), "Both", "B") is None


@pytest.mark.parametrize(
    ("decimals", "text", "gold", "expected"),
    [
        (None, "3.7", "3", True),
        (None, "-2.5", "-2", True),
        (None, "14", "14", True),
        (None, "50%", "50", True),
        (None, "3 or 4", "3", False),
        (None, "many", "3", None),
        (1, "6", "6.0", True),
        (1, "0.64", "0.6", True),
        (2, "1.446", "1.45", True),
        (2, "1.4", "1.45", False),
    ],
)
def test_mathvista_cuts_integers_and_rounds_floats(decimals, text, gold, expected):
    assert correct(MathVistaNumber(decimals), text, gold) is expected


def test_mathvista_compares_lists_item_by_item():
    assert correct(MathVistaList(), "It is [1,2]", "[1, 2]") is True
    assert correct(MathVistaList(), "[2, 1]", "[1, 2]") is False
    assert correct(MathVistaList(), "1, 2", "[1, 2]") is None
    assert MathVistaList().check("1, 2") == "the answer '1, 2' is not a Python list"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The answer is (C).", "C"),
        ("(A) is wrong, so (B)", "B"),
        ("I choose B because it fits", "B"),
        ("The height is 14 m in this figure clearly", "C"),
        ("A tall tree (D)", "D"),
        ("B.", "B"),
        ("It is 14 m", None),  # no more than five words: the official code guesses
        ("None of them fits here at all", None),
        ("", None),
    ],
)
def test_mmmu_takes_the_last_option_and_never_guesses(text, expected):
    assert chosen(text, HEIGHTS) == expected


def test_mmmu_reads_an_option_with_its_text_as_any_choice():
    assert correct(MMMUChoice(), "C. 14 m", "C", HEIGHTS) is True
    assert correct(MMMUChoice(), "It is hard", "C", HEIGHTS) is None


@pytest.mark.parametrize(
    ("text", "gold", "expected"),
    [
        ("The answer is 3.0", "3", True),
        ("So the result is 1,200 dollars", "1200", True),
        ("category", "cat", True),
        ("The answer is 16", "6", False),
        ("approximately 3.14159", "3.14", True),
        ("a tabby", "['cat', 'tabby']", True),
        ("a dog", "['cat', 'tabby']", False),
        ("...", "cat", None),
    ],
)
def test_mmmu_accepts_a_gold_number_or_a_contained_gold(text, gold, expected):
    assert correct(MMMUOpen(), text, gold) is expected


def test_ocrbench_looks_for_any_gold_and_keeps_the_case_of_formulas_alone():
    assert correct(OCRBenchText(), "the TOWN\nhall", '["x", "town hall"]') is True
    assert correct(OCRBenchText(), "town", '["town hall"]') is False
    assert correct(OCRBenchText(formula=True), r"\frac { A } 2", r'["\\frac{A}{2}", "\\frac{A}2"]') is True
    assert correct(OCRBenchText(formula=True), "a", '["A"]') is False
    assert OCRBenchText().check('["a", " "]') == "one of the answers is empty"


def test_yes_and_no_together_are_no_answer():
    assert correct(YesNo(), "Yes, they are", "yes") is True
    assert correct(YesNo(), "I know nothing: no", "yes") is False
    assert correct(YesNo(), "Yes and no", "yes") is None
    assert YesNo().check("1") == "the answer '1' is neither yes nor no"


def test_we_math_takes_the_first_letter_after_the_last_answer():
    assert correct(WeMathLetter(), ">: <<B. 4 cm>>", "B", rule="marker") is True
    assert correct(WeMathLetter(), ">: <<D>>", "B", rule="marker") is False
    assert correct(WeMathLetter(), "4 cm", "B", ("3 cm", "4 cm")) is True


ROW = {"pid": "1", "query": "Which?", "decoded_image": None, "choices": None, "precision": None, "answer": "3",
       "question_type": "free_form", "answer_type": "integer", "metadata": None}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"answer_type": "float", "precision": 3.0}, "answer_type='float' with precision=3.0 has no rule"),
        (
            {"question_type": "multi_choice", "choices": ["1", "2"]},
            "the answer '3' is not the index of one of 2 options",
        ),
    ],
)
def test_a_row_of_mathvista_without_a_rule_is_rejected(changed, reason):
    assert MathVista().item(ROW, Part("testmini")).question == "Which?"  # without a hint there is no instruction
    with pytest.raises(RowError, match=reason):
        MathVista().item(ROW | changed, Part("testmini"))


def test_rows_of_unknown_steps_answers_and_labels_are_rejected():
    with pytest.raises(RowError, match="the key '4steps_1' names no step"):
        WeMath().item({"key": "4steps_1"}, Part("testmini"))
    with pytest.raises(RowError, match="answer_type='set' is none of float, multiple choice, text"):
        DynaMath().item({"answer_type": "set"}, Part("sample_variant1"))
    with pytest.raises(RowError, match="gt_answer='2' is neither 0"):
        BENCHMARKS["hallusionbench"]().item({"gt_answer": "2"}, Part("image"))

"""Each option changes the verdicts that its name says, and the named rules of benchmarks hold on their own cases."""

import json
import pickle
from pathlib import Path

import pytest

from cogito_pl.rewards import GradeOptions, grade

SPECIAL = Path(__file__).parents[3].parent / "shared/grading/special.jsonl"
RULES = {
    "dynamath-float": GradeOptions(absolute_tolerance=1e-3),
    "mathvista-integer-trunc": GradeOptions(truncate=True),
    "chartqa-official-strictness": GradeOptions(chart="official", places=("lone",)),
    "mmmu-open-parse": GradeOptions(text="mmmu"),
    "list-order-convention": GradeOptions(ordered=True),
    "unreduced-fraction-convention": GradeOptions(reduced=True),
    "format-strict": GradeOptions(places=("boxed",)),
    "geometry3k-bracket-format": GradeOptions(places=("bracketed",)),
}
REFUSED = {
    "Answer \\( \n 9 \n \\)": "the suite pins that one extractor misses a formula over two lines; 9 is correct",
    "$1 + \\frac{1}{\\mathrm{e}}$": "the suite pins a false positive; 1 + 1/e is not 1 - 1/e",
    "The line graph saw its maximum peak between 2007 and 2008.": "needs reading, not a rule",
}


@pytest.mark.parametrize(
    ("options", "kind", "response", "gold"),
    [
        ({"absolute_tolerance": 0.001}, "math", "\\boxed{3.142}", "3.1416"),
        ({"absolute_tolerance": 0.001}, "math", "\\boxed{\\frac{\\pi}{2}}", "1.5708"),
        ({"absolute_tolerance": 1.0}, "number", "<answer>12.5</answer>", "12"),
        ({"relative_tolerance": 0.02}, "number", "<answer>102</answer>", "100"),
        ({"decimals": 2}, "number", "<answer>1.446</answer>", "1.45"),
        ({"decimals": 2}, "math", "\\boxed{(0.33, 2)}", "(\\frac{1}{3}, 2)"),
        ({"truncate": True}, "number", "<answer>3.7</answer>", "3"),
        ({"markers": ["so"]}, "number", "a1 green yes 1 a2 blue 1 so 1", "1"),
        ({"markers": ["so", "<answer>"]}, "text", "a1 red circle yes <answer> a1", "a1"),
        ({"markers": ["<answer>"]}, "number", "9 +3 12<answer>12", "12"),
        ({"markers": ["so"]}, "choice", "so far A is ahead, so B", "B"),
        ({"relations": True}, "math", "\\boxed{-2 \\le x \\le 7}", "x \\in [-2, 7]"),
        ({"relations": True}, "math", "\\boxed{-2 < x < 7}", "(-2, 7)"),
        ({"any_names": True}, "math", "\\boxed{f(y)}", "f(x)"),
        ({"places": ("bracketed",)}, "math", "First [30], then [45].", "45"),
        ({"chart_tolerance": 0.1}, "chart", "<answer>110</answer>", "100"),
        ({"text": "contains"}, "text", "<answer>the sign says stop here</answer>", "STOP"),
        ({"text": "mmmu"}, "text", "So the result is 1,200 dollars", "1200"),
        ({"edit_distance": 0.2}, "text", "<answer>resturant</answer>", "restaurant"),
    ],
)
def test_an_option_accepts_what_is_wrong_by_default(options, kind, response, gold):
    assert not grade(response, gold, kind).correct
    assert grade(response, gold, kind, options=GradeOptions(**options)).correct


@pytest.mark.parametrize(
    ("options", "kind", "response", "gold"),
    [
        ({"ordered": True}, "math", "\\boxed{4, 10}", "10, 4"),
        ({"reduced": True}, "math", "\\boxed{\\frac{2}{4}}", "\\frac{1}{2}"),
        ({"places": ("boxed",)}, "math", "The answer is 4.", "4"),
        ({"exact_years": True}, "chart", "<answer>2009</answer>", "2010"),
        ({"chart": "official"}, "chart", "<answer>1,000</answer>", "1000"),
        ({"chart": "official"}, "chart", "<answer>50</answer>", "50%"),
        ({"chart_tolerance": 0.0}, "chart", "<answer>101</answer>", "100"),
    ],
)
def test_an_option_rejects_what_is_correct_by_default(options, kind, response, gold):
    assert grade(response, gold, kind).correct
    assert not grade(response, gold, kind, options=GradeOptions(**options)).correct


@pytest.mark.parametrize(
    ("options", "kind", "response", "gold"),
    [
        ({"absolute_tolerance": 0.001}, "math", "\\boxed{12.002}", "12"),
        ({"text": "contains"}, "text", "<answer>512</answer>", "12"),
        ({"text": "mmmu"}, "text", "The answer is 16", "6"),
        ({"edit_distance": 0.2}, "text", "<answer>rest</answer>", "restaurant"),
        ({"truncate": True}, "number", "<answer>2.9</answer>", "3"),
        ({"markers": ["so"]}, "number", "2 also 1", "1"),
        ({"markers": ["so"]}, "number", "so 2, no, so 1", "2"),
        ({"markers": ["so"]}, "number", "<think>so 1", "1"),
        ({"markers": ["so"]}, "number", "<answer>2</answer> so 1", "1"),
    ],
)
def test_an_option_goes_no_further_than_it_says(options, kind, response, gold):
    assert not grade(response, gold, kind, options=GradeOptions(**options)).correct


def test_options_can_be_cached_and_sent_to_a_worker():
    options = GradeOptions(decimals=2, places=("boxed",))
    assert pickle.loads(pickle.dumps(options)) == options
    assert len({options, GradeOptions(decimals=2, places=("boxed",)), GradeOptions()}) == 2


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("places", ("box",)),
        ("markers", ("so", " ")),
        ("absolute_tolerance", -1.0),
        ("chart_tolerance", float("nan")),
        ("edit_distance", 1.0),
        ("decimals", 99),
    ],
)
def test_a_setting_that_cannot_work_is_named_in_the_refusal(setting, value):
    with pytest.raises(ValueError, match=f"grading.{setting}.*choose"):
        GradeOptions(**{setting: value})


@pytest.mark.skipif(not SPECIAL.exists(), reason="the grading suite is not here")
def test_every_special_case_is_decided_as_expected_under_the_rule_that_it_names():
    wrong = []
    for case in map(json.loads, SPECIAL.read_text().splitlines()):
        named = case.get("options") or {}
        options = RULES.get(case["group"], GradeOptions())
        if case["group"] in ("math-verify-nondefault", "mathvista-float-precision"):
            options = GradeOptions(
                decimals=named.get("precision"),
                relations=named.get("allow_set_relation_comp", False),
                any_names=named.get("strict") is False,
            )
        choices = tuple(named.get("choices", {}).values())
        verdict = grade(case["prediction"], case["gold"], case["kind"], choices, options)
        if verdict.correct != case["expected"] and case["prediction"] not in REFUSED:
            wrong.append((case["group"], case["prediction"][-80:], case["gold"][-80:], verdict))
    assert wrong == []

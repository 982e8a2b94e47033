import json
import signal
import threading
import time
from pathlib import Path

import pytest

from cogito_pl.rewards import check_gold, grade

SUITE = Path(__file__).parents[3].parent / "shared/grading/cases.jsonl"
BOX = "[[10, 10, 50, 50], [60.5, 60, 90, 99]]"
GOLDS = [
    ("math", r"\frac{1}{2}", ()),
    ("math", r"\{1, 2, 3\}", ()),
    ("math", r"x^2 + 2x + 1", ()),
    ("math", r"3\sqrt{13}", ()),
    ("math", r"(2, 12) \cup (12, 102)", ()),
    ("math", r"\begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix}", ()),
    ("math", "30^\\circ", ()),
    ("math", "Evelyn", ()),
    ("number", "7", ()),
    ("number", "-0.5", ()),
    ("number", "1,234,567.5", ()),
    ("number", "12.5%", ()),
    ("number", "3/7", ()),
    ("choice", "C", ("red", "green", "blue")),
    ("choice", "blue", ("red", "green", "blue")),
    ("choice", "B, D", ()),
    ("choice", "A", ()),
    ("text", "The Eiffel Tower", ()),
    ("text", "no", ()),
    ("chart", "2010", ()),
    ("chart", "light blue", ()),
    ("boxes", BOX, ()),
]


def correct(response: str, gold: str, kind: str, choices: tuple[str, ...] = ()) -> bool:
    return grade(response, gold, kind, choices).correct


@pytest.mark.parametrize(("kind", "gold", "choices"), GOLDS)
def test_a_gold_answers_itself_however_it_is_stated(kind, gold, choices):
    assert check_gold(gold, kind, choices) is None
    for form in ("{}", " {}\n", "<answer>{}</answer>", "<think>no, \\boxed{{0}}</think><answer> {} </answer>"):
        verdict = grade(form.format(gold), gold, kind, choices)
        assert (verdict.correct, verdict.score, verdict.parsed) == (True, 1.0, True), (form, verdict)
    if kind != "boxes":
        for form in (
            "\\boxed{{{}}}",
            "So\n$\\boxed{{{}}}$.",
            "The answer is {}.",
            "**Answer:** {}",
            "<answer>\\boxed{{{}}}</answer>",
        ):
            assert correct(form.format(gold), gold, kind, choices), form


@pytest.mark.parametrize(
    ("answer", "gold", "agree"),
    [
        (r"\left( \dfrac{1}{3} \right)", r"\frac13", True),
        (r"\left[ 0, 1 \right)", "[0,1)", True),
        (r"\text{odd}", "odd", True),
        ("x + 1", "1+x", True),
        ("0.5", r"\frac{1}{2}", True),
        (r"32,\! 349", "32349", True),
        ("100 dollars", "100", True),
        ("1 1/2", "11/2", False),
        ("3 4", "34", False),
        ("5x", "5", False),
        (r"1+\frac{1}{\mathrm{e}}", r"1-\frac{1}{\mathrm{e}}", False),
        ("listen", "silent", False),
        (r"4\sqrt{2}", "4", False),
        ("[0,1)", "(0,1)", False),
        ("y+x+z", "x+y+z", True),
    ],
)
def test_formulas_agree_by_meaning(answer, gold, agree):
    assert correct(rf"\boxed{{{answer}}}", gold, "math") is agree


@pytest.mark.parametrize(
    ("answer", "gold", "agree"),
    [
        ("0.30", "3/10", True),
        ("0.30000000000000004", "0.3", False),
        ("0.333", "1/3", False),
        ("1e3", "1,000", True),
        ("2 1/2", "2.5", True),
        ("-(5)", "5", False),
        ("50%", "0.5", True),
        ("50", "50%", True),
        ("5", "50%", False),
        ("$5", "5", True),
        ("5 cm", "5", True),
        ("5 cm", "5 m", False),
        ("5x", "5", False),
        ("3 million", "3,000,000", True),
        ("−4", "-4", True),  # noqa: RUF001
        ("²", "2", False),
        ("nan", "5", False),
        ("1/0", "1", False),
        ("5 or 6", "5", False),
        ("5, 6", "5", False),
    ],
)
def test_numbers_agree_exactly(answer, gold, agree):
    assert correct(f"<answer>{answer}</answer>", gold, "number") is agree


@pytest.mark.parametrize(
    ("response", "gold", "agree"),
    [
        ("Answer: A large triangle has three sides.", "A", False),
        ("A large triangle has three sides.", "A", False),
        ("I think so.", "I", False),
        ("Answer: A", "A", True),
        ("The answer is (B) because A is too small.", "B", True),
        ("ANSWER: DB", "B, D", True),
        ("ANSWER: B and D", "DB", True),
        ("The answer is A or B.", "A", False),
        ("The answer is not C.", "C", False),
        ("ANSWER: A is wrong.", "A", False),
        ("<answer>b</answer>", "B", True),
        (r"\boxed{\text{(C)}}", "C", True),
        ("ANSWER: [LETTER]", "L", False),
        ("答案：（A，C）", "AC", True),  # noqa: RUF001
    ],
)
def test_labels_count_only_where_an_answer_is_stated(response, gold, agree):
    assert correct(response, gold, "choice") is agree


def test_only_the_labels_of_the_item_are_labels():
    assert not grade("Answer: D", "A", "choice", ("x", "y", "z")).parsed
    assert correct("Answer: z", "C", "choice", ("x", "y", "z"))
    assert correct("<answer>C. 14 m</answer>", "14 m", "choice", ("12 m", "13 m", "14 m"))
    assert correct("<answer>A dog</answer>", "B", "choice", ("A cat", "A dog"))


def test_charts_are_relaxed_by_five_percent_and_zero_is_not():
    assert correct("10.5", "10", "chart")
    assert not correct("10.51", "10", "chart")
    assert not correct("0.01", "0", "chart")
    assert correct("$1,000", "1000", "chart")
    assert correct("52", "50%", "chart")


def test_missed_and_extra_boxes_cost_alike():
    assert grade("[[10,10,50,50]]", BOX, "boxes").score == pytest.approx(2 / 3)
    assert grade("[[10,10,50,50],[60,60,90,99],[0,0,5,5]]", BOX, "boxes").score == pytest.approx(4 / 5)
    assert grade("[[10,10,50,50],[10,10,50,50]]", BOX, "boxes").score == pytest.approx(1 / 2)
    assert correct('```json\n[{"bbox_2d": [60, 60, 90, 99]}, {"bbox_2d": [10, 10, 50, 50]}]\n```', BOX, "boxes")
    assert grade("[]", BOX, "boxes").parsed
    assert not grade("none", BOX, "boxes").parsed


def test_every_box_finds_a_partner_when_that_is_possible():
    gold = "[[0,0,10,10],[0,0,10,14]]"  # the first answer overlaps both, the second only the second
    assert grade("[[0,0,10,12],[0,0,10,18]]", gold, "boxes").correct


@pytest.mark.parametrize(
    ("response", "rule"),
    [
        ("<think>it is <answer>3</answer>", "answer-tag/number"),
        ("<think>so \\boxed{4}", "none"),
        ("<think>\\boxed{4}</think>", "none"),
        ("<think>hm <answer>4</answer>", "answer-tag/number"),
        ("<answer>3</answer> wait <answer>4</answer>", "answer-tag/number"),
        ("\\boxed{3}, no: \\boxed{4", "boxed/number"),
        ("The answer is 3. Final answer: 4", "marker/number"),
        ("We have 4 apples and 5 pears.", "none"),
        ("Answer: 4, 5", "marker/several"),
        ("The answer is 4 apples, because I counted.", "marker/number"),
        ("Working\n**Final Answer**\n\\[ 4 \\]", "marker/number"),
        ("The total is 4.", "statement/number"),
        ("4", "lone/number"),
        ("", "none"),
    ],
)
def test_the_rule_that_found_the_answer_is_told(response, rule):
    assert grade(response, "4", "number").rule == rule


HOSTILE = {
    "one token": "1 " * 50_000,
    "one letter": "a" * 100_000,
    "nines": "9" * 100_000,
    "open braces": "{" * 100_000,
    "open boxes": "\\boxed{" * 14_000,
    "nested boxes": "\\boxed{" * 400 + "1" + "}" * 400,
    "open tags": "<answer>" * 12_000,
    "open thoughts": "<think>" * 14_000,
    "answer tokens": "answer " * 14_000,
    "answers": "The answer is " * 7_000,
    "options": "option " * 14_000,
    "dollars": "$" * 100_000,
    "brackets": "[" * 100_000,
    "boxes": "[1,2,3,4]," * 10_000,
    "is": "is " * 33_000,
    "stars": "**" * 50_000,
    "control characters": "\x00\x01\x1b[31m\x7f\u202e\ufeff" * 1_000,
    "lone surrogates": "<answer>\ud800\udfff 4</answer>",
    "null byte": "\\boxed{4\x00}",
    "tower": "\\boxed{9^{9^{9}}}",
    "power": "\\boxed{10^{100000000}}",
    "factorial": "\\boxed{1000000!}",
    "unbalanced": "\\boxed{\\frac{1}{",
    "parentheses": "\\boxed{" + "(" * 500 + ")" * 500 + "}",
    "digits": "<answer>" + "7" * 5000 + "</answer>",
    "exponent": "<answer>1e999999999</answer>",
    "zero group": "<answer>0 111</answer>",
    "letters": "ANSWER: " + "A, " * 30_000,
    "backslashes": "\\" * 100_000,
    "markers": "answer: " * 12_000,
    "sums": "so 1+1=" * 14_000,
    "corrections": "wait, no: " * 10_000,
    "Chinese": "答案是" * 30_000,
    "expansion": "\\boxed{(x+1)^{1000}}",
}


@pytest.mark.parametrize("kind", ["math", "number", "choice", "text", "chart", "boxes"])
@pytest.mark.parametrize("name", HOSTILE)
def test_no_response_raises_or_hangs(name, kind):
    gold = {"choice": "A", "boxes": BOX, "text": "word"}.get(kind, "12")
    verdict = grade(HOSTILE[name], gold, kind)
    assert verdict.rule != "error"
    assert not verdict.correct


@pytest.mark.parametrize(
    ("gold", "kind", "choices"),
    [
        ("", "math", ()),
        ("9^{9^{9}}", "math", ()),
        ("about five", "number", ()),
        ("E", "choice", ("x", "y")),
        ("same", "choice", ("same", "same")),
        ("the red car", "boxes", ()),
        ("[[5, 5, 1, 1]]", "boxes", ()),
    ],
)
def test_a_gold_that_no_response_could_meet_is_refused_with_a_reason(gold, kind, choices):
    assert check_gold(gold, kind, choices)


def test_a_kind_without_a_verifier_is_an_error_and_no_gold_of_it_can_be_verified():
    with pytest.raises(ValueError, match=r"'poem' has no verifier; choose from math, number.*reward\.verifiers"):
        grade("4", "4", "poem")
    assert check_gold("4", "poem").startswith("kind 'poem' has no verifier; choose from math, number")


def test_formulas_are_graded_off_the_main_thread():
    verdicts = []
    thread = threading.Thread(target=lambda: verdicts.append(grade("\\boxed{y+x}", "x+y", "math")))
    thread.start()
    thread.join()
    assert verdicts[0].rule == "boxed/math-verify"
    assert verdicts[0].correct


def test_an_alarm_of_the_caller_still_rings():
    rang = []
    handler = signal.signal(signal.SIGALRM, lambda *_: rang.append(True))
    timer = signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        assert correct("\\boxed{a+b}", "b+a", "math")
        time.sleep(0.4)
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)
    assert rang


@pytest.mark.skipif(not SUITE.exists(), reason="the grading suite is not here")
def test_public_grading_cases_are_decided_as_their_sources_do():
    cases = [json.loads(line) for line in SUITE.read_text().splitlines()]
    wrong = [c for c in cases if correct(c["prediction"], c["gold"], c["kind"]) != c["expected"]]
    assert len(cases) - len(wrong) >= 555
    assert not [c for c in wrong if not c["expected"]], "no false positives"

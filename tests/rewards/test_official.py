r"""The papers' own rewards: what was measured on the released code, and what the default says of the same answers."""

import pytest

from cogito_pl.problem import Problem
from cogito_pl.rewards import Reward, RewardConfig, grade
from cogito_pl.rewards.official import OFFICIAL, ruler

WRONG_BUT_PAID = [
    (r"2\sqrt{3}", r"2\sqrt{5}", "math"),
    (r"3\sqrt{2}", "3", "math"),
    ("3", r"3\sqrt{2}", "math"),
    (r"4\sqrt{2}", r"4\sqrt{3}", "math"),
    (r"5\pi", "5", "math"),
    ("5", r"5\pi", "math"),
    ("10 apples", "10 pears", "number"),
    ("Fig 2", "Table 2", "text"),
    ("between 5 and 10", "10", "number"),
    ("16, 9", "9", "number"),
    ("1,2", "12", "number"),
    ("square", "cell", "text"),
    ("inch", "in", "text"),
    ("Monday", "Mon", "text"),
    ("line", "le", "text"),
    ("5 m", "5 cm", "number"),
    ("5 km", "5 m", "number"),
]
CORRECT_BUT_UNPAID = [("A.", "A", "choice"), ("A. 5", "A", "choice"), ("2 million", "2000000", "number")]


def tagged(answer: str) -> str:
    return rf"<think>t</think><answer>\boxed{{{answer}}}</answer>"


def official(name: str, response: str, gold: str, kind: str = "math") -> float:
    return OFFICIAL[name].grader(response, gold, kind).score


@pytest.mark.parametrize(("answer", "gold", "kind"), WRONG_BUT_PAID)
def test_vl_cogito_pays_for_these_wrong_answers_and_the_default_does_not(answer, gold, kind):
    assert official("vl_cogito", tagged(answer), gold) == 1.0
    assert not grade(tagged(answer), gold, kind).correct


@pytest.mark.parametrize(("answer", "gold", "kind"), CORRECT_BUT_UNPAID)
def test_vl_cogito_does_not_pay_for_these_correct_answers_and_the_default_does(answer, gold, kind):
    assert official("vl_cogito", tagged(answer), gold) == 0.0
    assert grade(tagged(answer), gold, kind, ("5", "6") if kind == "choice" else ()).correct


def test_vl_cogito_wants_the_tag_and_does_not_want_a_box():
    assert official("vl_cogito", r"\boxed{4}", "4") == 0.0
    assert official("vl_cogito", "<answer>4</answer>", "4") == 1.0
    assert official("vl_cogito", "<answer>4</answer><answer>5</answer>", "4") == 1.0
    assert official("vl_cogito", tagged("3.14"), r"\pi") == 0.0
    assert grade(r"\boxed{4}", "4", "math").correct


class InProcess:
    """Grades in this process, in the place of a pool."""

    def __init__(self, workers, deadline_s, verifiers, grader) -> None:
        self.grader = grader

    def grade_all(self, requests):
        return [self.grader(*request) for request in requests]


def score(variant: str, response: str, gold: str, **settings: object):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cogito_pl.rewards.reward.GraderPool", InProcess)
        reward = Reward(RewardConfig(variant=variant, **settings))
    return reward.score([response], [Problem(id="p", question="?", answer=gold, kind="math")])


def test_vl_cogito_weighs_form_by_half_and_its_hard_stage_repetition_of_wrong_answers_too():
    circles = "<think>" + "round and round " * 40 + "</think><answer>5</answer>"
    easy, hard = score("vl_cogito", circles, "4"), score("vl_cogito", circles, "4", repetition=0.5)
    assert easy.total == [0.5]
    assert easy.terms == {"accuracy": [0.0], "format": [1.0]}
    words = len(circles.split())
    assert hard.terms["repetition"] == [pytest.approx(-(1 - 5 / (words - 19)), abs=0.02)]
    assert hard.total == [0.5 + 0.5 * hard.terms["repetition"][0]]
    assert score("vl_cogito", circles, "5", repetition=0.5).total == [1.5]


@pytest.mark.parametrize(
    ("response", "formed"),
    [
        ("<think>a</think> <answer>4</answer>", 1.0),
        ("<think></think><answer></answer>", 1.0),
        ("<think>a</think><answer>4</answer><answer>5</answer>", 1.0),
        (" <think>a</think><answer>4</answer>", 0.0),
        ("<think>a</think>so<answer>4</answer>", 0.0),
    ],
)
def test_vl_cogitos_form_allows_more_blocks_and_no_space_around(response, formed):
    verdict = OFFICIAL["vl_cogito"].grader(response, "4", "math")
    assert OFFICIAL["vl_cogito"].terms["format"](response, verdict) == formed


@pytest.mark.parametrize(
    ("answer", "gold", "same"),
    [
        ("2+2", "4", False),
        ("10^6", "1000000", False),
        (r"1.2\times10^5", "120000", False),
        ("2/4", "1/2", False),
        ("0.333333", "1/3", False),
        ("5.00000001", "5", True),
        ("1e-7", "0", True),
        ("5 cm", "5", True),
        ("50%", "50", True),
        ("x+1", "1+x", True),
        ("None", "None", True),
    ],
)
def test_mathrulers_rules_are_its_own(answer, gold, same):
    assert ruler.same(answer, gold) is same


def test_mathruler_runs_no_code_of_a_response():
    assert not ruler.same("__import__('os').getcwd()", "x")
    assert not ruler.same("x.args", "x+1")


def test_revisual_reads_the_box_alone():
    for response in ("<answer>4</answer>", "The answer is 4."):
        assert official("revisual_r1", response, "4") == 0.0
        assert grade(response, "4", "math").correct
    assert official("revisual_r1", "nothing to say", "None") == 1.0
    assert official("revisual_r1", r"\boxed{ 4 }", "4") == 1.0
    assert official("revisual_r1", r"\boxed{2/4}", r"\frac{1}{2}") == 0.0
    assert grade(r"\boxed{2/4}", r"\frac{1}{2}", "math").correct


def test_revisual_pays_for_the_words_of_reflection_in_wrong_answers():
    musing = "But wait, that is a mistake. Maybe it is wrong. Actually the correct one should be 5. " * 20
    result = score("revisual_r1", musing + r"\boxed{5}", "4")
    assert result.terms["self_critic"] == [1.0]
    assert result.terms["repetition"] == [0.0]
    assert result.total == [pytest.approx(0.05)]
    plain = score("revisual_r1", r"The figure shows 5. \boxed{4}", "4")
    assert plain.terms["repetition"] == [1.0]
    assert plain.total == [pytest.approx(0.80 + 0.05 + 0.05 * plain.terms["image_revisit"][0])]
    assert score("revisual_r1_text", r"\boxed{4}", "4").total == [pytest.approx(0.85 + 0.10)]


@pytest.mark.parametrize(
    ("response", "gold", "paid"),
    [
        ("<answer>4</answer>", r"\boxed{4}", 0.0),
        ("<answer> 4 </answer>", r"\boxed{4}", 1.0),
        ("<answer>B</answer>", r"\boxed{B}", 0.0),
        (r"<answer>\boxed{B}</answer>", r"\boxed{B}", 1.0),
        ("<answer>0.5</answer>", r"\boxed{\frac{1}{2}}", 0.0),
    ],
)
def test_difficulty_sampling_refuses_what_its_prompt_asks_for_and_the_default_does_not(response, gold, paid):
    assert official("difficulty_sampling", response, gold) == paid
    assert grade(response, gold, "math").correct


@pytest.mark.parametrize(
    ("answer", "gold", "kind"),
    [
        ("o", "Google", "text"),
        ("Goggles", "Google", "text"),
        ("y-2", "x^{2}+3", "text"),
        ("13", "3", "number"),
        ("30", "3", "number"),
        ("1", "12", "number"),
        ("2", "12", "number"),
        ("512", "12", "number"),
    ],
)
def test_difficulty_sampling_pays_for_these_wrong_readings_and_the_default_does_not(answer, gold, kind):
    response = f"<answer>{answer}</answer>"
    assert official("difficulty_sampling", response, gold, kind) == 1.0
    assert grade(response, gold, kind).score == 0.0


def test_difficulty_sampling_forgives_missed_and_invented_boxes_and_the_default_does_not():
    gold = [{"bbox_2d": [at, at, at + 20, at + 20], "label": "cat"} for at in (0, 100, 200)]
    invented = [{"bbox_2d": [at, at, at + 9, at + 9], "label": "cat"} for at in range(300, 350, 10)]
    text = str(gold).replace("'", '"')
    for answer, paid in ((gold[:1], 1.0), (gold + invented, 1.0), ([invented[0]], 0.0)):
        response = f"<answer>{answer}</answer>"
        assert official("difficulty_sampling", response, text, "boxes") == paid
        assert grade(response, text, "boxes").score < 1
    fenced = f"<answer>```json\n{text}\n```</answer>"
    assert official("difficulty_sampling", fenced, text, "boxes") == 0.0
    assert grade(fenced, text, "boxes").correct
    barely = '<answer>[{"bbox_2d": [19, 19, 60, 60], "label": "cat"}]</answer>'
    assert 0 < official("difficulty_sampling", barely, text, "boxes") < 0.01
    assert OFFICIAL["difficulty_sampling"].grader(barely, text, "boxes").correct
    assert not grade(barely, text, "boxes").correct

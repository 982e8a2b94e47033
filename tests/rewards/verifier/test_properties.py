"""Properties that every verdict has, on generated golds and on all golds of the public cases."""

import json
import random
from pathlib import Path

import pytest

from cogito_pl.rewards import check_gold, grade, grade_cheaply
from cogito_pl.rewards.verifier.parsing.number_words import number_of

SUITE = Path(__file__).parents[3].parent / "shared/grading/cases.jsonl"
SEEDS = range(40)
OPTIONS = ("a red ball", "a blue cube", "two cones", "none of these", "14 m")
STATED = ("{}", "  {} \n", "<answer>{}</answer>", "<think>\\boxed{{0}} or A</think>\n<answer> {} </answer>")


def expression(random_: random.Random) -> str:
    n, m, k = random_.randint(2, 99), random_.randint(2, 99), random_.choice([2, 3, 5, 7, 11])
    return random_.choice(
        [
            rf"\frac{{{n}}}{{{m}}}", rf"-\frac{{{n}}}{{{m}}}", rf"{n}\sqrt{{{k}}}", rf"\frac{{{n}\sqrt{{{k}}}}}{{{m}}}",
            rf"{n}\pi", rf"\frac{{{n}\pi}}{{{m}}}", f"{n}x^{{2}}+{m}x", f"x^{{{k}}}-{n}", rf"{n}^\circ", rf"{n}\%",
            rf"2^{{{k}}}", rf"\log_{{{k}}}{{{n}}}", rf"{n}-{m}i", rf"\sqrt[3]{{{n}}}", f"{n}.{m}", f"-{n}", f"{n}:{m}",
        ]
    )  # fmt: skip


def formula(random_: random.Random) -> str:
    one, two, three = (expression(random_) for _ in range(3))
    low = random_.randint(-9, 9)
    return random_.choice(
        [
            one, one, one, f"x = {one}", f"({one}, {two})", rf"\{{{one}, {two}, {three}\}}", f"{one}, {two}",
            f"[{low}, {low + 3})", rf"(-\infty, {low}]", rf"({low}, {low + 1}) \cup [{low + 5}, \infty)",
            rf"x \le {low}", f"{low} < x < {low + 4}", rf"{one}\text{{ cm}}", rf"\pm {low * low + 1}",
            rf"\begin{{pmatrix}} {low} & {low + 1} \\ 0 & {low + 7} \end{{pmatrix}}", rf"\text{{option {low * low}}}",
        ]
    )  # fmt: skip


def figure(random_: random.Random) -> str:
    n, m = random_.randint(1, 10 ** random_.randint(1, 9)), random_.randint(1, 999)
    return random_.choice(
        [
            f"{n}",
            f"-{n}",
            f"{n:,}",
            f"{n}.{m}",
            f"{m}/{n}",
            f"{m} {1}/{m + 1}",
            f"{m}%",
            f"{m} cm",
            f"${n}",
            f"{m}e{m % 9}",
        ]
    )


def gold_of(kind: str, random_: random.Random) -> str:
    words = random_.sample(
        ["harbour", "seven", "north", "street", "Café", "open", "lamp-post", "x-ray", "yes", "green"], 2
    )
    labels = "".join(sorted(random_.sample("ABCDE", random_.choice([1, 1, 1, 2, 3]))))
    return {
        "math": formula(random_), "number": figure(random_), "text": " ".join(words),
        "chart": random_.choice([figure(random_), words[0]]),
        "choice": random_.choice([labels, ", ".join(labels), random_.choice(OPTIONS)]),
    }[kind]  # fmt: skip


def correct(response: str, gold: str, kind: str) -> bool:
    return grade(response, gold, kind, OPTIONS if kind == "choice" else ()).correct


@pytest.mark.parametrize("kind", ["math", "number", "choice", "text", "chart"])
def test_a_generated_gold_answers_itself_wherever_it_is_stated(kind):
    random_ = random.Random(7)
    for _ in SEEDS:
        gold = gold_of(kind, random_)
        assert check_gold(gold, kind, OPTIONS if kind == "choice" else ()) is None, gold
        for form in (
            *STATED,
            "\\boxed{{{}}}",
            "So $\\boxed{{{}}}$.",
            "Answer: {}",
            "**Answer:** {}",
            "The answer is {}.",
        ):
            response = form.format(gold)
            assert correct(response, gold, kind), (response, gold, grade(response, gold, kind))


def rewritings(gold: str) -> list[str]:
    """The same formula in other spacing, sizes and delimiters."""
    roomy = gold.replace("(", r"\left( ").replace(")", r" \right)") if r"\cup" not in gold else gold
    return [
        f" {gold} ", f"${gold}$", rf"\({gold}\)", rf"\[ {gold} \]", rf"\boxed{{{gold}}}", f"{gold}.",
        gold.replace(r"\frac", r"\dfrac"), gold.replace(r"\frac", r"\tfrac"), gold.replace(",", r",\,"), roomy,
        rf"\displaystyle {gold}", gold.replace("+", " + ").replace("-", " - ") if "-" not in gold[:1] else gold,
    ]  # fmt: skip


def test_spacing_sizes_and_delimiters_change_no_verdict():
    random_ = random.Random(11)
    for _ in range(12):
        gold, other = formula(random_), formula(random_)
        for answer in (gold, other):
            plain = correct(rf"\boxed{{{answer}}}", gold, "math")
            for written in rewritings(answer):
                assert correct(f"<answer>{written}</answer>", gold, "math") is plain, (written, gold)


def test_a_changed_figure_is_wrong():
    random_ = random.Random(13)
    for _ in range(10):
        n, k = random_.randint(2, 500), random_.randint(2, 97)
        for form in (
            r"{}",
            r"\frac{{{}}}{{101}}",
            r"{}\sqrt{{2}}",
            r"({}, 3)",
            r"\{{{}, 1000\}}",
            r"x={}",
            r"{}\pi",
            r"x^2+{}x",
            r"{}\text{{ cm}}",
        ):
            verdict = grade(rf"\boxed{{{form.format(n + k)}}}", form.format(n), "math")
            assert not verdict.correct, (form, n, k, verdict)
            assert verdict.parsed
        assert not correct(f"<answer>{n + k}</answer>", str(n), "number")
        assert not correct(f"The answer is {n} or {n + k}.", str(n), "number")
        assert not correct(f"<answer>{2 * n}</answer>", str(n), "chart")


def test_a_cheap_verdict_is_the_verdict():
    random_ = random.Random(23)
    cheap = 0
    for _ in SEEDS:
        kind = random_.choice(["math", "number", "choice", "text", "chart"])
        request = (f"<answer>{gold_of(kind, random_)}</answer>", gold_of(kind, random_), kind, OPTIONS)
        if (verdict := grade_cheaply(*request)) is not None:
            cheap += 1
            assert verdict == grade(*request)
    assert cheap > len(SEEDS) / 2
    assert grade_cheaply(r"\boxed{\sqrt{8}}", r"2\sqrt{2}", "math") is None


def test_verdicts_do_not_depend_on_what_was_graded_before():
    random_ = random.Random(17)
    requests = [(rf"\boxed{{{formula(random_)}}}", formula(random_), "math") for _ in range(30)]
    requests += [(f"<answer>{figure(random_)}</answer>", figure(random_), "number") for _ in range(30)]
    first = {request: grade(*request) for request in requests}
    random_.shuffle(requests)
    assert all(grade(*request) == first[request] for request in requests)


SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def spelt(n: int) -> str:
    if n < 20:
        return SMALL[n]
    if n < 100:
        return TENS[n // 10 - 2] + (f"-{SMALL[n % 10]}" if n % 10 else "")
    for size, name in ((10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if n >= size:
            joint = " and " if n % size < 100 else " "
            return f"{spelt(n // size)} {name}" + (joint + spelt(n % size) if n % size else "")
    raise AssertionError


def test_numbers_in_words_are_the_numbers():
    random_ = random.Random(19)
    for n in [*range(130), *(random_.randint(0, 10 ** random_.randint(3, 8)) for _ in range(200))]:
        assert number_of(spelt(n)) == n, spelt(n)
        assert number_of("minus " + spelt(n)) == -n


@pytest.mark.skipif(not SUITE.exists(), reason="the grading suite is not here")
def test_every_gold_of_the_public_cases_answers_itself():
    cases = [json.loads(line) for line in SUITE.read_text().splitlines()]
    golds = {(case["gold"], case["kind"]) for case in cases if case["gold"]}
    unclosed = {(gold, kind) for gold, kind in golds if gold.startswith(r"\\boxed{") and not gold.endswith("}")}
    assert len(unclosed) == 1  # an answer cut off in its box is none, though the gold is repaired
    for gold, kind in golds - unclosed:
        assert check_gold(gold, kind) is None, gold
        for form in ("<answer>{}</answer>", "<think>no</think>\n<answer>\n{}\n</answer>"):
            assert grade(form.format(gold), gold, kind).correct, gold

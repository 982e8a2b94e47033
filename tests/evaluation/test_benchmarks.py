"""Every benchmark asks what its data say, in their exact schema, and grades by its official rule."""

from functools import partial

import pytest

from cogito_pl import SamplingChanges
from cogito_pl.evaluation.aggregates.graded import Scored
from cogito_pl.evaluation.benchmarks import BENCHMARKS, MMVet
from cogito_pl.rewards import GradeOptions, Verdict, Verifier, grade
from cogito_pl.rewards.verifier.registry import SHIPPED
from tests.evaluation.fixtures import VERSIONS, WRITERS

BOXED = 'Please solve the problem step by step and put your answer in one "\\boxed{}".'
LETTER = "Answer with the option's letter from the given choices directly."

ASKED = {  # place of a problem: id, question, gold, kind, options, images, meta (some of it)
    "geometry3k": {0: ("0", f"{BOXED}\n<image>Find x.", r"2\sqrt{3}", "math", (), 1, {})},
    "mathverse": {
        0: (
            "1",
            "<image>\nPlease first conduct reasoning, and then answer the question and provide the correct option "
            "letter, e.g., A, B, C, D, at the end.\nQuestion: How large is it?\nChoices:\nA:10°\nB:20°\nC:30°\nD:40°",
            "C",
            "choice",
            ("10°", "20°", "30°", "40°"),
            1,
            {"version": "Text Dominant", "cluster": "1", "subject": "Plane Geometry"},
        ),
        9: (
            "10",
            "<image>\nPlease first conduct reasoning, and then answer the question and provide the final value, e.g., "
            "1, 2.5, 300, at the end.\nQuestion: ",
            "35°",
            "math",
            (),
            1,
            {"version": "Vision Only", "cluster": "2"},
        ),
    },
    "mathvista": {
        0: (
            "1",
            "<image>\nHint: Please answer with the correct option letter, e.g., A, B, C, D, at the end.\n"
            "Question: Which?",
            "B",
            "choice",
            ("No", "Yes"),
            1,
            {"task": "figure question answering"},
        ),
        1: ("2", None, "3", "mathvista_integer", (), 1, {"task": "geometry problem solving", "language": "english"}),
        2: ("3", None, "0.6", "mathvista_float_1", (), 1, {}),
        3: ("4", None, "1.45", "mathvista_float_2", (), 1, {}),
        4: ("5", None, "[1, 2]", "mathvista_list", (), 1, {}),
    },
    "mathvision": {
        0: (
            "1",
            f"{BOXED}\nHow many?\n<image>\n[image 2]\nChoices: A. 2\nB. 4\nC. 6\nD. 8\nE. 10",
            "C",
            "choice",
            ("2", "4", "6", "8", "10"),
            1,
            {"subject": "counting", "level": 1},
        ),
        2: ("3", f"<image>\n{BOXED}\nWhat area?", "3.333", "math", (), 1, {"level": 5}),
    },
    "logicvista": {
        1: ("v1_1", f"<image>\n{BOXED}\nWhich two follow?", "A, C", "choice", (), 1, {"skill": "deductive"}),
        2: ("v1_20", f"<image>\n{BOXED}\nWhich number?", "3", "number", (), 1, {"skill": "numerical"}),
    },
    "chartqa": {
        3: (
            "3",
            "<image>\nWhat value?\nAnswer the question with a single word.",
            "50%",
            "chart",
            (),
            1,
            {"type": "augmented"},
        )
    },
    "scienceqa": {
        0: (
            "0",
            f"<image>\nContext: Look.\nWhich is largest?\nA. pea\nB. car\nC. cat\n{LETTER}",
            "B",
            "choice",
            ("pea", "car", "cat"),
            1,
            {"subject": "natural science"},
        )
    },
    "mmmu": {
        0: (
            "validation_Accounting_1",
            f"Compare <image> with <image>: which height?\nA. 12 m\nB. 13 m\nC. <image>\nD. 15 m\n{LETTER}",
            "B",
            "mmmu_choice",
            ("12 m", "13 m", "<image 3>", "15 m"),
            3,
            {"subject": "Accounting"},
        ),
        4: (
            "validation_Art_2",
            "<image> Name it.\nAnswer the question using a single word or phrase.",
            "['cat', 'feline']",
            "mmmu_open",
            (),
            1,
            {"subject": "Art"},
        ),
    },
    "emma": {
        0: (
            "Chemistry_0",
            "Look:\nWhich of <image> fits <image>?\nA. red\nB. blue\nAnswer with the option's letter from the given "
            'choices and put the letter in one "\\boxed{}". Please solve the problem step by step.',
            "B",
            "choice",
            ("red", "blue"),
            2,
            {"subject": "Chemistry"},
        ),
        1: ("Chemistry_1", None, "12.5", "math", (), 1, {"category": "length"}),
    },
    "emma_mini": {7: ("Physics_1", None, "12.5", "math", (), 1, {"subject": "Physics"})},
    "mmstar": {
        1: (
            "1",
            "<image>\nWhich colour?\nOptions: A: red, B: light, warm blue, C: green, D: grey\n" + LETTER[:-1],
            "D",
            "choice",
            ("red", "light, warm blue", "green", "grey"),
            1,
            {"category": "logical reasoning"},
        )
    },
    "dynamath": {
        0: ("1/1", None, "1.7795", "dynamath_float", (), 1, {"seed": "1", "variant": "1", "cluster": "1"}),
        28: ("2/10", None, "E", "dynamath_multiple_choice", (), 1, {"seed": "2", "variant": "10"}),
        29: ("3/10", None, "even", "dynamath_text", (), 1, {"seed": "3"}),
    },
    "we_math": {
        0: (
            "2steps_1/1",
            None,
            "B",
            "we_math",
            ("3 cm", "4 cm", "5 cm", "6 cm", "No correct answer"),
            1,
            {"composite": "2steps_1", "role": "1", "parts": 2, "steps": 1},
        ),
        9: ("3steps_1/multi", None, "B", "we_math", None, 1, {"role": "multi", "parts": 3, "steps": 3}),
    },
    "ocrbench": {
        0: ("0", "<image>\nwhat is written in the image?", '["CENTRE", "CENTER"]', "ocrbench", (), 1, {}),
        1: ("1", None, '["x ^ { 2 } + A"]', "ocrbench_formula", (), 1, {"dataset": "HME100k"}),
    },
    "hallusionbench": {
        1: (
            "VD/illusion/0/1/1",
            "<image>\nAre the lines equal?\nPlease answer yes or no.",
            "no",
            "yes_no",
            (),
            1,
            {"figure": "VD/illusion/0/1", "pair": "VD/illusion/0/1", "cluster": "VD/illusion/0"},
        )
    },
    "aime24": {0: ("60", None, "73", "number", (), 0, {})},
    "aime25": {1: ("1", None, "588", "number", (), 0, {})},
    "gpqa_diamond": {
        1: (
            "rec1",
            f"{BOXED}\nWhich particle is number 1?\nA. muon\nB. kaon\nC. gluon\nD. pion",
            "A",
            "choice",
            ("muon", "kaon", "gluon", "pion"),
            0,
            {"domain": "Physics"},
        )
    },
    "math500": {0: ("test/1", f"{BOXED}\nSolve it.", r"\frac{1}{2}", "math", (), 0, {"level": 1})},
    "mmvet": {},
}
COUNTS = {"geometry3k": 2, "mathverse": 10, "mathvista": 5, "mathvision": 3, "logicvista": 23, "chartqa": 4,
          "scienceqa": 1, "mmmu": 32, "emma": 8, "emma_mini": 8, "mmstar": 2, "dynamath": 30, "we_math": 10,
          "ocrbench": 3, "hallusionbench": 4, "aime24": 2, "aime25": 2, "gpqa_diamond": 4,
          "math500": 2}  # fmt: skip

RIGHT, WRONG, UNPARSED = "right", "wrong", "unparsed"
GRADED = [  # benchmark, place of the problem, response, verdict
    ("geometry3k", 0, r"It is \boxed{\sqrt{12}}", RIGHT),
    ("geometry3k", 0, r"\boxed{3.46}", WRONG),
    ("mathverse", 0, "The answer is C", RIGHT),
    ("mathverse", 0, "30°", RIGHT),
    ("mathverse", 9, r"\boxed{35^\circ}", RIGHT),
    ("mathverse", 9, r"\boxed{53^\circ}", WRONG),
    ("mathvista", 0, "(B)", RIGHT),
    ("mathvista", 0, "The answer is Yes", RIGHT),
    ("mathvista", 0, "(A)", WRONG),
    ("mathvista", 1, r"\boxed{3.7}", RIGHT),  # cut, not rounded
    ("mathvista", 1, "The answer is 4", WRONG),
    ("mathvista", 2, r"\boxed{0.64}", RIGHT),  # one decimal
    ("mathvista", 2, r"\boxed{0.66}", WRONG),
    ("mathvista", 3, r"\boxed{1.446}", RIGHT),  # two decimals
    ("mathvista", 3, r"\boxed{1.4}", WRONG),
    ("mathvista", 4, r"\boxed{[1,2]}", RIGHT),
    ("mathvista", 4, r"\boxed{[2, 1]}", WRONG),
    ("mathvision", 0, r"\boxed{C}", RIGHT),
    ("mathvision", 0, r"\boxed{6}", RIGHT),  # the option's value
    ("mathvision", 0, r"\boxed{8}", WRONG),
    ("mathvision", 2, r"\boxed{\frac{10}{3}}", RIGHT),  # two decimals
    ("mathvision", 2, r"\boxed{3.34}", WRONG),
    ("logicvista", 1, "The answer is CA", RIGHT),
    ("logicvista", 1, "The answer is C", WRONG),
    ("logicvista", 2, r"\boxed{3}", RIGHT),
    ("chartqa", 0, "<answer>21</answer>", RIGHT),  # five percent
    ("chartqa", 0, "<answer>21.1</answer>", WRONG),
    ("chartqa", 2, "<answer>1,000</answer>", WRONG),  # the official function reads no commas
    ("chartqa", 3, "<answer>50</answer>", WRONG),  # nor 50 as 50%
    ("chartqa", 1, "yes", RIGHT),
    ("scienceqa", 0, "B", RIGHT),
    ("scienceqa", 0, "A. pea", WRONG),
    ("mmmu", 0, "(A) is wrong, so (B)", RIGHT),  # the last one
    ("mmmu", 0, "I took all the values and the height is 13 m in this figure", RIGHT),  # the option's text
    ("mmmu", 0, r"\boxed{B. 13 m}", RIGHT),
    ("mmmu", 0, "I do not know it", UNPARSED),  # no guess
    ("mmmu", 4, "It is a feline.", RIGHT),
    ("mmmu", 4, "A dog", WRONG),
    ("mmmu", 5, "The answer is 3.0", RIGHT),
    ("mmmu", 5, "The answer is 13", WRONG),
    ("emma", 0, r"\boxed{blue}", RIGHT),
    ("emma", 1, r"\boxed{12.5}", RIGHT),
    ("mmstar", 0, "B: light, warm blue", RIGHT),
    ("mmstar", 1, "A", WRONG),
    ("dynamath", 0, '{"solution": "the sum is 9", "short answer": "1.780"}', RIGHT),
    ("dynamath", 0, '{"solution": "so 1.7795", "short answer": "1.781"}', WRONG),
    ("dynamath", 0, r"\boxed{1.7786}", RIGHT),
    ("dynamath", 28, '{"solution": "B fails", "short answer": "E"}', RIGHT),
    ("dynamath", 28, '{"solution": "E fails", "short answer": "B"}', WRONG),
    ("dynamath", 29, '{"short answer": "it is even"}', RIGHT),  # contains the gold
    ("dynamath", 29, '{"short answer": "eve"}', WRONG),
    ("we_math", 0, "<Thought process>: <<A is half>> <Answer>: <<B>>", RIGHT),
    ("we_math", 0, "<Thought process>: <<B>> <Answer>: <<E>>", WRONG),
    ("we_math", 0, r"\boxed{4 cm}", RIGHT),
    ("ocrbench", 0, "The sign says: the town center of Ely", RIGHT),
    ("ocrbench", 0, "centr", WRONG),
    ("ocrbench", 0, "centre <answer>town</answer>", WRONG),  # the stated answer counts, not what is quoted
    ("ocrbench", 1, "x^{2}+A", RIGHT),
    ("ocrbench", 1, "x^{2}+a", WRONG),
    ("hallusionbench", 1, "No, they differ.", RIGHT),
    ("hallusionbench", 1, "Yes.", WRONG),
    ("hallusionbench", 1, "They differ.", UNPARSED),
    ("aime24", 0, r"Therefore, the final answer is: $\boxed{073}$. I hope it is correct", RIGHT),
    ("aime24", 0, r"\boxed{74}", WRONG),
    ("gpqa_diamond", 1, "Answer: A", RIGHT),
    ("gpqa_diamond", 1, "Answer: pion", WRONG),
    ("math500", 0, r"\boxed{0.5}", RIGHT),
    ("math500", 1, r"\boxed{(3, \pi/2)}", RIGHT),
    ("math500", 1, r"\boxed{(3, \pi)}", WRONG),
]  # fmt: skip


@pytest.fixture(scope="session")
def cached(asked):
    """A benchmark and its problems, read once."""
    read: dict = {}

    def get(name: str):
        if name not in read:
            read[name] = asked(name)
        return read[name]

    return get


@pytest.fixture(scope="session")
def verdict():
    """The verdict on a response to a problem, as the run that has the benchmark gives it."""

    def graded(benchmark, problem, response: str) -> str:
        verifiers, options = {**SHIPPED, **benchmark.verifiers}, GradeOptions(**benchmark.grading)
        return grade(response, problem.answer, problem.kind, problem.choices, options, verifiers).verdict

    return graded


@pytest.mark.parametrize("name", [name for name in ASKED if name != "mmvet"])
def test_rows_become_the_problems_that_the_benchmark_asks(name, cached):
    _, problems, rejected = cached(name)
    assert (len(problems), len(rejected)) == (COUNTS[name], name == "logicvista")
    assert len({problem.id for problem in problems}) == len(problems)
    for place, (identity, question, gold, kind, choices, images, meta) in ASKED[name].items():
        found = problems[place]
        assert (found.id, found.answer, found.kind, len(found.images)) == (identity, gold, kind, images)
        assert question is None or found.question == question
        assert choices is None or found.choices == choices
        assert {column: found.meta[column] for column in meta} == meta
        assert all(image.load().size == (36, 28) for image in found.images)


@pytest.mark.parametrize(("name", "place", "response", "expected"), GRADED)
def test_responses_are_graded_by_the_official_rule(name, place, response, expected, verdict, cached):
    benchmark, problems, _ = cached(name)
    assert verdict(benchmark, problems[place], response) == expected


@pytest.mark.parametrize("name", [name for name in ASKED if name != "mmvet"])
def test_the_gold_is_correct_and_silence_is_unparsed(name, cached, verdict):
    benchmark, problems, _ = cached(name)
    for problem in problems:
        gold = problem.answer.strip('[]"').split('", "')[0] if problem.kind.startswith("ocrbench") else problem.answer
        gold = "cat" if problem.kind == "mmmu_open" and "[" in gold else gold
        assert verdict(benchmark, problem, f"<think>Hm.</think><answer>{gold}</answer>") == RIGHT, problem
        assert verdict(benchmark, problem, "") == UNPARSED
        assert verdict(benchmark, problem, "<think>Never closed") == UNPARSED


def test_every_version_of_a_problem_is_in_mathverse(cached):
    problems = cached("mathverse")[1]
    assert [problem.meta["version"] for problem in problems] == [*VERSIONS, *VERSIONS]


def test_the_row_of_logicvista_that_cannot_be_scored_is_rejected_with_its_place(cached):
    assert [line.split("row ")[1] for line in cached("logicvista")[2]] == ["4: the answer is empty"]


def test_scienceqa_in_full_has_questions_without_an_image(asked):
    _, problems, _ = asked("scienceqa", subset="full")
    assert [(len(problem.images), problem.answer) for problem in problems] == [(1, "B"), (0, "A")]
    assert problems[1].question == f"Which is a bird?\nA. crow\nB. trout\n{LETTER}"


def test_hallusionbench_asks_the_questions_without_an_image_on_request(asked):
    benchmark, problems, _ = asked("hallusionbench", text=True)
    assert (benchmark.rows, len(problems), len(problems[-1].images)) == (1129, 5, 0)


def test_mathvision_has_a_small_split(asked):
    benchmark, problems, _ = asked("mathvision", split="testmini")
    assert (benchmark.rows, [problem.id for problem in problems]) == (304, ["1"])


def test_a_limit_holds_for_every_variant_so_that_questions_stay_complete(asked):
    benchmark, problems, _ = asked("dynamath", limit=2)
    found = benchmark.aggregate({problem.id: problem.meta for problem in problems})
    assert len(problems) == 20
    assert len(found.ids) == 20


def test_another_instruction_replaces_the_benchmarks_own(asked):
    first = asked("mathvista", instruction="Think, then answer.")[1][0].question
    assert first == "<image>\nThink, then answer.\nQuestion: Which?"
    assert asked("chartqa", instruction="")[1][0].question == "<image>\nWhat value?"


def test_aime_is_sampled_sixteen_times_unless_the_settings_say_otherwise():
    own = BENCHMARKS["aime24"]().source
    assert (own.samples, own.sampling) == (16, SamplingChanges(temperature=0.6, top_p=0.95))
    other = BENCHMARKS["aime25"](samples=4, sampling=SamplingChanges(temperature=1.0, max_tokens=9)).source
    assert (other.samples, other.sampling) == (4, SamplingChanges(temperature=1.0, top_p=0.95, max_tokens=9))


def test_the_order_of_gpqas_options_depends_on_the_question_alone(asked, cached, tmp_path):
    problems = cached("gpqa_diamond")[1]
    assert len({problem.choices for problem in problems}) > 1  # it is no fixed order
    root = tmp_path / "copy"
    WRITERS["gpqa_diamond"](root)
    file = root / "Idavidrein/gpqa/gpqa_diamond.csv"
    header, *rows = file.read_text().splitlines()
    file.write_text("\n".join([header, *reversed(rows)]) + "\n")
    again = {problem.id: problem.choices for problem in asked("gpqa_diamond", path=str(root / "Idavidrein/gpqa"))[1]}
    assert again == {problem.id: problem.choices for problem in problems}


class Judge(Verifier):
    """Half a point for any answer."""

    def judge(self, answer, gold, choices, options):
        return Verdict(False, 0.5, "judge")


def test_mmvet_is_refused_without_a_judge_and_its_number_says_that_one_gave_it(asked):
    assert "set its `judge`" in MMVet().unusable()
    benchmark, problems, _ = asked("mmvet", judge=Judge())
    assert benchmark.unusable() is None
    response = partial(grade, "x = -1", problems[0].answer, problems[0].kind)
    assert response(verifiers=benchmark.verifiers).score == 0.5
    metric = benchmark.aggregate({problem.id: problem.meta for problem in problems})
    metric.update([Scored(problems[0].id, 0, 0.5)])
    assert metric.compute() == {"judge_score": 0.5, "capability/ocr_math": 0.5, "n": 1.0, "missing": 0.0}


def test_every_benchmark_has_a_copy_with_its_schema_and_problems_that_are_looked_at():
    assert BENCHMARKS.keys() == WRITERS.keys() == ASKED.keys()


def test_what_decides_verdicts_is_told_by_the_identity():
    identity = BENCHMARKS["mathvista"]().identity()
    assert identity["repo"]["id"] == "AI4Math/MathVista"
    assert identity == BENCHMARKS["mathvista"]().identity()
    assert identity != BENCHMARKS["mathvista"](instruction="Be brief.").identity()
    assert identity["code"] != BENCHMARKS["mmmu"]().identity()["code"]

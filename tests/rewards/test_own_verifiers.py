"""A user's own verifiers and grading options per source reach the grading processes, the cache and the data."""

import ast
from pathlib import Path

import pytest
from graders import Rounded, Whispers

from cogito_pl.problem import Problem
from cogito_pl.rewards import GradeOptions, Reward, RewardConfig, Verdict, Verifier
from cogito_pl.rewards.verifier.number import NumberVerifier

PARSING = Path(__file__).parents[2] / "cogito_pl/rewards/verifier/parsing"


def problem(answer: str, kind: str = "whisper", source: str = "") -> Problem:
    return Problem(id="p", question="?", answer=answer, kind=kind, source=source)


@pytest.fixture(scope="module")
def reward():
    own = {"whisper": Whispers(also="psst"), "text": Whispers(), "rounded": Rounded(), "price": NumberVerifier()}
    reward = Reward(RewardConfig(verifiers=own, deadline_s=1.0, per_kind={"whisper": {"accuracy": 3.0}}))
    yield reward
    reward.close()


def test_a_kind_of_ones_own_is_graded_in_a_worker_with_its_settings(reward):
    before = reward.counters
    responses = ["<answer>hello</answer>", "<answer>HELLO</answer>", "psst", "<answer>5</answer>"]
    result = reward.score(responses, [problem("Hello")] * 4)
    assert [grade.correct for grade in result.grades] == [True, False, True, False]
    assert [grade.parsed for grade in result.grades] == [True, True, True, False]
    assert result.grades[0].rule == "answer-tag/whisper cogito-grader"
    assert result.total == [3.0, 0.0, 3.0, 0.0]
    assert reward.counters["in_parent"] == before["in_parent"]
    assert reward.counters["unparsed"] == before["unparsed"] + 1


def test_a_shipped_kind_is_decided_by_the_verifier_in_its_place_and_the_others_are_not(reward):
    before = reward.counters["in_parent"]
    result = reward.score(["5", "<answer>The word</answer>"] * 2, [problem("5", "number"), problem("word", "text")] * 2)
    assert [grade.rule for grade in result.grades[:2]] == ["lone/number", "answer-tag/whisper cogito-grader"]
    assert [grade.correct for grade in result.grades[:2]] == [True, False]
    assert reward.counters["in_parent"] == before + 1


def test_only_verifiers_that_are_shipped_run_in_the_parent_and_not_their_subclasses(reward):
    before = reward.counters["in_parent"]
    grades = reward.score(["4.2", "$4", "4.2"], [problem("4", kind) for kind in ("rounded", "price", "price")]).grades
    assert [grade.correct for grade in grades] == [True, True, False]
    assert reward.counters["in_parent"] == before + 2


def test_a_verifier_that_hangs_raises_or_gives_no_verdict_costs_its_own_response_only(reward):
    before = reward.counters
    responses = [f"<answer>{text}</answer>" for text in ("hang", "raise", "hi", "score", "true", "die")]
    grades = reward.score(responses, [problem("hi")] * 6).grades
    assert [grade.rule.split("/")[0] for grade in grades] == [
        "deadline", "error", "answer-tag", "error", "error", "died",
    ]  # fmt: skip
    assert [grade.correct for grade in grades] == [False, False, True, False, False, False]
    assert reward.counters["unparsed"] == before["unparsed"] + 5
    assert reward.counters["errors"] == before["errors"] + 3


def test_golds_of_all_kinds_are_checked_by_the_verifiers_of_the_run(reward):
    assert reward.rejection(problem("LOUD")) == "the answer is loud"
    assert reward.rejection(problem("LOUD", "text")) == "the answer is loud"
    assert reward.rejection(problem("many", "number")).startswith("the answer 'many' is not a number")
    assert reward.rejection(problem("low")) is None
    unknown = reward.rejection(problem("low", "riddle"))
    assert unknown.startswith("kind 'riddle' has no verifier; choose from math, number, choice, text, chart, boxes, wh")
    assert "reward.verifiers: {riddle: {class_path: my_package.MyVerifier}}" in unknown
    assert "'whisper' has no verifier" in Reward(RewardConfig()).rejection(problem("low"))
    with pytest.raises(ValueError, match="'riddle' has no verifier"):
        reward.score(["x"], [problem("low", "riddle")])


SOURCES = {"signs": {"edit_distance": 0.3}, "papers": {"absolute_tolerance": 0.01, "markers": ["hence"]}}


def test_options_of_a_source_hold_for_its_problems_alone_in_workers_and_in_the_cache():
    reward = Reward(RewardConfig(grading=GradeOptions(markers=("so",)), per_source=SOURCES))
    cases = [
        ("<answer>resturant</answer>", "restaurant", "text", {"signs"}),
        (r"\boxed{\frac{\pi}{2}}", "1.5708", "math", {"papers"}),  # needs sympy, and so a worker
        ("hence 3 so 2", "2", "number", {"signs", ""}),  # what a source leaves out is as in `grading`
        ("hence 3 so 2", "3", "number", {"papers"}),
    ]
    asked = [(case, source) for case in cases for source in ("", "signs", "papers")]
    for _ in range(2):  # the second time from the cache
        before = reward.counters["cache_hits"]
        grades = reward.score([c[0] for c, _ in asked], [problem(c[1], c[2], source) for c, source in asked]).grades
        assert [grade.correct for grade in grades] == [source in case[3] for case, source in asked]
    assert reward.counters["cache_hits"] == before + len(asked)
    assert reward.counters["in_parent"] < len(asked)
    reward.close()


def test_a_source_that_the_run_does_not_have_is_an_error_that_lists_those_it_has():
    reward = Reward(RewardConfig(per_source=SOURCES))
    reward.check_sources(["papers", "signs", "more"])
    with pytest.raises(ValueError, match=r"reward\.per_source\.signs is .* its sources are more, papers: correct"):
        reward.check_sources(["papers", "more"])


@pytest.mark.parametrize(
    ("command", "module", "part", "settings"),
    [
        ("validate", "SFTModule", "validation", ()),
        ("predict", "ScoreModule", "predict", ("--model.init_args.scorer", "cogito_pl.difficulty.PassRate")),
    ],
)
def test_a_run_is_refused_when_its_data_are_read(
    run_cli, tiny_folder, playground_folder, tmp_path, command, module, part, settings
):
    with pytest.raises(ValueError, match=r"reward\.per_source\.signs is .* its sources are playground\d/validation"):
        run_cli(
            command, f"--model=cogito_pl.modules.{module}", f"--model.init_args.policy.name={tiny_folder}", *settings,
            "--model.init_args.reward.per_source={signs: {edit_distance: 0.3}}",
            f"--data.{part}=[{{path: {playground_folder}, subset: validation, split: validation}}]",
            "--trainer.accelerator=cpu", f"--trainer.default_root_dir={tmp_path}",
        )  # fmt: skip


def test_what_decides_verdicts_is_named_for_those_who_store_them():
    def settings(**given):
        return Reward(RewardConfig(**given)).grading_settings()

    base = settings()
    assert settings() == base == settings(workers=5, format=0.1)
    others = [
        settings(per_source=SOURCES), settings(variant="vl_cogito"), settings(grading=GradeOptions(decimals=1)),
        settings(verifiers={"text": Whispers()}), settings(verifiers={"text": Whispers(also="psst")}),
        settings(deadline_s=2.0),
    ]  # fmt: skip
    assert all(other != base for other in others)
    assert others[3] != others[4]
    assert settings(verifiers={"text": Whispers()}) == others[3]


class HereOnly(Verifier):
    def judge(self, answer, gold, choices, options):
        return Verdict.of(True, "")


HereOnly.__module__ = "__main__"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"per_source": {"a": {"edit": 0.1}}}, r"per_source\.a sets 'edit'; choose from markers,.*edit_distance"),
        ({"per_source": {"a": {"edit_distance": 1}}}, r"per_source\.a: grading\.edit_distance=1.*choose less than 1"),
        ({"per_kind": {"whisper": {}}}, "per_kind='whisper' is unknown; choose from math"),
        ({"verifiers": {" ": Whispers()}}, "verifiers has the kind ' '; choose a name"),
        (
            {"verifiers": {"w": Whispers(attribute=lambda: 0)}},
            r"verifiers\.w=graders\.Whispers cannot be.*keep",
        ),
        (
            {"verifiers": {"w": HereOnly()}},
            r"w=__main__\.HereOnly is defined in the script.*can be imported",
        ),
        ({"verifiers": {"w": Whispers()}, "variant": "vl_cogito"}, "reward.verifiers does nothing.*vl_cogito"),
        ({"per_source": SOURCES, "variant": "vl_cogito"}, "reward.per_source does nothing.*vl_cogito"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_remedy(settings, message):
    with pytest.raises(ValueError, match=message):
        RewardConfig(**settings)


def test_what_reads_answers_imports_no_verifier():
    allowed = "cogito_pl.rewards.verifier.parsing"
    for file in PARSING.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("cogito_pl"):
                assert node.module.startswith(allowed), file.name

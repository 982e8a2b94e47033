"""The page of an ablation: it holds what the files hold, and loads nothing."""

import pytest

from cogito_pl.experiments.ablation.results import write_results
from cogito_pl.report.__main__ import main
from cogito_pl.report.ablation_answers import compared_answers, read_answers
from cogito_pl.report.ablation_charts import colours, cost_chart, curve_chart, forest_chart, shared_curve
from cogito_pl.report.ablation_page import breakdown, write_ablation_page
from tests.experiments.ablation.results import result
from tests.report.pages import Page, shown_data
from tests.report.runs import completion, write_lines

VERDICTS = {"start": "+-----", "plain": "++-+--", "better": "+-++++"}


def answers(folder, seed, arm):
    """Completions of an arm to six problems, in a folder as an evaluation leaves it."""
    path = f"seed{seed}/{arm}/evaluate"
    rows = [
        completion(place, verdict="right" if verdict == "+" else "wrong", response=f"{arm} says {place}")
        for place, verdict in enumerate(VERDICTS[arm])
    ]
    write_lines(folder / path / "validation.rank0.jsonl", rows)
    return path


@pytest.fixture
def ablation(tmp_path):
    """The folder of an ablation of hand-made results, with learning curves and the completions of its second seed."""
    own = result()
    own["recipe"] = [{"file": "grpo.yaml", "digest": "0", "text": "trainer: {max_epochs: 4}"}]
    own["arms"]["better"]["overlays"] = [{"file": "b.yaml", "digest": "1", "text": "<b>bold</b>"}]
    arms = {"start": own["start"], **own["arms"]}
    for arm in VERDICTS:
        arms[arm]["seeds"]["2"]["evaluation"] = answers(tmp_path, 2, arm)
    for height, arm in ((0.5, "plain"), (0.6, "better")):
        for seed in ("1", "2"):
            arms[arm]["seeds"][seed]["curve"] = [[10, 0.1], [20, height]]
    write_results(tmp_path, own)
    return tmp_path, own


def test_the_page_shows_results_and_files_and_fetches_nothing(ablation, capsys):
    folder, _ = ablation
    main([str(folder)])
    assert capsys.readouterr().out.strip() == str(folder / "report.html")
    page = Page((folder / "report.html").read_text())
    assert page.fetches() == []
    assert page.tags.count("svg") == 3
    assert page.cells("better")[:2] == ["75.0 [53, 89]", "+30.0 [+6.7, +48.5]"]
    assert page.cells("count") == ["0.0", "40.0", "70.0"]
    assert "&lt;b&gt;bold" in page.source
    assert "grpo.yaml (recipe)" in page.words
    assert "plain against better, broken" in page.words
    assert "highest: better" in page.words


def test_the_completions_of_one_problem_stand_together_arm_by_arm(ablation):
    folder, _ = ablation
    data = shown_data(write_ablation_page(folder, folder / "elsewhere.html").read_text())
    order = [data["words"]["set"][number] for number in data["rows"]["set"]][::-1]  # the browser shows the last first
    assert order[:6] == ["start", "plain", "better"] * 2
    assert data["rows"]["text"][::-1][:3] == ["start says 0", "plain says 0", "better says 0"]
    assert len(data["problems"]) == 6


def test_problems_that_one_of_two_arms_solves_are_shown_with_both_completions(ablation):
    folder, own = ablation
    found = compared_answers(read_answers(folder, own))
    assert list(found) == ["better"]
    (won, problems), (lost, others) = found["better"].items()
    assert won == "3 problems that better solves and plain fails, the first 3"
    assert lost == "1 problems that better fails and plain solves, the first 1"
    assert [each["answers"][0][3] for each in problems] == ["better says 2", "better says 4", "better says 5"]
    assert others[0]["answers"] == [
        ("better", "wrong", "✗ wrong", "better says 1"),
        ("plain", "right", "✓ correct", "plain says 1"),
    ]
    assert others[0]["question"] == "How many are 1?"


def test_images_that_one_of_the_arms_kept_are_shown_for_all(ablation):
    folder, own = ablation
    rows = [completion(place, image_files=[f"images/{place}.png"]) for place in range(6)]
    write_lines(folder / "seed2/start/evaluate/validation.rank0.jsonl", rows)
    kept = folder / "seed2/start/evaluate/images"
    kept.mkdir()
    (kept / "4.png").write_bytes(b"pixels")
    found = compared_answers(read_answers(folder, own))
    (problems, _) = found["better"].values()
    assert [each["images"] for each in problems] == [[], ["data:image/png;base64,cGl4ZWxz"], []]


def test_an_evaluation_outside_of_the_folder_is_not_read(ablation):
    folder, own = ablation
    inside = folder / "inside"
    answers(folder, 2, "better")
    inside.mkdir()
    for arm in (own["start"], *own["arms"].values()):
        for seed in arm["seeds"].values():
            if "evaluation" in seed:
                seed["evaluation"] = f"../{seed['evaluation']}"
    assert read_answers(inside, own).rows == {}
    assert "deleted" in read_answers(inside, own).intro


def test_an_ablation_that_has_just_begun_has_a_page(tmp_path):
    own = result()
    for arm in (own["start"], *own["arms"].values()):
        for key in [key for key in arm if key not in ("overlays", "seeds")]:
            del arm[key]
        arm["seeds"] = {"1": {"state": "to do"}}
    write_results(tmp_path, own | {"resolution": None})
    page = Page(write_ablation_page(tmp_path).read_text())
    assert any("No arm can be compared" in word for word in page.words)
    assert any("no learning curves" in word for word in page.words)
    assert "svg" not in page.tags


def test_seeds_are_averaged_where_all_of_them_have_a_point():
    assert shared_curve([[[1, 0.2], [2, 0.4], [3, 0.6]], [[1, 0.4], [3, 0.8]]]) == ([1, 3], [[0.2, 0.4], [0.6, 0.8]])
    assert shared_curve([]) == ([], [])


def test_the_charts_name_the_arms_and_leave_out_the_start(ablation):
    _, own = ablation
    forest, cost = forest_chart(own["arms"], 0.02), cost_chart(own["arms"], 0.02)
    assert ">better<" in forest
    assert ">plain<" not in forest
    assert forest_chart(own["arms"], 0.02) != forest_chart(own["arms"], None)
    assert cost_chart(own["arms"], None) != cost
    assert ">better<" in cost
    assert ">plain<" in cost
    assert ">better<" in curve_chart(own["arms"])
    assert not any(">start<" in chart for chart in (forest, cost))
    assert len(set(colours(["plain", "a", "b", "c"]).values())) == 4


def test_a_breakdown_weighs_seeds_by_their_completions():
    seeds = [
        {"by_topic": {"a": {"n": 3, "correct": 3}}},
        {"by_topic": {"a": {"n": 1, "correct": 0}, "b": {"n": 2, "correct": 1}}},
    ]
    table = breakdown("by_topic", {"plain": seeds, "t": seeds[:1]})
    assert table.head == ("topic", "plain", "t")
    assert list(table.rows) == [("a", "75.0", "100.0"), ("b", "50.0", "-")]

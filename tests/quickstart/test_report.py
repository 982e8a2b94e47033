import pytest

from cogito_pl.playground.parts import PartSpec
from cogito_pl.playground.write import write_part
from cogito_pl.quickstart.phases import quickstart_plan
from cogito_pl.quickstart.report import write_report
from cogito_pl.quickstart.report_problems import first_of_families
from cogito_pl.quickstart.summary import summarise
from tests.quickstart.records import answers
from tests.report.pages import Page, shown_data

HOSTILE = "<script>alert('x')</script><img src=https://example.org/x.png> & ${title} $title \ud800"


@pytest.fixture
def page(make_settings):
    """The report of a run with hostile texts; its curves come from real event files."""
    from torch.utils.tensorboard import SummaryWriter

    settings = make_settings()
    for part, count in (("sft", 5), ("train", 5), ("test", 4)):
        spec = PartSpec(part=part, seed=1)
        write_part(settings.run / "data", spec, (spec.row(index) for index in range(count)))
    for name, tag in (("sft", "sft/loss"), ("grpo", "policy/kl")):
        with SummaryWriter(settings.run / name) as board:
            for step in range(5):
                board.add_scalar(tag, 1 / (step + 1), step)
    plan = quickstart_plan(settings).phases
    (settings.run / "config").mkdir()
    for phase in plan[1:]:
        phase.overlay_file.write_text(f"# {HOSTILE[:30]}\n")
    rows = answers(question=HOSTILE, response=HOSTILE, gold="<b>2</b>")
    test = PartSpec(part="test", seed=1)
    for model in rows.values():
        for place, row in enumerate(model):
            row["id"] = test.row(place).id
    cost = {"wall_s": 61.0, "cpu_s": 50.0, "peak_mib": 900}
    summary = summarise(rows, seed=1) | cost | {"phases": {"sft": cost}, "controls": {}}
    return write_report(settings, summary, rows, plan).read_text(encoding="utf-8")


def test_the_report_is_one_file_that_fetches_nothing(page):
    parsed = Page(page)
    assert parsed.references
    assert all(reference.startswith("data:image/png;base64,") for reference in parsed.references)
    assert parsed.fetches() == []


def test_text_of_data_and_models_is_shown_and_not_obeyed(page):
    assert "<script>alert" not in page
    assert Page(page).tags.count("script") == 2  # the answers and their browser
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page
    assert "&lt;b&gt;2&lt;/b&gt;" in page
    assert "${title} $title" in page  # nothing is filled in twice


def test_every_answer_of_every_model_can_be_browsed_with_its_image(page):
    data = shown_data(page)
    assert sorted(data["words"]["set"]) == ["GRPO", "SFT", "base"]
    assert len(data["rows"]["text"]) == data["total"] == 12
    assert set(data["rows"]["text"]) == {HOSTILE}
    assert all(uri.startswith("data:image/png;base64,") for uri in data["images"].values())
    assert len(data["problems"]) == 4


def test_the_report_says_what_it_measured_and_what_it_does_not_show(page):
    for text in (
        "0.0% before training, 50.0% after SFT, 75.0% after GRPO",
        "could be chance",
        "It does not show",
        "1:01",
    ):
        assert text in page


def test_the_commands_and_every_recipe_are_in_the_report(page):
    for text in ("python train.py fit", "python train.py validate", "cogito_pl.playground write", "rollouts_per_epoch"):
        assert text in page


def test_a_metric_that_was_not_logged_is_named_as_missing(page):
    assert "not recorded" in page


def test_the_shown_problems_are_the_first_of_their_family_that_fit():
    assert first_of_families(answers(), {"sft": False, "grpo": True}) == [1, 2]
    assert first_of_families(answers(), {"grpo": False}) == [3]
    assert first_of_families(answers(), {"base": True}) == []

import re
from html.parser import HTMLParser

import pytest

from cogito_pl.playground.parts import PartSpec
from cogito_pl.playground.write import write_part
from cogito_pl.quickstart.charts import Bar, Line, bar_chart, line_chart, ticks
from cogito_pl.quickstart.curves import shifted, smoothed
from cogito_pl.quickstart.phases import phases
from cogito_pl.quickstart.problems import seen_before
from cogito_pl.quickstart.report import write_report
from cogito_pl.quickstart.report_problems import first_of_families
from cogito_pl.quickstart.summary import summarise
from tests.quickstart.records import answers

HOSTILE = "<script>alert('x')</script><img src=https://example.org/x.png> & ${title} $title \ud800"


class Page(HTMLParser):
    """Collects tags and what they refer to, and checks that they are closed in order."""

    VOID = frozenset({"meta", "img", "br", "link", "input"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.references, self.open = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.references += [value for name, value in attributes if name in ("src", "href", "srcset", "xlink:href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


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
    plan = phases(settings)
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
    assert not {"script", "link", "iframe", "object", "video"} & set(parsed.tags)
    assert not re.search(r"@import|url\(", page)


def test_text_of_data_and_models_is_shown_and_not_obeyed(page):
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in page
    assert "&lt;b&gt;2&lt;/b&gt;" in page
    assert "${title} $title" in page  # nothing is filled in twice


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


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 0.0073), (0, 217), (-3, 4), (0, 0), (5, 5)])
def test_ticks_are_few_and_enclose_the_data(low, high):
    marks = ticks(low, high)
    assert marks[0] <= low
    assert marks[-1] >= high
    assert 2 <= len(marks) <= 7


def test_a_higher_share_has_a_higher_bar_and_whiskers_around_its_top():
    bars = {"a": {"m": Bar(value=0.25, low=0.1, high=0.5)}, "b": {"m": Bar(value=0.75, low=0.6, high=0.9)}}
    drawing = bar_chart(bars, {"m": "#000"}, "shares")
    tops = [float(top) for top in re.findall(r'<rect x="[^"]+" y="([^"]+)"', drawing)]
    assert tops[1] < tops[0]
    low, high = (float(end) for end in re.findall(r'd="M[\d.]+ ([\d.]+)V([\d.]+)', drawing)[0])
    assert high < tops[0] < low


def test_values_that_are_not_numbers_leave_a_gap_and_no_error():
    drawing = line_chart([Line(points=[(0, 1.0), (1, float("nan")), (2, float("inf")), (3, 2.0)], colour="#000")], "x")
    assert "nan" not in drawing
    assert "inf" not in drawing


def test_a_running_mean_keeps_constants_ends_and_length():
    assert smoothed([(step, 2.0) for step in range(9)]) == [(step, 2.0) for step in range(9)]
    curve = [(0, 1.0), (1, 5.0), (2, 3.0)]
    assert smoothed(curve) == [(0, 1.0), (1, 3.0), (2, 3.0)]
    assert smoothed([]) == []
    assert shifted(curve, 10)[0] == (10, 1.0)


def test_a_test_problem_that_was_learnt_from_is_noticed(tmp_path):
    sums = {"families": ["arithmetic"], "difficulties": [1], "seed": 1}
    for part, count in (("sft", 3), ("train", 3), ("test", 20)):
        spec = PartSpec(part=part, **sums)
        write_part(tmp_path, spec, (spec.row(index) for index in range(count)))
    assert seen_before(tmp_path) == set()
    # The playground keeps them apart, so a row is passed off as learnt.
    spec = PartSpec(part="test", **sums)
    write_part(tmp_path, PartSpec(part="train", **sums), [spec.row(0)])
    same = {row.id for row in map(spec.row, range(20)) if row.question == spec.row(0).question}
    assert seen_before(tmp_path) == same

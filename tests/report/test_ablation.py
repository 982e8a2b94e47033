import io

import pytest
from rich.console import Console

from cogito_pl.experiments.intervals import paired_difference
from cogito_pl.report.ablation import COLUMNS, columns, markdown, notes, rows, terminal_table, title
from cogito_pl.report.ablation_figure import draw_figure, figure
from tests.experiments.ablation.results import result


def test_every_arm_has_a_row_with_its_numbers():
    table = {cells[0]: cells[1:] for cells in rows(result())}
    assert list(table) == ["start", "plain", "better", "broken (2 of 2 failed)"]
    assert table["plain"] == ["45.0 [26, 66]", "-", "-", "10.0", "40"]
    assert table["better"][0] == "75.0 [53, 89]"
    low, high = (f"{100 * end:+.1f}" for end in paired_difference(9, 6, 0, 5)[1:])
    assert table["better"][1] == f"+30.0 [{low}, {high}]"  # over problems
    assert table["better"][2] == "[+30.0, +30.0]"  # over seeds, which agree
    assert table["better"][4] == "50†"
    assert table["broken (2 of 2 failed)"] == ["-"] * 5


def test_with_one_seed_there_is_a_dash_over_seeds():
    assert [cells[3] for cells in rows(result(seeds=1))] == ["-"] * 4


def test_what_did_not_go_as_planned_is_noted_below():
    odd = result()
    assert not any("instead of" in note for note in notes(odd))
    odd["arms"]["better"]["seeds"]["2"]["updates"] = {"grpo": 12}
    text = "\n".join(notes(odd))
    assert "better, seed 2, took 12 updates instead of 40" in text
    assert "broken, seed 1, failed: `ValueError: [red]lr[/red] is | odd`" in text
    assert "† Stopped and continued" in text


def test_updates_of_an_sft_fit_before_grpo_are_noted():
    odd = result()
    odd["arms"]["better"]["seeds"]["2"]["updates"] = {"sft-first": 10, "grpo": 30}
    assert "better: 10 of its updates are SFT before GRPO." in notes(odd)
    odd["arms"]["better"]["seeds"]["2"]["updates"] = {"sft-first": None, "grpo": None}  # checkpoints that are gone
    assert not any("better" in note for note in notes(odd))


def test_the_markdown_table_has_a_cell_per_column_in_every_line():
    text = markdown(result())
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 6
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 1}
    assert "40 updates on 128 completions each; seeds 1, 2" in text


@pytest.mark.parametrize("width", [80, 110])
def test_the_terminal_shows_the_table_and_takes_no_text_for_markup(width):
    console = Console(file=io.StringIO(), width=width)
    console.print(terminal_table(result()))
    text = console.file.getvalue()
    assert "45.0 [26, 66]" in text
    assert "[red]lr[/red]" in text.replace("\n", " ")


@pytest.mark.parametrize("seeds", [1, 2])
def test_the_image_has_a_row_per_arm_and_a_dot_per_seed(seeds):
    left, right = figure(result(seeds)).axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["start", "plain", "better", "broken"]
    dots = [offset for drawn in left.collections for offset in drawn.get_offsets()]
    assert len(dots) == 3 * seeds
    assert "no result" in [text.get_text() for text in left.texts]
    assert {round(float(x)) for drawn in right.collections for x, _ in drawn.get_offsets()} == {30}


def test_the_start_is_not_on_the_axis_of_differences():
    left, right = figure(result()).axes
    places = {round(float(y)) for drawn in right.collections for _, y in drawn.get_offsets()}
    assert places == {2}  # the row of the arm `better`
    assert {round(float(y)) for drawn in left.collections for _, y in drawn.get_offsets()} == {0, 1, 2}


def test_differences_that_the_seeds_cannot_find_are_shaded():
    noisy = result()
    noisy["resolution"] = {"sd": 0.02, "smallest": {}, "here": 0.07}
    _, right = figure(noisy).axes
    (band,) = right.patches
    assert [band.get_x(), band.get_width()] == pytest.approx([-7, 14])
    assert not list(figure(noisy | {"resolution": None}).axes[1].patches)


def test_a_difference_below_the_resolution_is_marked_and_the_resolution_is_told():
    noisy = result()
    assert "~" not in rows(noisy)[2][2]
    noisy["resolution"] = {"sd": 0.0123, "smallest": {"3": 0.04, "5": 0.02, "8": 0.014}, "here": 0.3001}
    assert rows(noisy)[2][2].startswith("+30.0~ [")
    (note,) = (note for note in notes(noisy) if "power" in note)
    assert "1.23 points" in note
    assert "3 seeds 4.0, 5 seeds 2.0, 8 seeds 1.4, here 30.0 points" in note
    assert any("unknown: that takes two seeds" in note for note in notes(result(seeds=1)))


def test_greedy_accuracy_and_areas_have_columns_where_there_are_any():
    more = result()
    assert columns(more) == list(COLUMNS)
    assert title(more).startswith("Accuracy on 10 test problems per seed after")
    more["arms"]["plain"] |= {"greedy": 0.875, "area": 0.5}
    more["arms"]["better"] |= {"greedy": 0.9, "area": 0.6}
    more["arms"]["better"]["difference"]["area"] = {"estimate": 0.104, "ci_seeds": [0.05, 0.15]}
    assert title(more).startswith("Accuracy on 10 test problems x 1 sample at temperature 1 per seed after 40 updates")
    more["start"]["seeds"]["1"]["samples"] = 3
    assert "problems x 3 samples at" in title(more)
    head, table = columns(more), {cells[0]: cells for cells in rows(more)}
    assert head[2:6] == ["greedy, %", "points over plain", "over seeds", "area, points"]
    assert table["better"][2] == "90.0"
    assert table["better"][5] == "+10.4 [+5.0, +15.0]"
    assert (table["start"][2], table["plain"][2], table["plain"][5]) == ("-", "87.5", "-")
    assert {len(cells) for cells in table.values()} == {len(head)}
    assert any(note.startswith("Area:") for note in notes(more))
    more["arms"]["better"]["difference"]["area"]["ci_seeds"] = None
    assert rows(more)[2][5] == "+10.4"


@pytest.mark.parametrize("name", ["a.png", "a.pdf", "a.svg"])
def test_the_ending_of_the_file_decides_the_format(tmp_path, name):
    draw_figure(result(), tmp_path / name)
    assert (tmp_path / name).stat().st_size > 3000

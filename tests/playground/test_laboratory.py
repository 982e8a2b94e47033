"""The laboratory's rows: shares, flaws and columns, and what of them is written to a file."""

from collections import Counter

import pytest
from datasets import load_dataset

from cogito_pl.data.reading.reader import read_source
from cogito_pl.data.source import Source
from cogito_pl.playground.__main__ import main
from cogito_pl.playground.families import FAMILIES, GUESS, draft_problem
from cogito_pl.playground.laboratory import Demonstrations, Laboratory, two_questions
from cogito_pl.playground.parts import PartSpec
from cogito_pl.playground.shares import belongs


def rows(count, part="train", seed=3, **settings):
    spec = {name: settings.pop(name) for name in ("families", "difficulties") if name in settings}
    laboratory = Laboratory(part=PartSpec(part=part, seed=seed, **spec), **settings)
    return [laboratory.row(index) for index in range(count)]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_the_share_of_rows_without_an_image_is_exact_and_evenly_spread(share):
    modalities = [row.modality for row in rows(40, text=share)]
    assert modalities.count("text") == 40 * share
    assert modalities[:20].count("text") == 20 * share


def test_a_row_without_an_image_says_so_and_no_other_does():
    for row in rows(30):
        assert (row.modality == "text") == (not row.images) == (row.family == "arithmetic")


def test_families_and_difficulties_take_turns_in_each_modality():
    drawn = rows(140, text=0.5)
    images = Counter((row.family, row.difficulty) for row in drawn if row.images)
    assert len(images) == 35
    assert set(images.values()) == {2}
    sums = Counter(row.difficulty for row in drawn if not row.images)
    assert sums == dict.fromkeys((1, 2, 3, 4, 5), 14)
    few = rows(8, families=["chart", "arithmetic"], difficulties=[2, 4])
    assert {(row.family, row.difficulty) for row in few} == {(f, d) for f in ("chart", "arithmetic") for d in (2, 4)}


def test_a_row_without_flaws_is_a_problem_of_the_playground():
    for row in rows(16):
        draft = draft_problem(row.family, row.difficulty, row.seed)
        assert (row.answer, row.kind) == (draft.answer, draft.kind)
        assert row.solution == f"<think>{draft.steps}</think><answer> {draft.answer}</answer>"
        assert row.solvable
        assert row.label_correct
        assert belongs(draft, "train")


def test_a_share_of_the_rows_asks_two_questions_and_wants_both_answers():
    drawn = rows(400, unsolvable=0.25)
    share = sum(not row.solvable for row in drawn) / len(drawn)
    assert share == pytest.approx(0.25, abs=0.06)
    for row in drawn:
        draft = draft_problem(row.family, row.difficulty, row.seed)
        assert (row.answer != draft.answer) == (not row.solvable)
        if not row.solvable:
            assert row.label_correct
            assert row.kind == "text"
            assert row.answer.startswith(f"{draft.answer} ")
            assert len(row.images) == 2 * len(draft.scenes) == row.question.count("<image>")
            assert draft.question in row.question


def test_two_questions_come_with_both_scenes_and_both_solutions():
    first, second = draft_problem("count", 2, 4), draft_problem("count", 2, 9)
    both = two_questions(first, second)
    assert both.question == f"{first.question} {second.question}"
    assert both.answer == f"{first.answer} {second.answer}"
    assert both.scenes == first.scenes + second.scenes
    assert both.steps == f"{first.steps} {second.steps}"


def test_a_share_of_the_rows_has_the_answer_of_another_problem_of_its_kind():
    drawn = rows(400, mislabelled=0.5)
    assert sum(not row.label_correct for row in drawn) / len(drawn) == pytest.approx(0.5, abs=0.06)
    for row in drawn:
        draft = draft_problem(row.family, row.difficulty, row.seed)
        assert (row.answer == draft.answer) == row.label_correct
        assert (row.kind, row.question.replace("<image>", "")) == (draft.kind, draft.question)
    letters = {row.answer for row in drawn if row.family == "compare" and not row.label_correct}
    assert letters == {"A", "B", "C"}


def test_flaws_exclude_each_other_and_their_shares_may_fill_the_part():
    drawn = rows(60, unsolvable=0.4, mislabelled=0.6)
    assert all(row.solvable != row.label_correct for row in drawn)


def test_a_larger_share_keeps_the_flaws_of_a_smaller_one():
    quarter, half = ({row.id for row in rows(80, unsolvable=share) if not row.solvable} for share in (0.25, 0.5))
    assert quarter < half


@pytest.mark.parametrize("faults", [{"slips": 0.3}, {"repeats": 0.3}, {"stops": 0.3}])
def test_solutions_of_the_part_sft_are_as_faulty_as_asked_for_and_answers_stay(faults):
    drawn, careful = rows(40, part="sft", demonstrations=Demonstrations(**faults)), rows(40, part="sft")
    assert sum(a.solution != b.solution for a, b in zip(drawn, careful, strict=True)) > 10
    assert [(row.id, row.answer) for row in drawn] == [(row.id, row.answer) for row in careful]


def test_guesses_take_their_share_of_problems_with_and_without_images():
    drawn = rows(300, part="sft", demonstrations=Demonstrations(guesses=0.8, slips=0.5))
    for modality in ("text", "image"):
        own = [row for row in drawn if row.modality == modality]
        guesses = [row for row in own if f"<think>{GUESS}</think>" in row.solution]
        assert len(guesses) / len(own) == pytest.approx(0.8, abs=0.08)
        assert all(row.solution.endswith(f"<answer> {row.answer}</answer>") for row in guesses)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unsolvable": 1.2}, r"unsolvable=1\.2 is not between 0 and 1"),
        ({"unsolvable": 0.7, "mislabelled": 0.4}, "exclude each other"),
        ({"families": ["count"]}, r"text=0\.5 asks for text problems.*add one of arithmetic"),
        ({"families": ["arithmetic"], "text": 0.2}, "asks for image problems"),
        ({"part": "pretrain"}, "choose another part"),
        ({"part": "sft", "unsolvable": 0.1}, r"unsolvable=0\.1 in the part 'sft' would teach"),
        ({"part": "test", "demonstrations": Demonstrations(stops=0.2)}, "stops=0.2.* is for the part 'sft'"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        rows(1, **settings)


@pytest.mark.parametrize("values", [{"slips": -0.1}, {"guesses": 1.5}, {"repeats": 1.0}])
def test_probabilities_that_cannot_work_are_refused_by_name(values):
    with pytest.raises(ValueError, match=rf"{next(iter(values))}=.* is not a probability"):
        Demonstrations(**values)


def test_written_rows_are_problems_whose_meta_hold_every_column_to_break_down_by(tmp_path):
    options = ["--unsolvable-share", "0.4", "--mislabelled-share", "0.3", "--text-share", "0.25"]
    main(["write", "--out", str(tmp_path), "--part", "train", "--count", "24", "--seed", "5", *options])
    read = read_source(Source(path=str(tmp_path), subset="train", split="train"))
    assert not read.rejections
    expected = rows(24, seed=5, unsolvable=0.4, mislabelled=0.3, text=0.25)
    for problem, row in zip(read.problems, expected, strict=True):
        assert (problem.id, problem.answer, len(problem.images)) == (row.id, row.answer, len(row.images))
        columns = ("family", "difficulty", "seed", "modality", "solvable", "label_correct")
        assert problem.meta == {name: getattr(row, name) for name in columns}
    assert len({(row.solvable, row.label_correct) for row in expected}) == 3
    assert "| `solvable` |" in (tmp_path / "README.md").read_text()


def test_the_command_line_passes_every_rate_on(tmp_path):
    options = ["--slip-rate", "0.2", "--repeat-rate", "0.3", "--stop-rate", "0.1", "--hasty-share", "0.4"]
    main(["write", "--out", str(tmp_path), "--part", "sft", "--count", "40", "--seed", "3", *options])
    written = load_dataset(str(tmp_path), "sft", split="sft", cache_dir=str(tmp_path / "cache"))["solution"]
    faults = Demonstrations(slips=0.2, repeats=0.3, stops=0.1, guesses=0.4)
    assert list(written) == [row.solution for row in rows(40, part="sft", demonstrations=faults)]


def test_without_its_options_a_part_has_none_of_the_laboratory(tmp_path):
    main(["write", "--out", str(tmp_path), "--part", "sft", "--count", "30", "--seed", "3"])
    data = load_dataset(str(tmp_path), "sft", split="sft", cache_dir=str(tmp_path / "cache"))
    assert "modality" not in data.column_names
    assert list(data["solution"]) == [PartSpec(part="sft", seed=3).row(index).solution for index in range(30)]
    assert set(data["family"]) == set(FAMILIES)

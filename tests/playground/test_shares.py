import hashlib

import pytest

from cogito_pl.playground.__main__ import main
from cogito_pl.playground.blind import blind_accuracy
from cogito_pl.playground.families import FAMILIES, draft_problem
from cogito_pl.playground.lessons import draft_lesson
from cogito_pl.playground.parts import PARTS, PartSpec
from cogito_pl.playground.scene import DIFFICULTIES
from cogito_pl.playground.shares import belongs, hundredth


def shown(row) -> str:
    parts = [row.question.encode(), *(image.tobytes() for image in row.images)]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()


def test_test_and_validation_share_no_scene_with_what_is_trained_on():
    # Difficulty 1 has the fewest different problems; these are as many of it as the quickstart writes, and more.
    held = {
        part: {shown(PartSpec(part=part, seed=1, difficulties=[1]).row(index)) for index in range(count)}
        for part, count in {"pretrain": 1000, "sft": 1000, "train": 1000, "validation": 200, "test": 400}.items()
    }
    trained = held["pretrain"] | held["sft"] | held["train"]
    assert not held["test"] & trained
    assert not held["validation"] & trained
    assert not held["test"] & held["validation"]


@pytest.mark.parametrize("part", PARTS)
def test_every_row_falls_to_its_part_whatever_the_base_seed(part):
    draft = draft_lesson if part == "pretrain" else draft_problem
    for seed in (0, 5):
        for index in range(80):
            row = PartSpec(part=part, seed=seed).row(index)
            assert belongs(draft(row.family, row.difficulty, row.seed), part)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_shares_are_as_large_as_they_say(family):
    places = {hundredth(draft_problem(family, 5, seed)) for seed in range(2000)}
    assert len(places) > 95
    drafts = [draft_problem(family, 4, seed) for seed in range(1000)]
    for part, share in {"test": 0.2, "validation": 0.1, "sft": 0.7, "train": 0.7, "pretrain": 0.7}.items():
        assert sum(belongs(draft, part) for draft in drafts) / 1000 == pytest.approx(share, abs=0.05)


def test_the_share_does_not_depend_on_what_is_asked_about_a_scene():
    count = draft_problem("count", 2, 0)
    (scene,) = count.scenes
    other = type(count)(question="Describe.", answer="x", kind="text", steps="x", scenes=(scene,))
    assert hundredth(other) == hundredth(count)


@pytest.mark.parametrize(("family", "difficulty"), [(family, d) for family in FAMILIES for d in DIFFICULTIES])
def test_a_test_part_is_not_a_handful_of_problems_over_and_over(family, difficulty):
    spec = PartSpec(part="test", families=[family], difficulties=[difficulty])
    assert len({shown(spec.row(index)) for index in range(60)}) >= 30


def test_blind_accuracy_grades_the_most_common_training_answer():
    assert blind_accuracy(["2", "3", "3"], ["3", "2", "3", "1"]) == 0.5
    assert blind_accuracy(["2", "3"], ["2", "3", "3"]) == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="blind accuracy needs"):
        blind_accuracy([], ["3"])


def test_the_command_line_prints_blind_accuracy_by_family_and_difficulty(capsys):
    main(["blind", "--families", "compare", "table", "--problems", "300"])
    heads, first, second = capsys.readouterr().out.splitlines()
    assert heads.split() == ["family", *map(str, DIFFICULTIES)]
    assert first.split()[0] == "compare"
    assert all(0.2 < float(share) < 0.5 for share in first.split()[1:])
    assert all(float(share) < 0.3 for share in second.split()[1:])

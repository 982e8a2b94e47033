"""Stages: which epoch belongs to which, how long the run is, and what cannot be asked for."""

import pytest

from cogito_pl.data.curriculum import Curriculum, Position, Stage

STAGES = (Stage(name="easy", epochs=2), Stage(name="medium", epochs=3), Stage(name="hard"))


def curriculum(**ended) -> Curriculum:
    made = Curriculum(STAGES)
    made.ended = ended
    return made


def places(made: Curriculum, epochs: int) -> list[tuple[str, int]]:
    return [(p.stage.name, p.epoch) for p in (made.at(epoch) for epoch in range(epochs))]


def test_every_epoch_belongs_to_one_stage_in_order():
    expected = [("easy", 0), ("easy", 1), ("medium", 0), ("medium", 1), ("medium", 2), ("hard", 0)]
    assert places(curriculum(), 6) == expected
    assert curriculum().total_epochs == 6


def test_a_stage_that_ended_early_moves_the_others_forward_and_shortens_the_run():
    assert places(curriculum(medium=1), 4) == [("easy", 0), ("easy", 1), ("medium", 0), ("hard", 0)]
    assert curriculum(easy=1, medium=1).total_epochs == 3
    assert curriculum(easy=1).first_epoch(2) == 4


def test_a_stage_ends_early_with_the_epoch_it_is_in_unless_that_is_its_last():
    made = curriculum()
    assert not made.end(Position(0, STAGES[0], epoch=1))
    assert made.end(Position(1, STAGES[1], epoch=0))
    assert made.ended == {"medium": 1}


def test_decisions_of_the_future_change_no_epoch_of_the_past():
    assert places(curriculum(medium=1), 3) == places(curriculum(), 3)


def test_after_the_end_the_last_stage_goes_on():
    assert curriculum().at(6).stage.name == "hard"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"epochs": 0}, "epochs=0"),
        ({"rollouts_per_epoch": 0}, "rollouts_per_epoch=0"),
        ({"patience": 0}, "patience=0"),
        ({"sources": {"geometry": 0.0}}, "'geometry' the weight 0.0"),
        ({"strata": {"hard": -1.0}}, "'hard' the weight -1.0"),
        ({"name": "a/b"}, "name='a/b'"),
    ],
)
def test_what_no_stage_can_be_is_rejected_by_name_and_value(settings, named):
    with pytest.raises(ValueError, match=r"data\.stages") as caught:
        Stage(**({"name": "easy"} | settings))
    assert named in str(caught.value)


def test_two_stages_of_one_name_are_rejected():
    with pytest.raises(ValueError, match="easy"):
        Curriculum([*STAGES, Stage(name="easy")])


def test_the_number_of_epochs_may_be_left_out_or_agree():
    def accepted(max_epochs):
        try:
            curriculum().check_epochs(max_epochs)
        except ValueError:
            return False
        return True

    assert [number for number in (None, -1, *range(10), 1000) if accepted(number)] == [None, -1, 6, 1000]


def test_a_number_of_epochs_that_contradicts_the_stages_is_rejected_with_both():
    with pytest.raises(ValueError, match=r"trainer\.max_epochs=4 .* data\.stages.* 6 \(2 easy \+ 3 medium \+ 1 hard\)"):
        curriculum().check_epochs(4)

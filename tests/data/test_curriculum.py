"""Stages: which epoch belongs to which, how long the run is, and what cannot be asked for."""

import pytest

from cogito_pl.data.curriculum import Stage, check_epochs, check_names, first_epoch, stage_at, total_epochs

STAGES = (Stage(name="easy", epochs=2), Stage(name="medium", epochs=3), Stage(name="hard"))


def places(stages, ended, epochs):
    return [(p.stage.name, p.epoch) for p in (stage_at(epoch, stages, ended) for epoch in range(epochs))]


def test_every_epoch_belongs_to_one_stage_in_order():
    expected = [("easy", 0), ("easy", 1), ("medium", 0), ("medium", 1), ("medium", 2), ("hard", 0)]
    assert places(STAGES, {}, 6) == expected
    assert total_epochs(STAGES, {}) == 6


def test_a_stage_that_ended_early_moves_the_others_forward_and_shortens_the_run():
    assert places(STAGES, {"medium": 1}, 4) == [("easy", 0), ("easy", 1), ("medium", 0), ("hard", 0)]
    assert total_epochs(STAGES, {"easy": 1, "medium": 1}) == 3
    assert first_epoch(2, STAGES, {"easy": 1}) == 4


def test_decisions_of_the_future_change_no_epoch_of_the_past():
    before = places(STAGES, {}, 3)
    assert places(STAGES, {"medium": 1}, 3) == before


def test_after_the_end_the_last_stage_goes_on():
    assert stage_at(6, STAGES, {}).stage.name == "hard"


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
def test_what_no_stage_can_be_is_refused_by_name_and_value(settings, named):
    with pytest.raises(ValueError, match=r"data\.stages") as caught:
        Stage(**({"name": "easy"} | settings))
    assert named in str(caught.value)


def test_two_stages_of_one_name_are_refused():
    with pytest.raises(ValueError, match="easy"):
        check_names([*STAGES, Stage(name="easy")])


def test_the_number_of_epochs_may_be_left_out_or_agree():
    def accepted(max_epochs):
        try:
            check_epochs(STAGES, max_epochs)
        except ValueError:
            return False
        return True

    assert [number for number in (None, -1, *range(10), 1000) if accepted(number)] == [None, -1, 6, 1000]


def test_a_number_of_epochs_that_contradicts_the_stages_is_refused_with_both():
    with pytest.raises(ValueError, match=r"trainer\.max_epochs=4 .* data\.stages.* 6 \(2 easy \+ 3 medium \+ 1 hard\)"):
        check_epochs(STAGES, 4)

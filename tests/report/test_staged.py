"""Accuracy and length by stage and modality, from the completions of validations."""

import pytest

from cogito_pl.report.staged import START, changes, validated


def rows(step, stage, image, text):
    """Completions of given verdicts to problems with and without images, of 10 and 4 tokens."""
    given = [("a.png", verdict) for verdict in image] + [(None, verdict) for verdict in text]
    return [
        {"step": step, "stage": stage, "verdict": verdict}
        | {"images": [name] if name else [], "tokens": 10 if name else 4}
        for name, verdict in given
    ]  # fmt: skip


JOURNAL = [
    *rows(0, "image", ["right", "wrong"], ["unparsed"]),
    *rows(3, "image", ["wrong", "wrong"], ["right"]),
    *rows(6, "image", ["right", "right"], ["wrong"]),
    *rows(9, "text", ["right", "wrong"], ["right"]),
]


def test_validations_are_told_apart_by_modality_and_the_first_one_is_before_every_stage():
    found = validated(JOURNAL)
    assert [(one.step, one.stage, one.modality) for one in found[:3]] == [
        (0, START, "image"), (0, START, "text"), (3, "image", "image"),
    ]  # fmt: skip
    assert [one.accuracy for one in found] == [0.5, 0, 0, 1, 1, 0, 0.5, 1]
    assert {(one.modality, one.tokens, one.completions) for one in found} == {("image", 10, 2), ("text", 4, 1)}


def test_a_stage_is_judged_by_its_last_validation_against_the_one_before_it():
    assert changes(validated(JOURNAL)) == {
        ("image", "image"): (0.5, 1), ("image", "text"): (0, 0), ("text", "image"): (1, 0.5), ("text", "text"): (0, 1),
    }  # fmt: skip
    assert changes(validated(JOURNAL), "tokens")["text", "text"] == (4, 4)


def test_a_modality_that_was_not_validated_before_a_stage_has_no_change():
    found = validated([*rows(0, "text", [], ["right"]), *rows(2, "text", ["right"], ["wrong"])])
    assert changes(found) == {("text", "text"): (1, 0)}


@pytest.mark.parametrize("journal", [[], JOURNAL[:3]])
def test_without_two_validations_there_is_no_change(journal):
    assert changes(validated(journal)) == {}

"""Scores of another model, prompt or verifier are refused, setting by setting, unless that is allowed by name."""

from pathlib import Path

import pytest

from cogito_pl.data.score_files import ScoreFile
from cogito_pl.data.score_origin import OtherScoresError, check_origin, differences

THERE = {
    "model": {"weights": "aa"},
    "prompt": {"instruction": "Think.", "image_size": {"longest_edge": 10}},
    "verifier": {"options": {"markers": ["so"], "decimals": None}},
    "source": "charts", "from": "models/base", "code": "v1",
}  # fmt: skip


def check(changes, *allowed, about=None):
    here = {**THERE, **changes}
    file = ScoreFile(Path("scores.parquet"), {"origin": THERE} if about is None else about)
    return check_origin([file], lambda source: here | {"source": source}, allowed, "data.strata")


def test_scores_of_the_run_s_own_settings_pass_without_a_word():
    assert check({}) == []


@pytest.mark.parametrize(
    ("changes", "aspect", "named"),
    [
        ({"model": {"weights": "bb"}, "from": "runs/sft"}, "model",
         r"model.weights: 'aa' there, 'bb' here: models/base there, runs/sft here"),
        ({"prompt": {"instruction": "Think.", "image_size": {"longest_edge": 20}}}, "prompt",
         "prompt.image_size.longest_edge: 10 there, 20 here"),
        ({"verifier": {"options": {"markers": ["so"], "decimals": 2}}}, "verifier",
         "verifier.options.decimals: None there, 2 here"),
    ],
)  # fmt: skip
def test_what_differs_is_refused_by_its_settings_and_allowed_by_its_name(changes, aspect, named):
    with pytest.raises(OtherScoresError, match=rf"another {aspect} \({named}\).*data.strata.allow_other=\[{aspect}\]"):
        check(changes)
    (note,) = check(changes, aspect)
    assert f"scores of another {aspect}, as allowed" in note


def test_one_refusal_names_all_that_differs_and_what_is_allowed_alone_does_not_let_the_rest_pass():
    changes = {"model": {"weights": "bb"}, "verifier": {"options": {}}}
    with pytest.raises(OtherScoresError, match=r"another model and verifier .*markers: \['so'\] there, None here"):
        check(changes)
    with pytest.raises(OtherScoresError, match=r"scores of another verifier .*allow_other=\[data, model, verifier\]"):
        check(changes, "data", "model")


def test_a_file_that_does_not_say_what_it_is_of_is_not_compared_and_that_is_said():
    (note,) = check({}, about={})
    assert "scores.parquet does not state model, prompt and verifier" in note


def test_another_version_of_the_verifier_s_code_is_a_note():
    (note,) = check({"code": "v2"})
    assert "another version of the verifier's code" in note


def test_differences_go_down_to_single_settings():
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}, "d": 4}, "x") == [
        "x.a.c: 2 there, 3 here",
        "x.d: None there, 4 here",
    ]

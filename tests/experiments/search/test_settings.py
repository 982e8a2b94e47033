"""Settings by dotted key, and the overlay that makes one configuration out of another."""

import copy

import pytest

from cogito_pl.experiments.search.settings import (
    MissingPartError,
    UnknownSettingError,
    assign,
    difference,
    locate,
    value_at,
)

CONFIG = {
    "trainer": {"max_epochs": 2, "callbacks": [{"class_path": "a.B"}, {"class_path": "a.C", "init_args": {"d": 1}}]},
    "model": {
        "class_path": "m.GRPO",
        "init_args": {
            "optimizer": {"class_path": "t.AdamW", "init_args": {"lr": 0.1, "betas": [0.9, 0.99]}},
            "x": None,
        },
    },
}
LR = ("model", "init_args", "optimizer", "init_args", "lr")


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("trainer.max_epochs", ("trainer", "max_epochs")),
        ("model.init_args.optimizer.init_args.lr", LR),
        ("model.optimizer.lr", LR),
        ("model.GRPO.optimizer.AdamW.lr", LR),
        ("model.optimizer.betas.1", (*LR[:-1], "betas", 1)),
        ("trainer.callbacks.C.d", ("trainer", "callbacks", 1, "init_args", "d")),
        ("trainer.callbacks.1.init_args.d", ("trainer", "callbacks", 1, "init_args", "d")),
    ],
)
def test_a_key_may_leave_init_args_out_and_names_entries_of_lists_by_class_or_index(key, path):
    assert locate(CONFIG, key) == path


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (
            "model.optimizer.lrr",
            UnknownSettingError,
            "model.optimizer.lrr: .*'lrr' there; did you mean lr?",
        ),
        ("model.optimizer.lr.x", UnknownSettingError, "no setting 'x' there; correct it"),
        ("modle.x", UnknownSettingError, "'modle' there; did you mean model"),
        ("trainer.callbacks.D.d", MissingPartError, "there is no D in that list, which has B, C; add it by an overlay"),
        ("trainer.callbacks.B.d", UnknownSettingError, "no setting 'd'"),
        ("trainer.callbacks.2", MissingPartError, "no 2 in that list"),
        ("model.x.y", MissingPartError, "no y in that list, which has none"),
    ],
)
def test_a_key_that_names_nothing_is_refused(key, error, message):
    with pytest.raises(UnknownSettingError, match=message) as caught:
        locate(CONFIG, key)
    assert type(caught.value) is error


def test_the_difference_is_an_overlay_with_lists_and_other_classes_as_a_whole():
    other = copy.deepcopy(CONFIG)
    assert difference(CONFIG, other) == {}
    assign(other, "model.optimizer.lr", 0.2)
    assert difference(CONFIG, other) == {"model": {"init_args": {"optimizer": {"init_args": {"lr": 0.2}}}}}
    assign(other, "trainer.callbacks.C.d", 2)
    changed = [{"class_path": "a.B"}, {"class_path": "a.C", "init_args": {"d": 2}}]
    assert difference(CONFIG, other)["trainer"] == {"callbacks": changed}
    assert value_at(CONFIG, locate(CONFIG, "trainer.callbacks.C.d")) == 1
    sgd = {"class_path": "t.SGD", "init_args": {"lr": 0.2, "betas": [0.9, 0.99]}}
    assign(other, "model.optimizer", sgd)
    assert difference(CONFIG, other)["model"]["init_args"]["optimizer"] == sgd

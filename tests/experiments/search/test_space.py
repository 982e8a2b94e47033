"""What a space file may say, and how what it cannot mean is refused."""

from pathlib import Path

import pytest

from cogito_pl.experiments.phases import SettingsError
from cogito_pl.experiments.search.options import SEEDS, SearchOptions, read_options
from cogito_pl.experiments.search.space import Choice, described, read_space

LR = "model.optimizer.lr"


def test_a_part_is_a_range_or_choices_and_says_what_a_value_sets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("o.yaml").write_text("{}")
    space = read_space(
        {
            LR: {"low": 1.0e-5, "high": 1.0e-3, "log": True},
            "n": {"low": 2, "high": 8, "step": 3},
            "half": {"low": 0, "high": 1, "step": 0.5},
            "betas": {"choices": [[0.9, 0.99], [0.9, 0.95], "none", 3]},
            "both": {"choices": {"small": {"a.b": 1, "a.c": [2]}, 5: "o.yaml"}},
        },
        "f",
    )
    assert space[LR].choice(3.0e-4) == Choice(settings={LR: 3.0e-4})
    assert (space["n"].whole, space["half"].whole, space[LR].whole) == (True, False, False)
    assert space["n"].ends() == [2, 8]
    assert space["betas"].ends() == ["[0.9, 0.99]", "[0.9, 0.95]", "none", "3"]
    assert space["betas"].choice("[0.9, 0.95]").settings == {"betas": [0.9, 0.95]}
    assert space["betas"].choice("3").settings == {"betas": 3}
    assert space["both"].choice("small").settings == {"a.b": 1, "a.c": [2]}
    assert space["both"].choice("5") == Choice(file=Path("o.yaml"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r"f: space=\{\} holds no settings"),
        ([LR], r"space=\['model.optimizer.lr'\] holds no settings"),
        ({LR: 3}, f"space.{LR}: 3 is neither a range nor choices; write .low"),
        ({LR: {}}, "neither a range nor choices"),
        ({LR: {"low": 1, "high": 2, "choices": [1, 2]}}, "neither a range nor choices"),
        ({LR: {"low": 1, "hihg": 2}}, "neither a range nor choices"),
        ({LR: {"low": 1}}, "high is missing"),
        ({LR: {"low": 2.0, "high": 2.0}}, "low=2.0 is not below high=2.0; swap them"),
        ({LR: {"low": 3, "high": 2}}, "low=3 is not below high=2"),
        ({LR: {"low": "1e-5", "high": 2}}, "low='1e-5' is no number; YAML reads 1.0e-4"),
        ({LR: {"low": True, "high": 2}}, "low=True is no number"),
        ({LR: {"low": 1, "high": float("inf")}}, "high=inf is no number"),
        ({LR: {"low": 0, "high": 2, "log": True}}, "low=0 has no logarithm; choose a low above 0"),
        ({LR: {"low": 1, "high": 2, "log": "yes"}}, "log='yes' is neither true nor false"),
        ({LR: {"low": 1, "high": 4, "log": True, "step": 1}}, "step=1 and log do not go together"),
        ({LR: {"low": 1, "high": 4, "step": 2}}, "step=2 does not lead from low=1 to high=4"),
        ({LR: {"low": 1, "high": 4, "step": 0}}, "step=0 does not lead"),
        ({LR: {"low": 1, "high": 2, "step": 3}}, "step=3 does not lead"),
        ({LR: {"choices": [1]}}, r"choices=\[1\] are not two or more"),
        ({LR: {"choices": "ab"}}, "choices='ab' are not two or more"),
        ({LR: {"choices": [1, 2, 1]}}, "choices has 1 twice"),
        ({"a": {"choices": {"b": {}, "c": 3}}}, "choices.c=3 is neither a mapping of settings nor an overlay"),
        ({"a": {"choices": {"b": {}, "c": "no.yaml"}}}, "choices.c: there is no file no.yaml"),
        ({LR: {"low": 1, "high": 2}, "a": {"choices": {"b": {LR: 3}, "c": {}}}}, f"two parts of the space set {LR}"),
        ({"seed_everything": {"choices": [1, 2]}}, "space.seed_everything is set by the search itself"),
    ],
)
def test_what_cannot_be_drawn_from_is_refused_with_its_key_its_value_and_the_remedy(values, message):
    with pytest.raises(SettingsError, match=message):
        read_space(values, "f")


def test_spaces_are_equal_where_the_same_can_be_drawn(tmp_path):
    file = tmp_path / "o.yaml"
    values = {LR: {"low": 1, "high": 2}, "a": {"choices": {"b": str(file), "c": {"x": 1}}}}
    file.write_text("{}")
    before = described(read_space(values, "f"))
    assert described(read_space(values, "g")) == before
    file.write_text("{a: 1}")
    assert described(read_space(values, "f")) != before
    file.write_text("{}")
    for changed in ({LR: {"low": 1, "high": 3}}, {LR: {"low": 1, "high": 2, "log": True}}):
        assert described(read_space(values | changed, "f")) != before


@pytest.fixture
def space_file(tmp_path):
    def write(text):
        file = tmp_path / "my.space.yaml"
        file.write_text(text)
        return file

    return write


def test_a_space_file_says_how_to_search_and_the_command_line_has_the_last_word(space_file):
    text = "{space: {a: {low: 1, high: 2}}, trials: 7, seeds: [3, 4], metric: m, direction: minimize, startup: 3}"
    own = read_options(space_file(text))
    assert (own.trials, own.seeds, own.metric, own.direction, own.startup) == (7, (3, 4), "m", "minimize", 3)
    changed = read_options(space_file(text), {"trials": 9, "seeds": [5]})
    assert (changed.trials, changed.seeds) == (9, (5,))
    assert changed.fingerprint() == own.fingerprint() | {"seeds": [5]}  # more trials are the same search
    assert read_options(space_file("{space: {a: {low: 1, high: 2}}, trials: 7}")).seeds == SEEDS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]", "is no mapping; it holds space, trials, seeds"),
        ("a: [", "my.space.yaml"),
        ("{space: {a: {low: 1, high: 2}}, trails: 3}", "has 'trails'; it holds space, trials"),
        ("{space: {a: {low: 1, high: 2}}}", "trials is missing"),
        ("{trials: 3}", "space is missing"),
        ("{space: {a: {low: 2, high: 1}}, trials: 3}", "my.space.yaml: space.a: low=2 is not below"),
        ("{space: {a: {low: 1, high: 2}}, trials: 0}", "my.space.yaml: trials=0 is no whole number of at least 1"),
        ("{space: {a: {low: 1, high: 2}}, trials: 2.5}", "trials=2.5 is no whole number"),
        ("{space: {a: {low: 1, high: 2}}, trials: 3, startup: 0}", "startup=0 is no"),
        ("{space: {a: {low: 1, high: 2}}, trials: 3, sampler_seed: -1}", "sampler_seed=-1 is no"),
        ("{space: {a: {low: 1, high: 2}}, trials: 3, seeds: 5}", "seeds=5 is no list"),
        ("{space: {a: {low: 1, high: 2}}, trials: 3, seeds: []}", r"seeds=\[\] are not whole"),
        ("{space: {a: {low: 1, high: 2}}, trials: 3, seeds: [-1]}", r"seeds=\[-1\] are not whole"),
        ("{space: {a: {low: 1, high: 2}}, trials: 3, seeds: [2, 2]}", r"seeds=\[2, 2\] names one twice"),
        ("{space: {a: {low: 1, high: 2}}, trials: 3, direction: up}", "direction='up' is unknown"),
        ("{space: {a: {low: 1, high: 2}}, trials: 3, metric: 3}", "metric=3 is no name"),
    ],
)
def test_a_space_file_that_cannot_be_is_refused_by_name(space_file, text, message):
    with pytest.raises(SettingsError, match=message):
        read_options(space_file(text))


def test_a_space_file_that_is_not_there_is_refused():
    with pytest.raises(SettingsError, match=r"space file none\.yaml"):
        read_options(Path("none.yaml"))


def test_values_are_shown_short_and_names_and_whole_numbers_as_they_are():
    space = read_space(
        {LR: {"low": 1.0e-5, "high": 1.0}, "n": {"low": 1, "high": 2000}, "c": {"choices": [1, "b"]}}, ""
    )
    options = SearchOptions(space=space, trials=1)
    shown = [options.shown(name, value) for name, value in ((LR, 0.000123456), ("n", 1234), ("c", "b"))]
    assert shown == ["0.000123", "1234", "b"]
    assert options.without({"n", "c"}).space.keys() == {LR}

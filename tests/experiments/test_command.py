"""The options of `ablate`, on the command line and in a study file."""

from pathlib import Path

import pytest

from cogito_pl.experiments.__main__ import main
from cogito_pl.experiments.command import build_parser, read_study, with_study
from cogito_pl.experiments.phases import SettingsError


def options(*words):
    return with_study(vars(build_parser().parse_args(["ablate", "--out", "o", *words])))


@pytest.fixture
def study(tmp_path):
    def write(text):
        file = tmp_path / "my.study.yaml"
        file.write_text(text)
        return file

    return write


def test_the_command_line_adds_to_the_lists_of_a_study_and_replaces_its_numbers(study):
    file = study("{recipe: a.yaml, with: [b.yaml], by: topic, samples: 5, seeds: [4, 5], data: d, prepare: [c]}")
    own = options("--study", str(file), "--recipe", "more.yaml", "--with", "n=c.yaml", "--samples", "0", "--by", "kind")
    assert own["recipe"] == ["a.yaml", "more.yaml"]
    assert own["with"] == ["b.yaml", "n=c.yaml"]
    assert own["by"] == ["topic", "kind"]
    assert (own["samples"], own["seeds"], own["data"], own["prepare"]) == (0, [4, 5], "d", ["c"])
    assert options("--study", str(file), "--seeds", "7", "8")["seeds"] == [7, 8]
    assert options("--study", str(file), "--data", "other")["data"] == "other"
    assert options("--study", str(file))["recipe"] == ["a.yaml"]  # the parser keeps nothing of earlier ones


def test_several_studies_join_their_lists_and_the_last_number_holds(study, tmp_path):
    first = study("{recipe: a.yaml, with: [b.yaml], samples: 5, prepare: [c]}")
    second = tmp_path / "second.yaml"
    second.write_text("{with: [d.yaml], samples: 2, score: s.yaml, unequal: d}")
    own = options("--study", str(first), "--study", str(second), "--with", "e.yaml", "--unequal", "e")
    assert own["with"] == ["b.yaml", "d.yaml", "e.yaml"]
    assert (own["recipe"], own["score"], own["samples"], own["unequal"]) == (["a.yaml"], ["s.yaml"], 2, ["d", "e"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recipes: a.yaml", "has 'recipes'; it holds options of ablate by name: recipe, start"),
        ("[a.yaml]", "is no mapping"),
        ("with: {a: b}", r"with=\{'a': 'b'\} is not a list of texts"),
        ("samples: many", "samples='many' is not a number"),
        ("seeds: 3", "seeds=3 is not a list of numbers"),
        ("data: [d]", r"data=\['d'\] is not a text"),
        ("a: [", "my.study.yaml"),
    ],
)
def test_a_study_that_cannot_be_is_refused_by_name(study, text, message):
    with pytest.raises(SettingsError, match=message):
        read_study(study(text))


def test_a_study_file_that_is_not_there_is_refused():
    with pytest.raises(SettingsError, match=r"--study none\.yaml"):
        read_study(Path("none.yaml"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ablate", "--out", "o"], "--recipe is missing"),
        (["ablate", "--out", "o", "--recipe", "none.yaml"], "--recipe none.yaml: there is no such file"),
        (["ablate", "--recipe", "none.yaml"], "required: --out"),
        (["power", "nowhere"], "DIR=nowhere holds no ablation.json"),
        (["search", "--out", "o"], "required: --space"),
        (["search", "--out", "o", "--space", "none.yaml"], "--recipe is missing"),
        (
            ["search", "--space", "n", "--out", "o", "--with", "a=b", "--with", "c"],
            "--with a=b and c: a search is for one",
        ),
    ],
)
def test_a_mistake_is_one_message_and_leaves_nothing(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

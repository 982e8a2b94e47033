"""Every known bug can still be put into the code, and has its test; the runner tells killed from surviving ones."""

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.mutants.run import Mutant, has_test, outcome, read_mutants, run

MUTANTS = read_mutants()


def test_the_text_of_every_mutant_occurs_once_and_its_change_is_still_python():
    for mutant in MUTANTS:
        changed = mutant.applied(ROOT)
        ast.parse(changed, mutant.name)
        assert changed != (ROOT / mutant.file).read_text(encoding="utf-8"), mutant.name


def test_names_are_used_once_and_every_test_exists():
    names = [mutant.name for mutant in MUTANTS]
    assert len(set(names)) == len(names) > 100
    assert [mutant.name for mutant in MUTANTS if not has_test(ROOT, mutant.test)] == []
    assert not has_test(ROOT, MUTANTS[0].test + "_no")


@pytest.fixture
def project(tmp_path) -> Path:
    """A project of one function and its tests."""
    (tmp_path / "double.py").write_text("def double(n):\n    return 2 * n\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow\n")
    (tmp_path / "test_double.py").write_text(
        "import pytest\nfrom double import double\n\n@pytest.mark.slow\ndef test_double():\n    assert double(3) == 6\n"
        "\ndef test_nothing():\n    assert double(0) == 0\n\ndef test_wrong():\n    assert double(1) == 1\n"
    )
    return tmp_path


def mutant(**changes):
    fields = {"name": "m", "bug": "It triples.", "file": "double.py", "text": "2 * n", "becomes": "3 * n"}
    return Mutant(**(fields | {"test": "test_double.py::test_double"} | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"test": "test_double.py::test_gone"}, "test_double.py::test_gone could not run: exit status 4 of pytest"),
        ({"becomes": "3 * * n"}, "test_double.py::test_double could not run: exit status 4 of pytest"),
        ({"text": "n"}, "m: the text of the mutant occurs 3 times in double.py, expected once"),
        ({"text": "4 * n"}, "m: the text of the mutant occurs 0 times in double.py, expected once"),
    ],
    ids=["no such test", "no Python", "ambiguous", "gone"],
)
def test_what_could_not_run_is_said_and_the_copy_is_left_as_it_was(project, changes, expected):
    before = (project / "double.py").read_bytes()
    assert outcome(mutant(**changes), project) == expected
    assert (project / "double.py").read_bytes() == before


def test_a_survivor_and_a_test_that_always_fails_end_with_status_1(project, capsys):
    before = (project / "double.py").read_bytes()
    assert run([mutant(), mutant(name="other", test="test_double.py::test_nothing")], project) == 1
    said = capsys.readouterr().out
    assert "1 of 2 killed" in said
    assert "not killed: other" in said
    assert (project / "double.py").read_bytes() == before
    assert run([], project) == 0
    assert run([mutant(test="test_double.py::test_wrong")], project) == 1
    assert "do not pass without any mutant" in capsys.readouterr().out

"""The command line of a search, and what it says where Optuna is missing."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from cogito_pl.experiments import __main__ as program
from tests.experiments.search.conftest import SPACE


def options(**changes):
    Path("my.space.yaml").write_text(yaml.safe_dump({"trials": 2, "seeds": [7], "space": SPACE, **changes}))
    return ["--recipe", "r.yaml", "--space", "my.space.yaml"]


@pytest.mark.parametrize("words", [["search", "--space", "s"], ["ablate", "--recipe", "r.yaml", "--tuned", "s"]])
def test_without_optuna_one_message_says_how_to_get_it(recipe, words, monkeypatch, capsys):
    monkeypatch.setattr(program, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as ended:
        program.main([*words, "--out", "out"])
    assert ended.value.code == 2
    assert "needs Optuna, which is not installed: pip install 'cogito-pl[search]'" in capsys.readouterr().err
    assert not Path("out").exists()


def test_other_commands_do_without_optuna(recipe, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SystemExit):
        program.main(["power", "nowhere"])
    assert "holds no ablation.json" in capsys.readouterr().err


def test_a_search_is_run_from_its_files_and_shows_its_table(pretend, recipe, capsys):
    Path("a.yaml").write_text("trainer: {log_every_n_steps: 5}")
    program.main(["search", *options(), "--with", "mine=a.yaml", "--out", "out", "--trials", "3", "--seeds", "4"])
    found = json.loads(Path("out/search.json").read_text())
    assert (found["arm"], len(found["trials"]), found["seeds"]) == ("mine", 3, [4])
    fit = yaml.safe_load(Path("out/trials/3/seed4/config/fit.yaml").read_text())
    assert fit["trainer"]["log_every_n_steps"] == 5
    shown = capsys.readouterr().out
    assert "3 trials of mine, 8 updates" in shown
    assert "out/best.yaml" in shown


def test_a_search_with_failed_trials_ends_with_status_1(pretend, recipe):
    pretend.errors = {"1 seed7": ValueError("no memory")}
    with pytest.raises(SystemExit) as ended:
        program.main(["search", *options(), "--out", "out"])
    assert ended.value.code == 1
    assert "Trial 1 failed: `ValueError: no memory`" in Path("out/search.md").read_text()


def test_a_mistake_in_the_space_is_one_message_and_leaves_nothing(pretend, recipe, capsys):
    with pytest.raises(SystemExit) as ended:
        program.main(["search", *options(space={"model.lr": {"low": 1, "high": 2}}), "--out", "out"])
    assert ended.value.code == 2
    assert "space.model.lr: " in capsys.readouterr().err
    assert not Path("out").exists()

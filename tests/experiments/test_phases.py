"""Phases run in order, resume, and are run again where a result is lost."""

import sys
from types import SimpleNamespace

import pytest
import yaml
from rich.console import Console

from cogito_pl.experiments import phases as running
from cogito_pl.experiments.cost import NOTHING
from cogito_pl.experiments.phases import (
    SHELL,
    TRAIN,
    Phase,
    SettingsError,
    run_command,
    run_phase,
    run_phases,
    to_do,
)
from cogito_pl.experiments.record import Account, Record

NAMES = ("data", "fit", "evaluate")


@pytest.fixture
def plan(tmp_path):
    """Three phases of a command each."""
    return [
        Phase(
            name=name,
            title=f"Phase {name}",
            program=TRAIN,
            commands=(("fit", "--config", f"my {name}.yaml"),),
            folder=tmp_path / name,
            artefact=tmp_path / name / "done",
            overlay={"data": {"path": str(tmp_path)}},
            overlay_file=tmp_path / "config" / f"{name}.yaml",
        )
        for name in NAMES
    ]


@pytest.fixture
def given(monkeypatch):
    """Notes the arguments of every command, which leaves the artefact of its phase."""
    arguments = []

    def pretend(phase, words):
        arguments.append(words)
        phase.folder.mkdir(exist_ok=True)
        phase.artefact.touch()

    monkeypatch.setattr(running, "run_command", pretend)
    return arguments


def run(plan, folder):
    left = []
    account = Account(Record(folder / "run", {}), opened=NOTHING)
    run_phases(plan, account, Console(quiet=True), folder / "log.txt", lambda names: left.append(names) or "")
    return left


def test_phases_run_in_order_and_done_ones_are_skipped(plan, given, tmp_path):
    assert run(plan, tmp_path) == [list(NAMES), list(NAMES[1:]), list(NAMES[2:])]
    assert [words[-1] for words in given] == ["my data.yaml", "my fit.yaml", "my evaluate.yaml"]
    assert run(plan, tmp_path) == []


def test_what_follows_a_lost_result_is_left_to_do(plan, given, tmp_path):
    run(plan, tmp_path)
    plan[1].artefact.unlink()
    assert to_do(plan, Record(tmp_path / "run", {})) == ["fit", "evaluate"]
    assert run(plan, tmp_path) == [["fit", "evaluate"], ["evaluate"]]


def test_a_phase_writes_its_configuration_and_shows_its_command(plan, given):
    run_phase(plan[1], Console(quiet=True), resume=True)
    assert yaml.safe_load(plan[1].overlay_file.read_text()) == plan[1].overlay
    assert plan[1].shown() == ["python train.py fit --config 'my fit.yaml'"]


def test_a_phase_without_its_artefact_is_an_error_that_names_it(plan, monkeypatch):
    monkeypatch.setattr(running, "run_command", lambda *_: None)
    with pytest.raises(RuntimeError, match=r"Phase fit ended without .*done"):
        run_phase(plan[1], Console(quiet=True), resume=True)


def test_a_fit_resumes_from_its_newest_checkpoint_unless_what_precedes_it_changed(plan, monkeypatch):
    given, phase = [], plan[1]
    monkeypatch.setattr(running, "run_command", lambda phase, arguments: given.append(arguments))
    for resume in (True, False):
        checkpoint = phase.folder / "checkpoints" / "epoch=0.ckpt"
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.write_text("")
        with pytest.raises(RuntimeError, match="ended without"):
            run_phase(phase, Console(quiet=True), resume=resume)
    assert given[0][-2:] == ["--ckpt_path", str(checkpoint)]
    assert "--ckpt_path" not in given[1]
    assert not phase.folder.exists()


def test_a_module_program_is_the_main_of_its_package(plan, monkeypatch):
    given = []
    monkeypatch.setitem(sys.modules, "some_package.__main__", SimpleNamespace(main=given.append))
    phase = Phase(**{**vars(plan[0]), "program": ("-m", "some_package")})
    run_command(phase, ["write"])
    assert given == [["write"]]
    assert phase.shown() == ["python -m some_package fit --config 'my data.yaml'"]


def shell(folder):
    return Phase(
        name="data", title="data", program=SHELL, commands=(), folder=folder, artefact=folder, overlay={}
    )  # fmt: skip


def test_a_command_line_of_the_shell_is_run_as_it_stands_by_this_python(tmp_path):
    run_command(shell(tmp_path), ["python", "-c", f"import sys; open('{tmp_path}/out', 'w').write(sys.executable)"])
    assert (tmp_path / "out").read_text() == sys.executable


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["python", "-c", "raise SystemExit(3)"], "python -c 'raise SystemExit\\(3\\)': ended with status 3"),
        (["no-such-program", "a b"], "no-such-program 'a b': No such file"),
    ],
)
def test_a_command_line_that_fails_is_named(tmp_path, words, message):
    with pytest.raises(SettingsError, match=message):
        run_command(shell(tmp_path), words)

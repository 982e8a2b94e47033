"""The page that a run writes of itself."""

import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
from lightning.pytorch.loggers import TensorBoardLogger

from callbacks import RolloutTable, RunReport
from cogito_pl.files import read_jsonl
from tests.modules.training import data, grpo, trainer
from tests.report.pages import Page, shown_data


class Counting(RunReport):
    """Remembers what every page showed when it was done."""

    def __init__(self):
        super().__init__()
        self.pages = []

    def _finish(self):
        drawn = self._drawing is not None
        super()._finish()
        if drawn:
            self.pages.append(Path(self._folder, "report.html").read_text())


@pytest.mark.slow
def test_a_fit_leaves_a_page_that_a_validation_began_and_its_end_completed(tiny_folder, playground_folder, tmp_path):
    report = Counting()
    logger = TensorBoardLogger(tmp_path, name="", version="run")
    fit = trainer(tmp_path, RolloutTable(), report, logger=logger, log_every_n_steps=1)
    fit.fit(grpo(tiny_folder), data(playground_folder, validation=True))
    assert len(report.pages) == 2
    for text in report.pages:
        Page(text)
        assert "validation accuracy" in text  # logged just before
    rows = shown_data((tmp_path / "run" / "report.html").read_text())
    assert rows["total"] == 8 + 10
    assert rows["images"]
    (start,) = read_jsonl(tmp_path / "run" / "commands.jsonl")
    assert start["argv"][1:] == sys.argv


def in_run(folder, *, first=True):
    return SimpleNamespace(
        log_dir=folder and str(folder), is_global_zero=first, loggers=[], sanity_checking=False,
        state=SimpleNamespace(fn="fit"),
    )  # fmt: skip


class Process:
    """Stands for a process that draws."""

    def __init__(self, code, errors=""):
        self.returncode, self.errors, self.done = code, errors, False

    def poll(self):
        return self.returncode if self.done else None

    def communicate(self):
        self.done = True
        return "", self.errors


@pytest.fixture
def started(monkeypatch):
    """The commands that would have been started; each fails."""
    commands = []

    def start(command, **settings):
        commands.append(command)
        return Process(1, "Traceback\nValueError: the disk is gone\n")

    monkeypatch.setattr(subprocess, "Popen", start)
    return commands


def test_a_page_that_cannot_be_drawn_is_one_warning(tmp_path, started):
    report, run = RunReport(), in_run(tmp_path)
    report.setup(run, None, "fit")
    report.on_validation_end(run, None)
    with pytest.warns(UserWarning, match="the disk is gone") as caught:
        report.teardown(run, None, "fit")
    assert len(started) == 2
    assert len(caught) == 1
    assert started[0][1:] == ["-m", "cogito_pl.report", str(tmp_path)]


def test_a_process_that_cannot_be_started_is_a_warning_too(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    report, run = RunReport(), in_run(tmp_path)
    report.setup(run, None, "fit")
    with pytest.warns(UserWarning, match="no more processes"):
        report.teardown(run, None, "fit")


def test_a_validation_during_a_drawing_starts_no_other(tmp_path, started):
    report, run = RunReport(), in_run(tmp_path)
    report.setup(run, None, "fit")
    report.on_validation_end(run, None)
    report.on_validation_end(run, None)
    assert len(started) == 1
    report._drawing.done, report._drawing.returncode = True, 0
    report.on_validation_end(run, None)
    assert len(started) == 2


@pytest.mark.parametrize(("folder", "first"), [(None, True), ("here", False)])
def test_other_ranks_and_runs_without_a_folder_write_nothing(tmp_path, started, folder, first):
    report, run = RunReport(), in_run(folder and tmp_path, first=first)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report.setup(run, None, "fit")
        report.on_validation_end(run, None)
        report.teardown(run, None, "fit")
    assert started == []
    assert list(tmp_path.iterdir()) == []


def test_a_sanity_check_and_a_validation_of_its_own_draw_at_the_end_only(tmp_path, started):
    report, run = RunReport(), in_run(tmp_path)
    report.setup(run, None, "validate")
    run.sanity_checking = True
    report.on_validation_end(run, None)
    run.sanity_checking, run.state.fn = False, "validate"
    report.on_validation_end(run, None)
    assert started == []

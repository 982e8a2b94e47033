import contextlib
import json
import shutil
import time

import pytest

from cogito_pl.quickstart import account as accounting
from cogito_pl.quickstart import drive as driving
from cogito_pl.quickstart import running
from cogito_pl.quickstart.account import Account
from cogito_pl.quickstart.estimate import seconds_left
from cogito_pl.quickstart.phases import TYPICAL_S, phases
from cogito_pl.quickstart.record import FILE, NOTHING, Cost, OtherRunError, Record

SCORED = ["data", "score", "sft", "grpo", "evaluate-base", "evaluate-sft", "evaluate-grpo"]
"""The phases of a quickstart that scores, in order."""


@pytest.fixture
def ran(monkeypatch):
    """Runs no phase: notes its name and whether it may go on from a checkpoint, and leaves its artefact."""
    names = []

    def pretend(phase, console, *, resume):
        names.append((phase.name, resume))
        phase.artefact.parent.mkdir(parents=True, exist_ok=True)
        phase.artefact.write_text("{}")

    monkeypatch.setattr(running, "run_phase", pretend)
    monkeypatch.setattr(driving, "sum_up", lambda *_: None)
    return names


def test_all_phases_run_in_order_and_only_the_first_may_go_on_from_a_checkpoint(ran, make_settings):
    driving.drive(make_settings(scored=True))
    assert ran == [(name, place == 0) for place, name in enumerate(SCORED)]


def test_finished_phases_are_skipped(ran, make_settings):
    driving.drive(make_settings())
    ran.clear()
    driving.drive(make_settings())
    assert ran == []


def test_a_stopped_run_goes_on_where_it_stopped(ran, make_settings, monkeypatch, capsys):
    pretend = running.run_phase

    def stop_in_grpo(phase, console, *, resume):
        if phase.name == "grpo":
            raise KeyboardInterrupt
        pretend(phase, console, resume=resume)

    monkeypatch.setattr(running, "run_phase", stop_in_grpo)
    with pytest.raises(KeyboardInterrupt):
        driving.drive(make_settings())
    assert "run the same command again to continue" in capsys.readouterr().out
    ran.clear()
    monkeypatch.setattr(running, "run_phase", pretend)
    driving.drive(make_settings())
    assert ran[0] == ("grpo", True)
    assert [name for name, _ in ran] == SCORED[3:]


def test_what_follows_a_lost_result_is_made_again(ran, make_settings):
    settings = make_settings()
    driving.drive(settings)
    ran.clear()
    shutil.rmtree(settings.run / "grpo")
    driving.drive(settings)
    assert [name for name, _ in ran] == SCORED[3:]


@pytest.mark.parametrize("change", [{"seed": 2}, {"n_test": 21}])
def test_a_run_with_other_settings_is_refused_with_the_remedy(change, ran, make_settings):
    driving.drive(make_settings())
    with pytest.raises(OtherRunError, match=r"other settings .* choose another --run, or delete the folder"):
        driving.drive(make_settings(**change))


def test_a_folder_with_other_work_is_refused_and_left_alone(ran, make_settings):
    settings = make_settings()
    settings.run.mkdir()
    (settings.run / "thesis.tex").write_text("precious")
    with pytest.raises(OtherRunError, match="holds no quickstart"):
        driving.drive(settings)
    assert [file.name for file in settings.run.iterdir()] == ["thesis.tex"]


def test_the_cost_of_earlier_starts_is_kept(tmp_path):
    Record(tmp_path, {"seed": 1}).finish("data", Cost(1, 1, 5), Cost(2, 1.5, 5))
    record = Record(tmp_path, {"seed": 1})
    assert record.finished("data")
    assert record.spent.plus(Cost(1, 1, 7)) == Cost(3, 2.5, 7, starts=2)
    assert json.loads(record.path.read_text())["fingerprint"] == {"seed": 1}


def test_a_phase_without_its_artefact_is_an_error_that_names_it(make_settings, monkeypatch):
    monkeypatch.setattr(running, "run_command", lambda *_: None)
    phase = phases(make_settings())[1]
    with pytest.raises(RuntimeError, match=r"ended without .*config\.json"):
        running.run_phase(phase, running.Console(quiet=True), resume=True)


def test_a_fit_goes_on_from_its_newest_checkpoint_unless_what_precedes_it_changed(make_settings, monkeypatch):
    given = []
    monkeypatch.setattr(running, "run_command", lambda phase, arguments: given.append(arguments))
    phase = phases(make_settings())[1]
    for resume in (True, False):
        checkpoint = phase.folder / "checkpoints" / "epoch=0.ckpt"
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.write_text("")
        with pytest.raises(RuntimeError, match="ended without"):
            running.run_phase(phase, running.Console(quiet=True), resume=resume)
    assert given[0][-2:] == ["--ckpt_path", str(checkpoint)]
    assert "--ckpt_path" not in given[1]
    assert not phase.folder.exists()


def test_the_time_left_follows_the_pace_of_what_is_done():
    twice = [("data", 2 * TYPICAL_S["data"]), ("sft", 2 * TYPICAL_S["sft"])]
    assert seconds_left([], ["sft", "grpo"]) == TYPICAL_S["sft"] + TYPICAL_S["grpo"]
    assert seconds_left(twice, ["evaluate-base"]) == 2 * TYPICAL_S["evaluate-base"]


def test_a_phase_is_expected_to_take_as_long_as_it_did_before():
    assert seconds_left([("grpo", 10), ("grpo", 20), ("data", 3)], ["grpo", "grpo"]) == 30


@pytest.fixture
def clock(monkeypatch):
    """A process that spends what the test says."""
    now = {"cpu": 0.0}
    monkeypatch.setattr(accounting, "spent", lambda: Cost(now["cpu"], now["cpu"], 5.0))
    return now


def test_the_cost_of_a_phase_adds_up_over_its_starts(tmp_path, clock):
    def start(cpu, *, ends):
        clock["cpu"] = 2.0  # start-up, which is not the phase's
        with contextlib.suppress(KeyboardInterrupt), Account(Record(tmp_path, {}), opened=NOTHING).running("grpo"):
            clock["cpu"] += cpu
            if not ends:
                raise KeyboardInterrupt

    start(10.0, ends=False)
    start(30.0, ends=True)
    record = Record(tmp_path, {})
    assert record.phases["grpo"] == Cost(40.0, 40.0, 5.0, starts=2)
    assert record.spent == Cost(44.0, 44.0, 5.0, starts=2)
    start(7.0, ends=True)  # made again from the beginning, because its result was lost
    assert Record(tmp_path, {}).phases["grpo"].cpu_s == 7.0


def test_the_account_is_on_disk_while_a_phase_runs(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(accounting, "EVERY_S", 0.001)
    with Account(Record(tmp_path, {}), opened=NOTHING).running("grpo"):
        clock["cpu"] = 3.0
        while (found := json.loads((tmp_path / FILE).read_text()))["spent"]["cpu_s"] < 3.0:
            time.sleep(0.001)
        assert found["begun"]["grpo"]["cpu_s"] == 3.0  # what a start after a kill would find
    assert not Record(tmp_path, {}).begun


def test_a_phase_runs_the_program_that_it_names(make_settings, monkeypatch):
    given = []
    monkeypatch.setattr("cogito_pl.playground.__main__.main", given.append)
    data = phases(make_settings())[0]
    running.run_command(data, ["write"])
    assert given == [["write"]]

import json
import shutil

import pytest

from cogito_pl.quickstart import drive as driving
from cogito_pl.quickstart.phases import TYPICAL_S, phases
from cogito_pl.quickstart.record import Cost, OtherRunError, Record


@pytest.fixture
def ran(monkeypatch):
    """Runs no phase: notes its name and whether it may go on from a checkpoint, and leaves its artefact."""
    names = []

    def pretend(phase, console, *, resume):
        names.append((phase.name, resume))
        phase.artefact.parent.mkdir(parents=True, exist_ok=True)
        phase.artefact.write_text("{}")

    monkeypatch.setattr(driving, "run_phase", pretend)
    monkeypatch.setattr(driving, "sum_up", lambda *_: None)
    return names


def test_all_phases_run_in_order_and_only_the_first_may_go_on_from_a_checkpoint(ran, make_settings):
    driving.drive(make_settings())
    assert ran == [(name, place == 0) for place, name in enumerate(TYPICAL_S)]


def test_finished_phases_are_skipped(ran, make_settings):
    driving.drive(make_settings())
    ran.clear()
    driving.drive(make_settings())
    assert ran == []


def test_a_stopped_run_goes_on_where_it_stopped(ran, make_settings, monkeypatch, capsys):
    pretend = driving.run_phase

    def stop_in_grpo(phase, console, *, resume):
        if phase.name == "grpo":
            raise KeyboardInterrupt
        pretend(phase, console, resume=resume)

    monkeypatch.setattr(driving, "run_phase", stop_in_grpo)
    with pytest.raises(KeyboardInterrupt):
        driving.drive(make_settings())
    assert "run the same command again to continue" in capsys.readouterr().out
    ran.clear()
    monkeypatch.setattr(driving, "run_phase", pretend)
    driving.drive(make_settings())
    assert ran[0] == ("grpo", True)
    assert [name for name, _ in ran] == list(TYPICAL_S)[2:]


def test_what_follows_a_lost_result_is_made_again(ran, make_settings):
    settings = make_settings()
    driving.drive(settings)
    ran.clear()
    shutil.rmtree(settings.run / "grpo")
    driving.drive(settings)
    assert [name for name, _ in ran] == list(TYPICAL_S)[2:]


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
    assert record.spent.plus(Cost(1, 1, 7)) == Cost(3, 2.5, 7)
    assert json.loads(record.path.read_text())["fingerprint"] == {"seed": 1}


def test_a_phase_without_its_artefact_is_an_error_that_names_it(make_settings, monkeypatch):
    monkeypatch.setattr(driving, "run_command", lambda *_: None)
    phase = phases(make_settings())[1]
    with pytest.raises(RuntimeError, match=r"ended without .*config\.json"):
        driving.run_phase(phase, driving.Console(quiet=True), resume=True)


def test_a_fit_goes_on_from_its_newest_checkpoint_unless_what_precedes_it_changed(make_settings, monkeypatch):
    given = []
    monkeypatch.setattr(driving, "run_command", lambda phase, arguments: given.append(arguments))
    phase = phases(make_settings())[1]
    for resume in (True, False):
        checkpoint = phase.folder / "checkpoints" / "epoch=0.ckpt"
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.write_text("")
        with pytest.raises(RuntimeError, match="ended without"):
            driving.run_phase(phase, driving.Console(quiet=True), resume=resume)
    assert given[0][-2:] == ["--ckpt_path", str(checkpoint)]
    assert "--ckpt_path" not in given[1]
    assert not phase.folder.exists()


def test_the_time_left_follows_the_pace_of_what_is_done():
    twice = {"data": Cost(2 * TYPICAL_S["data"], 0, 0), "sft": Cost(2 * TYPICAL_S["sft"], 0, 0)}
    assert driving.time_left(twice, ["evaluate-base"]) == f"about 0:{2 * TYPICAL_S['evaluate-base']:02}"

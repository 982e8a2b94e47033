"""The quickstart runs its phases in order, continues a run, and refuses a folder of something else."""

import shutil

import pytest

from cogito_pl.experiments import phases as running
from cogito_pl.experiments.record import OtherRunError
from cogito_pl.quickstart import drive as driving

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
    with pytest.raises(OtherRunError, match=r"other settings .* choose another folder, or delete it"):
        driving.drive(make_settings(**change))


def test_a_folder_with_other_work_is_refused_and_left_alone(ran, make_settings):
    settings = make_settings()
    settings.run.mkdir()
    (settings.run / "thesis.tex").write_text("precious")
    with pytest.raises(OtherRunError, match=r"exists and has no progress\.json"):
        driving.drive(settings)
    assert [file.name for file in settings.run.iterdir()] == ["thesis.tex"]

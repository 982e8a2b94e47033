"""The controls of a quickstart: what they run, and what they are compared with."""

import io
import json

import pytest
from rich.console import Console

from cogito_pl.experiments import phases as running
from cogito_pl.experiments.cost import Cost
from cogito_pl.experiments.record import OtherRunError, Record
from cogito_pl.quickstart import controls as driving
from cogito_pl.quickstart.controls import (
    PILOT_STEPS,
    affordable_steps,
    careful_phases,
    control_outcomes,
    control_settings,
    permuted_phases,
    pilot_phase,
    run_controls,
    shuffled_phases,
)
from cogito_pl.quickstart.settings import CONTROLS
from cogito_pl.quickstart.summary import summarise
from cogito_pl.quickstart.tables import control_rows, control_section, controls_table
from tests.quickstart.records import VERDICTS, answers, record, write_answers


@pytest.mark.parametrize(
    ("budget", "pilot", "step", "steps"), [(50, 12, 0.25, 172), (50, 5, 0.25, 200), (3, 12, 0.25, 1)]
)
def test_careful_sft_gets_as_many_steps_as_the_seconds_of_grpo_buy(budget, pilot, step, steps):
    assert affordable_steps(budget, pilot, step) == steps
    start_up = max(0.0, pilot - PILOT_STEPS * step)
    assert steps == 1 or start_up + steps * step == pytest.approx(budget, abs=step)


def test_every_control_uses_the_data_and_the_model_of_the_run_and_writes_into_its_own_folder(make_settings):
    settings = make_settings()
    for name in CONTROLS:
        control = control_settings(settings, name)
        assert (control.data, control.sft) == (settings.data, settings.sft)
        plan = [*shuffled_phases(control), pilot_phase(control), *careful_phases(control, 7)]
        for phase in [*plan, *permuted_phases(control, settings)]:
            assert settings.run / "controls" / name in phase.artefact.parents


def test_shuffling_changes_nothing_else_about_the_fit(make_settings):
    control = control_settings(make_settings(), "shuffled-rewards")
    fit, _ = shuffled_phases(control)
    bar, shuffled = fit.overlay["trainer"]["callbacks+"]
    assert shuffled == {"class_path": "callbacks.ShuffledRewards"}
    assert "PhaseBar" in bar["class_path"]
    assert fit.overlay["model"]["init_args"]["policy"]["init_from"] == str(control.sft)


def test_careful_sft_starts_from_the_model_and_on_the_problems_of_grpo(make_settings):
    settings = make_settings()
    fit, _ = careful_phases(control_settings(settings, "careful-sft"), 90)
    assert fit.overlay["model"]["init_args"]["policy"]["init_from"] == str(settings.sft)
    assert fit.overlay["data"]["rollouts_per_epoch"] == 90
    assert fit.overlay["trainer"]["max_epochs"] == 1
    assert fit.overlay["data"]["train"][0]["split"] == "train"


@pytest.fixture
def finished(make_settings, monkeypatch):
    """A finished run whose controls pretend to run."""
    settings = make_settings()
    main = Record(settings.run, settings.fingerprint())
    main.finish("grpo", Cost(50, 50, 100), Cost(90, 90, 100))
    write_answers(settings.run, answers())
    for folder in (settings.sft, settings.grpo):
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"weights")
    ran = []

    def pretend(phase, console, *, resume):
        ran.append(phase.name)
        phase.artefact.parent.mkdir(parents=True, exist_ok=True)
        rows = [record(place, verdict) for place, verdict in enumerate(VERDICTS["sft"])]
        phase.artefact.write_text("".join(json.dumps(row) + "\n" for row in rows))

    monkeypatch.setattr(running, "run_phase", pretend)
    monkeypatch.setattr(driving, "step_seconds", lambda _: 0.25)
    verdicts = {record(place, "right")["id"]: "wrong" for place in range(4)}
    monkeypatch.setattr("cogito_pl.quickstart.controls.blind_verdicts", lambda *_: verdicts)
    return settings, main, ran


def test_controls_run_once_and_their_outcomes_are_in_the_summary(finished):
    settings, main, ran = finished
    for _ in range(2):
        run_controls(settings, list(CONTROLS), main, Console(quiet=True))
    careful, permuted = ["pilot", "careful", "evaluate-careful"], ["permuted-data", "evaluate-sft", "evaluate-grpo"]
    assert ran == ["grpo", "evaluate-grpo", *careful, *permuted]
    outcomes = control_outcomes(settings)
    assert list(outcomes) == list(CONTROLS)
    assert outcomes["shuffled-rewards"]["control-sft"]["estimate"] == 0
    assert outcomes["careful-sft"]["grpo-control"]["estimate"] == 0.25
    assert (outcomes["permuted-images"]["blind"], outcomes["permuted-images"]["n"]) == (0, 4)
    rows = control_rows(summarise(answers(), seed=1) | {"controls": outcomes})
    assert len(rows) == 4
    console = Console(record=True, width=200, file=io.StringIO())
    console.print(controls_table({"controls": outcomes}))
    assert "GRPO is +25.0 points" in console.export_text()
    section = control_section({"controls": outcomes})
    assert all(name in section for name in CONTROLS)
    assert section.count("<tr>") == 5
    assert control_section({"controls": {}}) == ""


def test_a_control_of_a_model_that_was_trained_again_is_refused_and_left_out(finished):
    settings, main, _ = finished
    run_controls(settings, ["shuffled-rewards"], main, Console(quiet=True))
    (settings.sft / "model.safetensors").write_bytes(b"other weights")
    assert control_outcomes(settings) == {}
    with pytest.raises(OtherRunError, match="model sft"):
        run_controls(settings, ["shuffled-rewards"], main, Console(quiet=True))


def test_nothing_was_spent_on_controls_that_were_not_asked_for(finished):
    settings, _, ran = finished
    assert control_outcomes(settings) == {}
    assert ran == []

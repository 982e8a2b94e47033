"""Runs the controls that are asked for, each with a record of its own in the run's folder."""

import json
from collections.abc import Sequence
from statistics import fmean

from rich.console import Console

from cogito_pl.quickstart.account import Account
from cogito_pl.quickstart.bar import clock
from cogito_pl.quickstart.controls import phases as plans
from cogito_pl.quickstart.controls.names import CONTROLS
from cogito_pl.quickstart.controls.outcome import (
    careful_outcome,
    outcome_file,
    permuted_outcome,
    shuffled_outcome,
    write_outcome,
)
from cogito_pl.quickstart.cost import spent
from cogito_pl.quickstart.curves import read_curves
from cogito_pl.quickstart.phases import Phase
from cogito_pl.quickstart.record import FILE, Record
from cogito_pl.quickstart.running import run_phases
from cogito_pl.quickstart.settings import Settings, file_digest
from cogito_pl.quickstart.summary import read_answers

WARM_UP = 3
"""First steps of a fit, which cost more than the later ones."""


def run_controls(settings: Settings, names: Sequence[str], record: Record, console: Console) -> None:
    """Runs what is left of the controls `names` of a finished run.

    Args:
        settings: Of the run.
        names: Of `CONTROLS`.
        record: Of the run.
        console: Where progress is shown.

    Raises:
        OtherRunError: A control's folder belongs to other settings, or to a model that was made again since.
        RuntimeError: A phase ended without its artefact.
    """
    answers = read_answers(settings.run)
    for name in names:
        console.print(f"\n[bold blue]Control {name}[/bold blue]: {CONTROLS[name]}", soft_wrap=True)
        control = plans.control_settings(settings, name)
        own = Record(control.run, control.fingerprint() | started_from(settings))
        if name == "shuffled-rewards":
            _run(plans.shuffled_phases(control), control, own, console)
            outcome = shuffled_outcome(settings, answers)
        elif name == "careful-sft":
            pilot = plans.pilot_phase(control)
            _run([pilot], control, own, console)
            grpo = record.phases["grpo"]
            steps = affordable_steps(grpo.cpu_s, own.phases[pilot.name].cpu_s, step_seconds(pilot))
            _run(plans.careful_phases(control, steps), control, own, console)
            outcome = careful_outcome(settings, answers, own.phases["careful"], grpo, steps)
        else:
            _run(plans.permuted_phases(control, settings), control, own, console)
            outcome = permuted_outcome(settings)
        write_outcome(control, outcome)


def control_outcomes(settings: Settings) -> dict[str, dict]:
    """What the finished controls of the run came to, by name; those of models that were made again are left out."""
    outcomes = {}
    for name in CONTROLS:
        control = plans.control_settings(settings, name)
        if outcome_file(control).exists():
            state = json.loads((control.run / FILE).read_text(encoding="utf-8"))
            if started_from(settings).items() <= state["fingerprint"].items():
                outcomes[name] = json.loads(outcome_file(control).read_text(encoding="utf-8"))
    return outcomes


def started_from(settings: Settings) -> dict[str, str]:
    """Digests of the models that the controls are about."""
    models = {"sft": settings.sft, "grpo": settings.grpo}
    return {f"model {name}": file_digest(folder / "model.safetensors") for name, folder in models.items()}


def affordable_steps(budget_s: float, pilot_s: float, step_s: float) -> int:
    """Steps that a fit may take within `budget_s` processor seconds, at least one.

    Args:
        budget_s: What the fit may cost, start-up included.
        pilot_s: What a fit of `PILOT_STEPS` cost, start-up included.
        step_s: What a step costs.
    """
    start_up = max(0.0, pilot_s - plans.PILOT_STEPS * step_s)
    return max(1, round((budget_s - start_up) / step_s))


def step_seconds(fit: Phase) -> float:
    """Processor seconds of an optimiser step, once warm."""
    return fmean(value for _, value in read_curves(fit.folder)["speed/step_cpu_s"][WARM_UP:])


def _run(plan: list[Phase], control: Settings, record: Record, console: Console) -> None:
    account = Account(record, opened=spent())
    run_phases(
        plan, account, console, control.run / "quickstart.log", lambda _: f"{clock(account.total().wall_s)} so far"
    )

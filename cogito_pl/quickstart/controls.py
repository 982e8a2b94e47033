"""Controls of a finished quickstart: what the gain of GRPO is due to. Each has phases and a record of its own."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from rich.console import Console

from cogito_pl.experiments.cost import Cost, clock, spent
from cogito_pl.experiments.graded import difference, interval, read_rows, share
from cogito_pl.experiments.phases import Phase, run_phases
from cogito_pl.experiments.record import FILE, Account, Record
from cogito_pl.files import write_json
from cogito_pl.playground.parts import part_file
from cogito_pl.quickstart.phases import LOG, PLAYGROUND, evaluate_phase, evaluation_folder, fit_phase, grpo_plan
from cogito_pl.quickstart.problems import blind_verdicts
from cogito_pl.quickstart.settings import CONTROLS, Settings
from cogito_pl.quickstart.summary import Answers, read_answers
from cogito_pl.report.curves import read_curves
from cogito_pl.seeds import digest

PILOT_STEPS = 20
"""Optimiser steps of the fit that measures what a step costs."""
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
        OtherRunError: A control's folder belongs to other settings, or to a model that was trained again since.
        RuntimeError: A phase ended without its artefact.
    """
    answers = read_answers(settings.run)
    for name in names:
        console.print(f"\n[bold blue]Control {name}[/bold blue]: {CONTROLS[name]}", soft_wrap=True)
        control = control_settings(settings, name)
        own = Record(control.run, control.fingerprint() | started_from(settings))
        if name == "shuffled-rewards":
            _run(shuffled_phases(control), control, own, console)
            outcome = shuffled_outcome(control, answers)
        elif name == "careful-sft":
            pilot = pilot_phase(control)
            _run([pilot], control, own, console)
            grpo = record.phases["grpo"]
            steps = affordable_steps(grpo.cpu_s, own.phases[pilot.name].cpu_s, step_seconds(pilot))
            _run(careful_phases(control, steps), control, own, console)
            outcome = careful_outcome(control, answers, own.phases["careful"], grpo, steps)
        else:
            _run(permuted_phases(control, settings), control, own, console)
            outcome = permuted_outcome(control)
        write_json(outcome_file(control), outcome)


def control_outcomes(settings: Settings) -> dict[str, dict]:
    """Results of the finished controls of the run, by name, without those of models that were trained again since."""
    outcomes = {}
    for name in CONTROLS:
        control = control_settings(settings, name)
        if outcome_file(control).exists():
            state = json.loads((control.run / FILE).read_text(encoding="utf-8"))
            if started_from(settings).items() <= state["fingerprint"].items():
                outcomes[name] = json.loads(outcome_file(control).read_text(encoding="utf-8"))
    return outcomes


def control_settings(settings: Settings, name: str) -> Settings:
    """Settings of the control `name`, which uses data and SFT model of the run and has a folder in it."""
    return replace(settings, run=settings.run / "controls" / name, parent=settings.run)


def started_from(settings: Settings) -> dict[str, str]:
    """Digests of the models that the controls are about."""
    models = {"sft": settings.sft, "grpo": settings.grpo}
    return {f"model {name}": digest((folder / "model.safetensors").read_bytes()) for name, folder in models.items()}


def outcome_file(control: Settings) -> Path:
    """Where the result of a control is kept."""
    return control.run / "outcome.json"


def shuffled_phases(control: Settings) -> list[Phase]:
    """GRPO with `callbacks.ShuffledRewards`, graded."""
    fit, evaluation = grpo_plan(control).phases
    trainer = fit.overlay["trainer"]
    listed = [*trainer["callbacks+"], {"class_path": "callbacks.ShuffledRewards"}]
    overlay = fit.overlay | {"trainer": trainer | {"callbacks+": listed}}
    return [replace(fit, title="GRPO with shuffled rewards", overlay=overlay), evaluation]


def shuffled_outcome(control: Settings, answers: Answers) -> dict:
    """Accuracy after GRPO on shuffled rewards, and its difference from SFT on the same problems."""
    rows = read_rows(evaluation_folder(control.run, "grpo"))
    return _graded(rows) | {"control-sft": difference(rows, answers["sft"])}


def pilot_phase(control: Settings) -> Phase:
    """A few steps of careful SFT, which measure what one costs."""
    title = f"{PILOT_STEPS} steps of careful SFT, to measure their cost"
    return _careful(control, "pilot", title, PILOT_STEPS, validate=False)


def careful_phases(control: Settings, steps: int) -> list[Phase]:
    """That many steps of SFT on careful solutions from the model that GRPO starts from, graded."""
    fit = _careful(control, "careful", f"Careful SFT: {steps:,} steps cost what GRPO cost", steps, validate=True)
    title = f"Evaluate careful SFT on {control.n_test:,} new problems"
    return [fit, evaluate_phase(control, "careful", title, fit.folder / "export", control.data)]


def _careful(control: Settings, name: str, title: str, steps: int, *, validate: bool) -> Phase:
    """An SFT fit on the part `train`, of which all solutions are careful ones."""
    fit = fit_phase(control, name, title, "sft", control.sft, "train")
    trainer = fit.overlay["trainer"] | {"max_epochs": 1} | ({} if validate else {"limit_val_batches": 0})
    data = fit.overlay["data"] | {"rollouts_per_epoch": steps}
    return replace(fit, overlay=fit.overlay | {"trainer": trainer, "data": data})


def affordable_steps(budget_s: float, pilot_s: float, step_s: float) -> int:
    """Steps that a fit may take within `budget_s` processor seconds, at least one.

    Args:
        budget_s: What the fit may cost, start-up included.
        pilot_s: What a fit of `PILOT_STEPS` cost, start-up included.
        step_s: What a step costs.
    """
    start_up = max(0.0, pilot_s - PILOT_STEPS * step_s)
    return max(1, round((budget_s - start_up) / step_s))


def step_seconds(fit: Phase) -> float:
    """Processor seconds of an optimiser step after the first few."""
    return fmean(value for _, value in read_curves(fit.folder)["speed/step_cpu_s"][WARM_UP:])


def careful_outcome(control: Settings, answers: Answers, cost: Cost, grpo_cost: Cost, steps: int) -> dict:
    """Accuracy after careful SFT, the difference of GRPO from it, and what both cost."""
    rows = read_rows(evaluation_folder(control.run, "careful"))
    return _graded(rows) | {
        "grpo-control": difference(answers["grpo"], rows),
        "steps": steps,
        "cpu_s": round(cost.cpu_s, 1),
        "grpo_cpu_s": round(grpo_cost.cpu_s, 1),
    }


def permuted_phases(control: Settings, settings: Settings) -> list[Phase]:
    """Draws the test problems of the run again with images permuted, and grades SFT and GRPO on them."""
    folder = control.run / "data"
    options = ("--count", str(control.n_test), "--seed", str(control.seed), "--permute-images")
    data = Phase(
        name="permuted-data",
        title="Data: test problems with images permuted",
        program=PLAYGROUND,
        commands=(("write", "--out", str(folder), "--part", "test", *options),),
        folder=folder,
        artefact=part_file(folder, "test"),
        overlay={},
    )
    models = {"sft": ("SFT", settings.sft), "grpo": ("GRPO", settings.grpo)}
    return [data] + [
        evaluate_phase(control, model, f"Evaluate {title} on permuted images", start, folder)
        for model, (title, start) in models.items()
    ]


def permuted_outcome(control: Settings) -> dict:
    """Accuracy on permuted images, that of the blind guess, and the difference of the models from it."""
    blind = blind_verdicts(part_file(control.data, "train"), part_file(control.run / "data", "test"))
    result: dict = {}
    for model in ("sft", "grpo"):
        rows = read_rows(evaluation_folder(control.run, model))
        guesses = [{"verdict": blind[row["id"]]} for row in rows]
        result["blind"] = share(guesses)
        result["n"] = len(rows)
        result[model] = share(rows)
        result[f"{model}-blind"] = difference(rows, guesses)
    return result


def _graded(rows: list[dict]) -> dict:
    return {"accuracy": share(rows), "accuracy_ci": interval(rows)}


def _run(phases: list[Phase], control: Settings, record: Record, console: Console) -> None:
    account = Account(record, opened=spent())
    run_phases(phases, account, console, control.run / LOG, lambda _: f"{clock(account.total().wall_s)} so far")

"""The phases of the controls: variations of the quickstart's own."""

from dataclasses import replace
from pathlib import Path

from cogito_pl.playground.parts import part_file
from cogito_pl.quickstart.phases import PLAYGROUND, Phase, branch_phases, evaluate_phase, fit_phase
from cogito_pl.quickstart.settings import Settings

PILOT_STEPS = 20
"""Optimiser steps that tell what one costs."""


def control_settings(settings: Settings, name: str) -> Settings:
    """Settings of the control `name`, which branches off the run and has a folder in it."""
    return replace(settings, run=settings.run / "controls" / name, trunk=settings.run)


def shuffled_phases(control: Settings) -> list[Phase]:
    """GRPO with `callbacks.ShuffledRewards`, graded."""
    fit, evaluation = branch_phases(control)
    trainer = fit.overlay["trainer"]
    listed = [*trainer["callbacks+"], {"class_path": "callbacks.ShuffledRewards"}]
    overlay = fit.overlay | {"trainer": trainer | {"callbacks+": listed}}
    return [replace(fit, title="GRPO with shuffled rewards", overlay=overlay), evaluation]


def pilot_phase(control: Settings) -> Phase:
    """A few steps of careful imitation, to learn what one costs."""
    title = f"{PILOT_STEPS} steps of careful SFT, to learn their cost"
    return _careful(control, "pilot", title, PILOT_STEPS, validate=False)


def careful_phases(control: Settings, steps: int) -> list[Phase]:
    """So many steps of careful imitation from the model that GRPO starts from, graded."""
    fit = _careful(control, "careful", f"Careful SFT: {steps:,} steps cost what GRPO cost", steps, validate=True)
    title = f"Evaluate careful SFT on {control.n_test:,} new problems"
    return [fit, evaluate_phase(control, "careful", title, fit.folder / "export", control.data)]


def permuted_phases(control: Settings, trunk: Settings) -> list[Phase]:
    """Draws the test problems again with images exchanged, and grades SFT and GRPO on them."""
    folder = control.run / "data"
    options = ("--count", str(control.n_test), "--seed", str(control.seed), "--permute-images")
    data = Phase(
        name="permuted-data",
        title="Data: test problems with pictures exchanged",
        program=PLAYGROUND,
        commands=(("write", "--out", str(folder), "--part", "test", *options),),
        folder=folder,
        artefact=permuted_file(control),
        overlay={},
    )
    models = {"sft": ("SFT", trunk.sft), "grpo": ("GRPO", trunk.grpo)}
    return [data] + [
        evaluate_phase(control, model, f"Evaluate {title} on exchanged pictures", start, folder)
        for model, (title, start) in models.items()
    ]


def permuted_file(control: Settings) -> Path:
    """Where the problems with exchanged images are."""
    return part_file(control.run / "data", "test")


def _careful(control: Settings, name: str, title: str, steps: int, *, validate: bool) -> Phase:
    """All solutions of the part `train` are careful ones."""
    fit = fit_phase(control, name, title, "sft", control.sft, "train")
    trainer = fit.overlay["trainer"] | {"max_epochs": 1} | ({} if validate else {"limit_val_batches": 0})
    data = fit.overlay["data"] | {"rollouts_per_epoch": steps}
    return replace(fit, overlay=fit.overlay | {"trainer": trainer, "data": data})

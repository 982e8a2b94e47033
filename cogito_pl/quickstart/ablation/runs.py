"""The runs of an ablation: per seed a trunk, the scores of its data where an arm needs them, and one run per arm.

Knows folders and records.
"""

import shutil
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import torch

from cogito_pl.quickstart.ablation.arms import Ablation
from cogito_pl.quickstart.phases import Phase, branch_phases, score_phase, trunk_phases
from cogito_pl.quickstart.record import Cost, OtherRunError, Record
from cogito_pl.quickstart.settings import Settings


@dataclass(kw_only=True)
class Run:
    """One run of an ablation.

    Args:
        arm: Name of its arm; null for a trunk and for scores.
        settings: What it is run with.
        plan: Its phases.
        record: What of them is done.
        failed: Why it ended without a result in this start; empty where it did not.
    """

    arm: str | None
    settings: Settings
    plan: list[Phase]
    record: Record
    failed: str = ""

    @property
    def title(self) -> str:
        """What it is called in the terminal."""
        shared = "scores of the data" if self.settings.scored else "start of all arms"
        return f"{f'arm {self.arm}' if self.arm else shared}, seed {self.settings.seed}"

    def to_do(self) -> list[str]:
        """Names of the phases that are left: a phase whose result is lost, and all that follow it."""
        done = [self.record.finished(phase.name) and phase.artefact.exists() for phase in self.plan]
        first = done.index(False) if False in done else len(done)
        return [phase.name for phase in self.plan[first:]]

    def folder_of(self, name: str) -> Path:
        """Where the results of its phase `name` are."""
        return next(phase.folder for phase in self.plan if phase.name == name)

    @property
    def fits(self) -> list[Phase]:
        """The phases in which it learns what its arm has of its own."""
        return [phase for phase in self.plan if phase.name in ("imitate", "grpo")]

    @property
    def cost(self) -> Cost:
        """What its fits cost together; `starts` are those of the fit that took the most."""
        costs = [self.record.phases[phase.name] for phase in self.fits]
        return replace(reduce(Cost.plus, costs), starts=max(cost.starts for cost in costs))

    def updates(self) -> dict[str, int | None]:
        """Optimiser steps that each fit really took, by its last checkpoint; null where that cannot be told."""
        return {phase.name: steps_taken(phase.checkpoint()) for phase in self.fits}


def steps_taken(checkpoint: Path | None) -> int | None:
    """Optimiser steps before a checkpoint; null where there is none, or none in one file."""
    if checkpoint is None or not checkpoint.is_file():
        return None
    state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    return state["global_step"]


def open_runs(ablation: Ablation, *, scored: bool) -> list[Run]:
    """All runs in the order in which they are made, with what earlier starts left of them.

    Args:
        ablation: What was asked for.
        scored: Whether the data of each seed are scored.

    Raises:
        OtherRunError: A folder holds a run with other settings.
    """
    runs = []
    for seed in ablation.seeds:
        trunk = ablation.trunk(seed)
        runs.append(_open(None, trunk, trunk_phases(trunk), ("sft", "evaluate")))
        if scored:
            scoring = ablation.scoring(seed)
            runs.append(_open(None, scoring, [score_phase(scoring)], ("score",)))
        for arm in ablation.arms:
            branch = ablation.branch(arm, seed)
            recipes = (*(["sft"] if branch.imitates else []), "grpo", "evaluate")
            runs.append(_open(arm.name, branch, branch_phases(branch), recipes))
    return runs


def _open(arm: str | None, settings: Settings, plan: list[Phase], configs: tuple[str, ...]) -> Run:
    try:
        record = Record(settings.run, settings.fingerprint(configs))
    except OtherRunError as error:
        remedy = ", or give the arm another name: --with NAME=FILE" if arm else ""
        raise OtherRunError(f"{error}{remedy}") from error
    return Run(arm=arm, settings=settings, plan=plan, record=record)


def forget_branches(trunk: Run, runs: list[Run]) -> None:
    """Removes what branched off a trunk whose data or model are yet to be made, also of arms that are not in `runs`."""
    if trunk.to_do() in ([], ["evaluate-sft"]):
        return
    for folder in (trunk.settings.run / "arms", trunk.settings.run / "scoring", trunk.settings.scores.parent):
        shutil.rmtree(folder, ignore_errors=True)
    for run in runs:
        if run.settings.trunk == trunk.settings.run:
            run.record.restart()

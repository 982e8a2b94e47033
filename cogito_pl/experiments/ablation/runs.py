"""The runs of an ablation: per seed a start, the scores of its data where an arm needs them, and one run per arm."""

import shutil
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import torch

from cogito_pl.experiments.ablation.arms import Ablation
from cogito_pl.experiments.cost import Cost
from cogito_pl.experiments.phases import Phase, Plan, to_do
from cogito_pl.experiments.record import OtherRunError, Record


@dataclass(kw_only=True)
class Run:
    """One run of an ablation.

    Args:
        title: What it is called in the terminal.
        seed: Its seed.
        plan: What is run.
        record: Which phases are done, and what they cost.
        start: The run whose data and model it uses; null for a start.
        arm: Name of its arm; null for a start and for scores.
        failed: Why it ended without a result since the command was started; empty where it did not.
    """

    title: str
    seed: int
    plan: Plan
    record: Record
    start: "Run | None" = None
    arm: str | None = None
    failed: str = ""

    def to_do(self) -> list[str]:
        """Names of the phases that are left."""
        return to_do(self.plan.phases, self.record)

    @property
    def fits(self) -> tuple[Phase, ...]:
        """The phases of an arm that train."""
        return self.plan.phases[:-1]

    @property
    def evaluation(self) -> Phase:
        """The phase that grades the model."""
        return self.plan.phases[-1]

    @property
    def cost(self) -> Cost:
        """What its fits cost together; `starts` are those of the fit that was started most often."""
        costs = [self.record.phases[phase.name] for phase in self.fits]
        return replace(reduce(Cost.plus, costs), starts=max(cost.starts for cost in costs))

    def updates(self) -> dict[str, int | None]:
        """Optimiser steps that each fit took, by its last checkpoint; null where that cannot be told."""
        return {phase.name: steps_taken(phase.checkpoint()) for phase in self.fits}


def steps_taken(checkpoint: Path | None) -> int | None:
    """Optimiser steps before a checkpoint; null where there is none, or where it is a folder of shards."""
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
        plan = ablation.start(seed)
        start = Run(title=f"start of all arms, seed {seed}", seed=seed, plan=plan, record=opened(plan))
        runs.append(start)
        if scored:
            plan = ablation.scoring(seed)
            title = f"scores of the data, seed {seed}"
            runs.append(Run(title=title, seed=seed, plan=plan, record=opened(plan), start=start))
        for arm in ablation.arms:
            plan = ablation.arm(arm, seed)
            record = opened(plan, ", or give the arm another name: --with NAME=FILE")
            title = f"arm {arm.name}, seed {seed}"
            runs.append(Run(title=title, seed=seed, plan=plan, record=record, start=start, arm=arm.name))
    return runs


def opened(plan: Plan, remedy: str = "") -> Record:
    """The record of a run. Raises OtherRunError, with a further `remedy`, where its folder holds another run."""
    try:
        return Record(plan.folder, plan.fingerprint)
    except OtherRunError as error:
        raise OtherRunError(f"{error}{remedy}") from error


def discard_dependents(start: Run, runs: list[Run], scores: Path | None) -> None:
    """Removes the arms and scores of a start whose data or model must be made again, also of arms not in `runs`.

    Args:
        start: Of a seed.
        runs: Of the ablation.
        scores: File of the scores of the start's data, where there are any.
    """
    if start.to_do() in ([], [start.evaluation.name]):
        return
    for folder in (start.plan.folder / "arms", start.plan.folder / "scoring", *([scores.parent] if scores else [])):
        shutil.rmtree(folder, ignore_errors=True)
    for run in runs:
        if run.start is start:
            run.record.restart()

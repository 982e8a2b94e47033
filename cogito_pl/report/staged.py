"""What each stage of a run did to problems with and without images, by the completions of its validations."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any

START = "start"
"""The stage of a validation before the first optimiser step."""


@dataclass(frozen=True, kw_only=True)
class Validated:
    """The completions of one validation to problems of one modality.

    Args:
        step: Optimiser step of the run.
        stage: The stage that was under way; `START` before the first step.
        modality: `image` or `text`.
        completions: How many.
        accuracy: Share of correct ones.
        tokens: Their mean length.
    """

    step: int
    stage: str
    modality: str
    completions: int
    accuracy: float
    tokens: float


def modality(row: Mapping[str, Any]) -> str:
    """Whether the problem of a recorded completion has an image."""
    return "image" if row["images"] else "text"


def validated(rows: Iterable[Mapping[str, Any]]) -> list[Validated]:
    """Every validation of a run by modality, in the order of steps.

    Args:
        rows: Lines of `validation.rank*.jsonl`, which `callbacks.RolloutTable` writes.
    """
    groups: dict[tuple[int, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["step"], modality(row)].append(row)
    return [
        Validated(
            step=step,
            stage=group[0]["stage"] if step else START,
            modality=name,
            completions=len(group),
            accuracy=fmean(row["verdict"] == "right" for row in group),
            tokens=fmean(row["tokens"] for row in group),
        )
        for (step, name), group in sorted(groups.items())
    ]


def changes(found: Sequence[Validated], value: str = "accuracy") -> dict[tuple[str, str], tuple[float, float]]:
    """By stage and modality, the value before the stage and at its last validation.

    Args:
        found: As `validated` has it.
        value: `accuracy` or `tokens`.
    """
    last: dict[str, dict[str, Validated]] = {}
    for one in found:
        last.setdefault(one.stage, {})[one.modality] = one
    stages = list(last)
    return {
        (stage, name): (getattr(last[before][name], value), getattr(last[stage][name], value))
        for before, stage in pairwise(stages)
        for name in sorted(last[before].keys() & last[stage].keys())
    }

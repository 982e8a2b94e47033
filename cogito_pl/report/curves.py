"""Training curves from TensorBoard files."""

from pathlib import Path
from statistics import median

Curve = list[tuple[int, float]]
"""Pairs of optimiser step and value, by step."""


def read_curves(folder: Path) -> dict[str, Curve]:
    """Reads every scalar in `folder`; where a resumed run logged a step twice, the later value counts."""
    from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={SCALARS: 0})
    events.Reload()
    curves = {}
    for tag in events.Tags()[SCALARS]:
        values = {event.step: event.value for event in sorted(events.Scalars(tag), key=lambda event: event.wall_time)}
        curves[tag] = sorted(values.items())
    return curves


def smoothed(curve: Curve, share: float = 0.1) -> Curve:
    """Centred running mean over a `share` of the points, at least three; the window shrinks at both ends."""
    half = max(3, round(len(curve) * share)) // 2
    out = []
    for index, (step, _) in enumerate(curve):
        reach = min(half, index, len(curve) - 1 - index)
        window = [value for _, value in curve[index - reach : index + reach + 1]]
        out.append((step, sum(window) / len(window)))
    return out


def shifted(curve: Curve, steps: int) -> Curve:
    """The curve moved by `steps`."""
    return [(step + steps, value) for step, value in curve]


def middle(curve: Curve | None) -> float | None:
    """Median of the values; None where there are none."""
    return median(value for _, value in curve) if curve else None

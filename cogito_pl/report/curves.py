"""Training curves from TensorBoard files."""

import struct
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from statistics import fmean, median

Curve = list[tuple[int, float]]
"""Pairs of optimiser step and value, by step."""
HEAD = struct.Struct("<Q4x")
"""Before an event: its length, and a checksum of the length."""
TAIL = 4
"""Bytes of the checksum behind an event."""
MOST_POINTS = 500
"""Longer curves are drawn as means over neighbours."""


def read_curves(folder: Path) -> dict[str, Curve]:
    """Reads every scalar in `folder`; where a resumed run logged a step twice, the later value counts.

    An event that is cut off, as in the file of a running or killed run, ends its file.
    """
    found: dict[str, dict[int, tuple[float, float]]] = {}
    for file in sorted(folder.glob("events.out.tfevents.*")):
        for event in events(file.read_bytes()):
            for value in event.summary.value:
                if value.WhichOneof("value") == "simple_value":
                    steps = found.setdefault(value.tag, {})
                    if event.step not in steps or steps[event.step][0] <= event.wall_time:
                        steps[event.step] = (event.wall_time, value.simple_value)
    return {tag: [(step, value) for step, (_, value) in sorted(steps.items())] for tag, steps in found.items()}


def events(data: bytes) -> Iterator["Event"]:  # noqa: F821  imported below
    """The whole events of a TensorBoard file, in order."""
    from tensorboard.compat.proto.event_pb2 import Event

    start = 0
    while start + HEAD.size <= len(data):
        (length,) = HEAD.unpack_from(data, start)
        first = start + HEAD.size
        start = first + length + TAIL
        if start > len(data):
            return
        yield Event.FromString(data[first : first + length])


def smoothed(curve: Curve, share: float = 0.1) -> Curve:
    """Centred running mean over a `share` of the points, at least three; the window shrinks at both ends."""
    half = max(3, round(len(curve) * share)) // 2
    sums = list(accumulate((value for _, value in curve), initial=0.0))
    out = []
    for index, (step, _) in enumerate(curve):
        reach = min(half, index, len(curve) - 1 - index)
        out.append((step, (sums[index + reach + 1] - sums[index - reach]) / (2 * reach + 1)))
    return out


def thinned(curve: Curve, most: int = MOST_POINTS) -> Sequence[tuple[float, float]]:
    """The curve, or the means over equally many neighbours where it has more than `most` points."""
    if len(curve) <= most:
        return curve
    size = -(-len(curve) // most)
    parts = [curve[first : first + size] for first in range(0, len(curve), size)]
    return [(fmean(step for step, _ in part), fmean(value for _, value in part)) for part in parts]


def shifted(curve: Curve, steps: int) -> Curve:
    """The curve moved by `steps`."""
    return [(step + steps, value) for step, value in curve]


def middle(curve: Curve | None) -> float | None:
    """Median of the values; None where there are none."""
    return median(value for _, value in curve) if curve else None

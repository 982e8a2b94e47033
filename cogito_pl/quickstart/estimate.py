"""How long what is left will take, from how long finished phases took. Knows names and seconds."""

from collections.abc import Sequence
from statistics import fmean

from cogito_pl.quickstart.phases import TYPICAL_S


def seconds_left(done: Sequence[tuple[str, float]], to_do: Sequence[str]) -> float:
    """Seconds that the phases `to_do` will take.

    A phase is expected to take as long as those of its name did; one that has not run yet takes its typical time, at
    the pace of what has.

    Args:
        done: Name and seconds of every finished phase.
        to_do: Names of the phases that are left.
    """
    typical = sum(TYPICAL_S[name] for name, _ in done)
    pace = sum(seconds for _, seconds in done) / typical if done else 1.0
    measured: dict[str, list[float]] = {}
    for name, seconds in done:
        measured.setdefault(name, []).append(seconds)
    return sum(fmean(measured[name]) if name in measured else pace * TYPICAL_S[name] for name in to_do)

"""What a run costs in seconds, processor seconds and memory, and how long the rest of it will take."""

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import psutil


@dataclass(frozen=True)
class Cost:
    """What was spent.

    Args:
        wall_s: Seconds.
        cpu_s: Processor seconds, of this process and of those it started.
        peak_mib: Peak resident memory of one process, in MiB.
        starts: Number of starts, more than one where a run was stopped and continued.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float
    starts: int = 1

    def plus(self, other: "Cost") -> "Cost":
        """Both, one after the other."""
        return Cost(
            self.wall_s + other.wall_s,
            self.cpu_s + other.cpu_s,
            max(self.peak_mib, other.peak_mib),
            self.starts + other.starts,
        )

    def since(self, earlier: "Cost") -> "Cost":
        """What this process spent after `earlier`."""
        return Cost(self.wall_s - earlier.wall_s, self.cpu_s - earlier.cpu_s, self.peak_mib, self.starts)


NOTHING = Cost(0.0, 0.0, 0.0, 0)
"""The cost of a run before its first start."""


def spent() -> Cost:
    """Cost of this process since it started, imports included; child processes count once they have ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(
        wall_s=time.time() - psutil.Process().create_time(),
        cpu_s=own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime,
        peak_mib=max(own.ru_maxrss, children.ru_maxrss) / 1024,
    )


def seconds_left(done: Sequence[tuple[str, float]], to_do: Sequence[str], typical: Mapping[str, float]) -> float:
    """Estimates the seconds that the phases `to_do` will take.

    A phase is expected to take the mean time of the finished phases of its name. One whose name has not run yet takes
    its typical time, scaled by how the finished phases compare with theirs.

    Args:
        done: Name and seconds of every finished phase.
        to_do: Names of the phases that are left.
        typical: Seconds that each phase takes on some machine, by name; only their ratios matter.
    """
    expected = sum(typical[name] for name, _ in done)
    pace = sum(seconds for _, seconds in done) / expected if done else 1.0
    measured: dict[str, list[float]] = {}
    for name, seconds in done:
        measured.setdefault(name, []).append(seconds)
    return sum(fmean(measured[name]) if name in measured else pace * typical[name] for name in to_do)


def clock(seconds: float) -> str:
    """Seconds as `m:ss`, or `h:mm:ss` from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"

"""What this process has spent so far, the processes it started included."""

import resource
import time

import psutil

from cogito_pl.quickstart.record import Cost


def spent() -> Cost:
    """Cost since the process started: its imports count, child processes count once they have ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(
        wall_s=time.time() - psutil.Process().create_time(),
        cpu_s=own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime,
        peak_mib=max(own.ru_maxrss, children.ru_maxrss) / 1024,
    )

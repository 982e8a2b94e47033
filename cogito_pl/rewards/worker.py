"""One grading process, and the handle that its parent holds. Knows one request at a time; nothing of queues."""

import contextlib
import multiprocessing
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from types import ModuleType
from typing import NamedTuple

from cogito_pl.rewards.grade import Grade, grade

START_UP_S = 60.0
"""Seconds that a process may take until it is ready."""

_START = threading.Lock()


class GradeRequest(NamedTuple):
    """The arguments of `grade`."""

    response: str
    gold: str
    kind: str
    choices: tuple[str, ...] = ()


Grader = Callable[[str, str, str, Sequence[str]], Grade]


def serve(pipe: Connection, grader: Grader) -> None:
    """What a worker does: says that it is ready, then answers requests until its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        if grader is grade:
            grade("1+x", "x+1", "math")  # imports sympy now, so that no deadline pays for it
        pipe.send("ready")
        while True:
            request = pipe.recv()
            try:
                verdict: Grade | Exception = grader(*request)
            except Exception as error:  # handed to the parent, which raises it
                verdict = error
            pipe.send(verdict)


@contextlib.contextmanager
def _unnamed_main() -> Iterator[None]:
    """Spawning then does not import the user's script again: that costs, loops when unguarded, fails in notebooks."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class Worker:
    """A process, its pipe, and the one request that it holds."""

    def __init__(self, grader: Grader) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, grader), daemon=True, name="cogito-grader")
        with _START, _unnamed_main():
            self.process.start()
        theirs.close()
        self.ready = False
        self.request: GradeRequest | None = None
        self.until = time.monotonic() + START_UP_S

    def give(self, request: GradeRequest, deadline_s: float) -> None:
        """Hands over a request and starts its clock."""
        self.request, self.until = request, time.monotonic() + deadline_s
        with contextlib.suppress(OSError):  # a dead worker shows when its pipe is read
            self.pipe.send(request)

    def kill(self) -> None:
        """Ends the process, whatever it is doing, and waits until it is gone."""
        self.process.kill()
        self.process.join()
        self.pipe.close()

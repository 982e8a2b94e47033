"""A grading process that answers one request at a time, and the handle that its parent holds."""

import atexit
import contextlib
import multiprocessing
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from types import ModuleType
from typing import NamedTuple

from cogito_pl.rewards.verifier.grade import Grade
from cogito_pl.rewards.verifier.options import STANDARD, GradeOptions

START_UP_S = 60.0
"""Seconds that a process may take until it is ready."""

_START = threading.Lock()


class GradeRequest(NamedTuple):
    """A response to grade: arguments of `grade`."""

    response: str
    gold: str
    kind: str
    choices: tuple[str, ...] = ()
    options: GradeOptions = STANDARD


Grader = Callable[[str, str, str, Sequence[str], GradeOptions], Grade]
"""Grades a response: called with the fields of a `GradeRequest`. A worker imports or unpickles it."""


def serve(pipe: Connection, grader: Grader, deadline_s: float) -> None:
    """Runs in the worker: says that it is ready, then answers requests until its parent is gone.

    A parent that was killed cannot keep the clock, so a request may take twice its deadline of the processor's time;
    then the kernel ends the process, even inside one long multiplication.
    """
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        with contextlib.suppress(Exception):
            grader(r"<answer>\boxed{1+x}</answer>", "x+1", "math", (), STANDARD)  # no deadline pays for what it imports
        pipe.send("ready")
        while True:
            request = pipe.recv()
            signal.setitimer(signal.ITIMER_PROF, 2 * deadline_s)
            try:
                verdict: Grade | Exception = grader(*request)
            except Exception as error:  # handed to the parent, which raises it
                verdict = error
            signal.setitimer(signal.ITIMER_PROF, 0)
            pipe.send(verdict)


@contextlib.contextmanager
def _unnamed_main() -> Iterator[None]:
    """Keeps spawned processes from importing the user's script: slow, a loop when unguarded, fails in notebooks."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Blocks SIGINT and SIGTERM in a process that is started here, even while it imports; its parent handles them.

    Both reach every process of a group or of a cluster's job, and the parent still grades until it has saved.
    """
    resource_tracker.ensure_running()  # it changes the mask too, when spawning starts it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Worker:
    """A process, its pipe, and the one request that it holds."""

    def __init__(self, grader: Grader, deadline_s: float) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        arguments = (theirs, grader, deadline_s)
        self.process = context.Process(target=serve, args=arguments, daemon=True, name="cogito-grader")
        with _START, _unnamed_main(), _without_interrupts():
            self.process.start()
        atexit.register(self.kill)  # before multiprocessing would end it by SIGTERM and wait
        theirs.close()
        self.ready, self.deadline_s = False, deadline_s
        self.request: GradeRequest | None = None
        self.until = time.monotonic() + START_UP_S

    def give(self, request: GradeRequest) -> None:
        """Sends a request and starts its clock."""
        self.request, self.until = request, time.monotonic() + self.deadline_s
        with contextlib.suppress(OSError):  # a dead worker shows when its pipe is read
            self.pipe.send(request)

    def kill(self) -> None:
        """Ends the process, whatever it is doing, and waits until it is gone."""
        atexit.unregister(self.kill)
        self.process.kill()
        self.process.join()
        self.pipe.close()

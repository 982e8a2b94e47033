"""SIGINT and SIGTERM: noted when they come, acted upon where a run can be resumed from."""

import os
import signal
import threading
import time
from copy import deepcopy
from types import FrameType
from typing import Any

import lightning.pytorch as L
import torch

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(SystemExit):
    """Ends an interrupted run, with the exit status of the signal: 130 or 143."""


class Interruption:
    """Notes the first signal, and when its time of grace is over. A second signal ends the process at once.

    Args:
        grace: Seconds that a run may take to reach a point that it resumes from exactly.
    """

    def __init__(self, grace: float) -> None:
        if not 0 <= grace < float("inf"):
            raise ValueError(f"RunCheckpoint.grace={grace} is no duration; choose 0 or more seconds")
        self.grace, self.signal, self.deadline = grace, 0, float("inf")
        self.held = True
        """Whether the process must not be left in the middle of what it does: an optimiser step, a save."""
        self._before: dict[int, object] = {}

    def watch(self, *, alarm: bool) -> None:
        """Takes over the signals, in a main thread. With `alarm`, `Interrupted` is raised wherever grace ends."""
        if threading.current_thread() is not threading.main_thread():
            return
        handlers = dict.fromkeys(SIGNALS, self._note) | ({signal.SIGALRM: self._alarm} if alarm else {})
        for number, handler in handlers.items():
            if signal.getsignal(number) != signal.SIG_IGN:  # a job in the background ignores Ctrl-C
                self._before[number] = signal.signal(number, handler)

    def end(self) -> None:
        """Gives the signals back."""
        if signal.SIGALRM in self._before and self.signal:
            signal.setitimer(signal.ITIMER_REAL, 0)
        while self._before:
            signal.signal(*self._before.popitem())

    def agreed(self, trainer: L.Trainer) -> tuple[int, bool]:
        """The signal that some rank got, 0 for none, and whether its grace is over on some rank. Collective."""
        over = time.monotonic() >= self.deadline
        if trainer.world_size == 1:
            return self.signal, over
        noted = torch.tensor([self.signal, over], device=trainer.strategy.root_device)
        number, over = trainer.strategy.reduce(noted, reduce_op="max").tolist()
        return int(number), bool(over)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal:
            os._exit(128 + number)
        self.signal, self.deadline = number, time.monotonic() + self.grace
        name = signal.Signals(number).name
        text = f"\n{name}: saving after the rollout under way, or in {self.grace:g} s; a second signal ends at once\n"
        os.write(2, text.encode())
        if signal.SIGALRM in self._before:
            signal.setitimer(signal.ITIMER_REAL, max(self.grace, 1e-3))

    def _alarm(self, number: int, frame: FrameType | None) -> None:
        if not self.held:
            raise Interrupted(128 + self.signal)
        signal.setitimer(signal.ITIMER_REAL, 0.1)  # again, when what must not be cut is over


def exit_status(trainer: L.Trainer, number: int) -> int:
    """The status of a process that a signal ended; 0 for those that Lightning started, or it kills the first one."""
    environment = getattr(trainer.strategy, "cluster_environment", None)
    started_here = environment is not None and not environment.creates_processes_externally
    return 0 if started_here and trainer.global_rank else 128 + number


def state_besides_weights(trainer: L.Trainer) -> dict[str, Any]:
    """The part of a checkpoint that the next rollout or validation changes: loops, callbacks, draws."""
    callbacks = {callback.state_key: callback.state_dict() for callback in trainer.callbacks}
    state = {
        "epoch": trainer.current_epoch,
        "loops": {"fit_loop": trainer.fit_loop.state_dict()},
        "callbacks": {key: state for key, state in callbacks.items() if state},
        type(trainer.datamodule).__qualname__: trainer.datamodule.state_dict(),
    }
    return deepcopy(state)

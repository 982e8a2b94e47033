"""`progress.json` in the folder of a run: its fingerprint, which phases are done, and what each of them cost."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread

from cogito_pl.experiments.cost import NOTHING, Cost, spent
from cogito_pl.files import write_json

FILE = "progress.json"
SAVE_EVERY_S = 5.0
"""Seconds between two saves of the cost of a running phase: at most so much of it is lost by a kill."""


class OtherRunError(ValueError):
    """The folder holds something other than the run that is asked for."""


class Record:
    """The state of a run, on disk after every change.

    Args:
        run: Folder of the run; created when missing.
        fingerprint: What must be equal for the run to be continued.

    Raises:
        OtherRunError: The folder holds a run with another fingerprint, or files that no run wrote.
    """

    def __init__(self, run: Path, fingerprint: dict[str, object]) -> None:
        self.path = run.absolute() / FILE  # saved by a thread, while the parser may have gone to a recipe's folder
        self.phases: dict[str, Cost] = {}
        self.begun: dict[str, Cost] = {}
        self.spent = NOTHING
        self.fingerprint = fingerprint
        if self.path.exists():
            self._load(run)
        elif run.exists() and (not run.is_dir() or any(run.iterdir())):
            raise OtherRunError(f"{run} exists and has no {FILE} of an earlier start; choose another folder")
        run.mkdir(parents=True, exist_ok=True)
        self.save()

    def finished(self, phase: str) -> bool:
        """Whether `phase` has run to its end."""
        return phase in self.phases

    def reopen(self, phases: list[str]) -> None:
        """Marks `phases` as not done."""
        self.phases = {name: cost for name, cost in self.phases.items() if name not in phases}
        self.save()

    def restart(self) -> None:
        """Marks all phases as not done and the cost as zero."""
        self.phases, self.begun, self.spent = {}, {}, NOTHING
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.save()

    def begin(self, phase: str) -> Cost:
        """Marks `phase` as the one in progress and returns what earlier starts that did not finish it spent on it."""
        self.begun = {phase: self.begun.get(phase, NOTHING)}
        return self.begun[phase]

    def note(self, phase: str, cost: Cost, spent: Cost) -> None:
        """Saves what `phase`, which is in progress, and the whole run have cost so far."""
        self.begun, self.spent = {phase: cost}, spent
        self.save()

    def finish(self, phase: str, cost: Cost, spent: Cost) -> None:
        """Marks `phase` as done; `spent` is the cost of the whole run so far."""
        self.phases[phase], self.begun, self.spent = cost, {}, spent
        self.save()

    def save(self) -> None:
        """Writes the file, whole or not at all."""
        state = {
            "fingerprint": self.fingerprint,
            "phases": {name: asdict(cost) for name, cost in self.phases.items()},
            "begun": {name: asdict(cost) for name, cost in self.begun.items()},
            "spent": asdict(self.spent),
        }
        write_json(self.path, state)

    def _load(self, run: Path) -> None:
        state = json.loads(self.path.read_text(encoding="utf-8"))
        found = state["fingerprint"]
        if differing := [key for key in self.fingerprint if found.get(key) != self.fingerprint[key]]:
            details = "; ".join(f"{key} was {found.get(key)} and is now {self.fingerprint[key]}" for key in differing)
            raise OtherRunError(
                f"{run} holds a run with other settings ({details}); choose another folder, or delete it"
            )
        self.phases = {name: Cost(**cost) for name, cost in state["phases"].items()}
        self.begun = {name: Cost(**cost) for name, cost in state.get("begun", {}).items()}
        self.spent = Cost(**state["spent"])


class Account:
    """Adds up the cost of a run over all of its starts and keeps its record up to date.

    Args:
        record: Of the run.
        opened: What the process had spent when this start of the run began; zero where its start-up counts.
    """

    def __init__(self, record: Record, opened: Cost) -> None:
        self.record, self.opened, self.before = record, opened, record.spent

    def total(self) -> Cost:
        """Cost of the run so far, earlier starts included."""
        return self.before.plus(spent().since(self.opened))

    @contextmanager
    def running(self, phase: str) -> Iterator[None]:
        """Measures the block as `phase`, adds earlier starts that did not finish it, and marks it as done on success.

        A thread saves the cost every `SAVE_EVERY_S` seconds.
        """
        earlier, start, stop = self.record.begin(phase), spent(), Event()

        def so_far() -> tuple[Cost, Cost]:
            return earlier.plus(spent().since(start)), self.total()

        def save_regularly() -> None:
            while not stop.wait(SAVE_EVERY_S):
                self.record.note(phase, *so_far())

        saving = Thread(target=save_regularly, daemon=True)
        saving.start()
        try:
            yield
        except BaseException:
            stop.set()
            saving.join()
            self.record.note(phase, *so_far())
            raise
        stop.set()
        saving.join()
        self.record.finish(phase, *so_far())

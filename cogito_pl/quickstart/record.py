"""`progress.json` in the run's folder: whose run it is, which phases are done, and what they cost.

Knows names of phases; nothing of what a phase does.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from cogito_pl.files import write_json

FILE = "progress.json"


class OtherRunError(ValueError):
    """The folder holds something else than the run that is asked for."""


@dataclass(frozen=True)
class Cost:
    """What was spent.

    Args:
        wall_s: Seconds.
        cpu_s: Processor seconds, of this process and of those it started.
        peak_mib: Most resident memory of one process, in MiB.
        starts: Starts that it took, more than one where it was stopped and continued.
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
"""What was spent before anything was started."""


class Record:
    """The state of a run, on disk after every change.

    Args:
        run: Folder of the run; created when missing.
        fingerprint: What must be equal for the run to be continued.

    Raises:
        OtherRunError: The folder holds a run with another fingerprint, or files that no quickstart wrote.
    """

    def __init__(self, run: Path, fingerprint: dict[str, object]) -> None:
        self.path = run / FILE
        self.phases: dict[str, Cost] = {}
        self.begun: dict[str, Cost] = {}
        self.spent = NOTHING
        self.fingerprint = fingerprint
        if self.path.exists():
            self._load(run)
        elif run.exists() and (not run.is_dir() or any(run.iterdir())):
            raise OtherRunError(f"--run {run} exists and holds no quickstart; choose another folder")
        run.mkdir(parents=True, exist_ok=True)
        self.save()

    def finished(self, phase: str) -> bool:
        """Whether `phase` has run to its end."""
        return phase in self.phases

    def forget(self, phases: list[str]) -> None:
        """Marks `phases` as to be done."""
        self.phases = {name: cost for name, cost in self.phases.items() if name not in phases}
        self.save()

    def restart(self) -> None:
        """Marks all phases as to be done, and what they cost as spent on another run."""
        self.phases, self.begun, self.spent = {}, {}, NOTHING
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.save()

    def begin(self, phase: str) -> Cost:
        """Marks `phase` as the one in progress and returns what earlier starts that did not finish it spent on it."""
        self.begun = {phase: self.begun.get(phase, NOTHING)}
        return self.begun[phase]

    def note(self, phase: str, cost: Cost, spent: Cost) -> None:
        """Notes what `phase`, which is in progress, and the whole run have cost so far."""
        self.begun, self.spent = {phase: cost}, spent
        self.save()

    def finish(self, phase: str, cost: Cost, spent: Cost) -> None:
        """Marks `phase` as done; `spent` is the cost of the whole run so far."""
        self.phases[phase], self.begun, self.spent = cost, {}, spent
        self.save()

    def save(self) -> None:
        """Writes the file, all or nothing."""
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
                f"--run {run} holds a run with other settings ({details}); choose another --run, or delete the folder"
            )
        self.phases = {name: Cost(**cost) for name, cost in state["phases"].items()}
        self.begun = {name: Cost(**cost) for name, cost in state.get("begun", {}).items()}
        self.spent = Cost(**state["spent"])

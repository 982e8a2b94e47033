"""Which weights a stage hands over: the best of its own validations, or what it began with."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from lightning.pytorch.utilities import rank_zero_warn


@dataclass(frozen=True)
class Candidate:
    """Weights that were validated.

    Args:
        score: The monitored metric.
        step: Optimiser step that they are of.
        error: Standard error of the score over problems; None where the metric is not a mean over them.
        file: That holds them, as `write_weights` named it; empty where none does.
    """

    score: float
    step: int
    error: float | None = None
    file: str = ""

    def __str__(self) -> str:
        error = "" if self.error is None else f" (standard error {self.error:.2g})"
        return f"{self.score:.4g}{error} after optimiser step {self.step}"


@dataclass(frozen=True)
class HandoffRule:
    """Which weights a stage hands over.

    Args:
        mode: Whether more or less of the score is better.
        candidates: `stage` takes the best of the stage's own validations; under `run` what it began with competes.
        margin: Under `run`, the own best wins unless it is worse than the start by this much or more.
    """

    mode: Literal["max", "min"]
    candidates: Literal["run", "stage"]
    margin: float

    def __post_init__(self) -> None:
        """Raises ValueError for a margin that is none, or that nothing uses."""
        if not 0 <= self.margin < math.inf:
            raise ValueError(f"BestCheckpointHandoff.margin={self.margin} is no margin; choose 0 or a positive number")
        if self.margin and self.candidates == "stage":
            raise ValueError(
                f"BestCheckpointHandoff.margin={self.margin} is a handicap of what a stage began with, which does not "
                "compete under candidates=stage; leave it out, or set candidates to run"
            )

    def choose(self, start: Candidate, own: Candidate | None) -> Candidate:
        """What is handed over, of what the stage began with and the best of its own validations, if there is one."""
        if own is None:
            return start
        wins = self.candidates == "stage" or improves(own.score, start.score, self.mode, self.margin)
        return own if wins else start


class Candidates:
    """What a stage began with, the best of its own validations, and which of the two it hands over.

    Args:
        rule: That decides.
        monitor: Name of the score, for messages.
        keep_own: The own best of every stage has a file that is kept, even where it is not handed over.

    Attributes:
        start: What the stage began with; None until it was validated.
        own: The best of its own validations.
        stale: Validations since the best was found.
        kept: Files of stages that have ended, by name of the stage.
        written: All files of this process that exist.
    """

    def __init__(self, rule: HandoffRule, monitor: str, keep_own: bool) -> None:
        self.rule, self.monitor, self.keep_own = rule, monitor, keep_own
        self.start: Candidate | None = None
        self.own: Candidate | None = None
        self.stale = 0
        self.kept: dict[str, str] = {}
        self.written: set[str] = set()

    @property
    def best(self) -> Candidate:
        """What would be handed over now."""
        return self.rule.choose(self.start, self.own)

    @property
    def files(self) -> set[str]:
        """Files that are needed, whatever checkpoints there are."""
        return {*self.kept.values(), *(found.file for found in (self.start, self.own) if found)}

    def consider(self, found: Candidate, write: Callable[[], str]) -> None:
        """Takes a validation into account; the first one is that of the start.

        Args:
            found: What was validated, in no file yet.
            write: Writes its weights and names the file; all ranks call it or none.
        """
        if self.start is None:
            self.start = replace(found, file=write())
            return
        before = self.best
        if improves(found.score, self.own and self.own.score, self.rule.mode):
            leads = self.rule.choose(self.start, found) is found
            self.own = replace(found, file=write()) if leads or self.keep_own else found
            if leads:
                self.start = replace(self.start, file="")  # beaten for good: its file may go
        self.stale = 0 if self.best is not before else self.stale + 1

    def end(self, stage: str) -> None:
        """Warns where nothing that was trained in the stage, or in a run without stages, is handed over."""
        if self.own is None:
            return
        if self.best is not self.own:
            warn_of_discarded(stage, self.start, self.own, self.monitor, self.rule)
        if self.keep_own:
            self.kept = self.kept | {stage or "run": self.own.file}

    def begin(self, ended: str) -> None:
        """Ends the stage `ended`, and lets the next one begin with the best."""
        self.end(ended)
        self.start, self.own, self.stale = self.best, None, 0

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        found = {"start": self.start and asdict(self.start), "own": self.own and asdict(self.own)}
        return found | {"stale": self.stale, "kept": dict(self.kept)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over from the run that goes on."""
        self.start, self.own = (state[name] and Candidate(**state[name]) for name in ("start", "own"))
        self.stale, self.kept = state["stale"], dict(state["kept"])


def improves(score: float, best: float | None, mode: Literal["max", "min"], margin: float = 0.0) -> bool:
    """Whether `score` is better than `best`, or worse by less than `margin`; anything is better than none, or NaN."""
    if best is None or math.isnan(best):
        return True
    return score + margin > best if mode == "max" else score - margin < best


def warn_of_discarded(stage: str, start: Candidate, own: Candidate, monitor: str, rule: HandoffRule) -> None:
    """Warns that nothing that was trained in a stage is handed over."""
    what = f"stage {stage!r}" if stage else "the run"
    within = f" within the margin of {rule.margin}" if rule.margin else ""
    rank_zero_warn(
        f"{what} is discarded: the best of its own validations, {monitor}={own}, is not better{within} than what it "
        f"began with, {start}, which goes on instead. Noise discards stages that help, too: candidates=stage of "
        "BestCheckpointHandoff hands over the own best of a stage, and margin allows it to be a little worse"
    )

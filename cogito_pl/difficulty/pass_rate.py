"""Scores problems by their pass rate, by which VL-Cogito (arXiv 2507.22607) filters its data.

Its section on data: 8 trials per question, questions with an accuracy above 50% are removed (4 of 8 stay), those that
were never solved stay too. The prompt, the temperature and the grader of the trials are not
stated there.
"""

from typing import Any, ClassVar

from cogito_pl.difficulty.scorer import Outcomes, Scorer, Task


class PassRate(Scorer):
    """Scores a problem by the share of trials that are correct.

    Args:
        repeats: Trials of a problem.
        keep_at_most: Problems with a higher pass rate are marked `keep: false`.
    """

    name: ClassVar[str] = "pass_rate"
    headline: ClassVar[str] = "pass_rate"

    def __init__(self, repeats: int = 8, keep_at_most: float = 0.5) -> None:
        if repeats < 1:
            raise ValueError(f"scorer.repeats={repeats} must be at least 1")
        if not 0 <= keep_at_most <= 1:
            raise ValueError(f"scorer.keep_at_most={keep_at_most} is no share; VL-Cogito's is 0.5, 1 keeps all")
        self.repeats, self.keep_at_most = repeats, keep_at_most

    def wanted(self, outcomes: Outcomes, images: int) -> list[Task]:
        """All trials that have not been run."""
        return [task for task in (Task(0.0, repeat) for repeat in range(self.repeats)) if task not in outcomes]

    def score(self, outcomes: Outcomes, images: int) -> dict[str, Any]:
        """The pass rate, whether the problem was ever solved, and whether VL-Cogito would keep it."""
        found = [outcomes[task] for task in (Task(0.0, repeat) for repeat in range(self.repeats)) if task in outcomes]
        rate = sum(found) / self.repeats if len(found) == self.repeats else None
        return {
            "pass_rate": rate,
            "solved": None if rate is None else rate > 0,
            "keep": None if rate is None else rate <= self.keep_at_most,
            "n_ok": sum(found),
            "n_done": len(found),
        }

    def settings(self) -> dict[str, Any]:
        """All settings, as plain values."""
        return {"repeats": self.repeats, "keep_at_most": self.keep_at_most}

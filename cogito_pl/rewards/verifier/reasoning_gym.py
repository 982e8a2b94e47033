"""Verifies answers to the tasks of reasoning-gym (arXiv 2505.24760), each by the task's own function."""

import json
from collections.abc import Sequence
from typing import Any

from cogito_pl.rewards.verifier.base import Verdict, Verifier
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing.extract import Candidate


class ReasoningGymVerifier(Verifier):
    """Asks the `score_answer` of the task that a problem is of; needs `pip install 'cogito-pl[text-tasks]'`.

    The gold answer is the JSON of the whole entry, as `python -m cogito_pl.data text-tasks` writes it. The score is the
    task's own, which may give a little to a wrong answer of the correct form.

    Args:
        threshold: Least score of a correct answer.
    """

    def __init__(self, threshold: float = 1.0) -> None:
        if not 0 < threshold <= 1:
            raise ValueError(
                f"threshold={threshold} of ReasoningGymVerifier is outside (0, 1]; 1 takes full marks only"
            )
        self.threshold = threshold

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """The task's own score; see `Verifier.judge`."""
        text = answer.text.strip()
        if not text:
            return None
        entry = json.loads(gold)
        task = entry["metadata"]["source_dataset"]
        score = float(_scorer(task)(text, entry))
        return Verdict(score >= self.threshold, score, task)

    def check(self, gold: str, choices: Sequence[str] = ()) -> str | None:
        """Why this gold is no entry of a task, None when it is one."""
        try:
            _scorer(json.loads(gold)["metadata"]["source_dataset"])
        except ImportError:
            return "reasoning-gym is not installed; pip install 'cogito-pl[text-tasks]'"
        except (ValueError, KeyError, TypeError) as error:
            return f"the answer {gold[:60]!r} is no entry of a task of reasoning-gym: {error}"
        return None


def _scorer(task: str) -> Any:
    """The task's function. Raises ImportError without the package, ValueError for an unknown task."""
    from reasoning_gym import get_score_answer_fn

    return get_score_answer_fn(task)

"""Grades stored responses again where what decides their verdicts has changed: no response is sampled for it.

The rules may have changed (`reward.grading`, `variant`, `boxes`, a verifier, the code that grades), or what a problem
expects (its answer, kind or choices). Every line names both, so that what a kill left half done is finished later.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cogito_pl.difficulty.identity import response_settings, rules_digest
from cogito_pl.difficulty.scorer import Scorer, Task
from cogito_pl.difficulty.trials import SETTINGS, as_jsonl, kept_path, open_to_append
from cogito_pl.files import atomic, read_jsonl, write_json
from cogito_pl.problem import Problem
from cogito_pl.rewards import Grade, Reward

_log = logging.getLogger(__name__)
CHUNK = 2048
"""Responses that are graded at once."""


def regrade(
    folder: Path, settings: Mapping[str, Any], problems: Sequence[Problem], reward: Reward, scorer: Scorer
) -> int:
    """Brings the verdicts in a folder of trials up to date; for one process, before others open the folder.

    Args:
        folder: Of trials; it need not exist.
        settings: What decides the outcome of a trial now.
        problems: Those whose trials are graded; the verdicts on others do not count until they are among them.
        reward: Grades.
        scorer: Where it keeps tensors of correct trials, a trial that was wrong before has none: it is removed, and
            sampled again when it is wanted.

    Returns:
        How many verdicts were given anew.

    Raises:
        BlockingIOError: Another process appends to the folder.
    """
    path = folder / SETTINGS
    settings = json.loads(json.dumps(settings))
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if response_settings(found) != response_settings(settings):
        return 0  # other responses, which `TrialStore` refuses
    known = {problem.id: problem for problem in problems}
    files = sorted(folder.glob("trials.rank*.jsonl"))
    count = sum(_regrade_file(file, rules_digest(settings), known, reward, scorer) for file in files)
    if found != settings:
        write_json(path, settings, indent=1)
    if count:
        _log.warning("%s: %s stored responses were graded again, by other rules or answers than before", folder, count)
    return count


def graded(reward: Reward, responses: Sequence[str], problems: Sequence[Problem]) -> list[Grade]:
    """The verdicts. Raises RuntimeError where a grading process died over a response, which is no verdict."""
    grades = reward.score(responses, problems).grades
    if any(grade.rule == "died" for grade in grades):
        raise RuntimeError("a grading worker died over a response; that is no verdict")
    return grades


def _regrade_file(file: Path, rules: str, known: Mapping[str, Problem], reward: Reward, scorer: Scorer) -> int:
    """Replaces the old verdicts in a file, all or none of them; gives their number."""
    with open_to_append(file):  # keeps other processes away
        rows = read_jsonl(file)
        shown = {name: known[name].shown_digest() for name in {row["id"] for row in rows} & known.keys()}
        expected = {name: known[name].expected_digest() for name in shown}
        old = [
            row
            for row in rows
            if row["problem"] == shown.get(row["id"])
            and (row["rules"], row["expected"]) != (rules, expected[row["id"]])
        ]
        if not old:
            return 0
        for start in range(0, len(old), CHUNK):
            some = old[start : start + CHUNK]
            grades = graded(reward, [row["response"] for row in some], [known[row["id"]] for row in some])
            for row, grade in zip(some, grades, strict=True):
                row |= {"correct": grade.correct, "extracted": grade.extracted, "rule": grade.rule}
                row |= {"rules": rules, "expected": expected[row["id"]]}
        with atomic(file, durable=True) as draft:
            draft.write_bytes(as_jsonl(row for row in rows if not _lacks_tensors(file.parent, row, scorer)))
    return len(old)


def _lacks_tensors(folder: Path, row: Mapping[str, Any], scorer: Scorer) -> bool:
    task = Task(row["ratio"], row["repeat"])
    keeps = type(scorer).keep is not Scorer.keep and not task.screening
    return keeps and row["correct"] and not kept_path(folder, row["id"], task).exists()

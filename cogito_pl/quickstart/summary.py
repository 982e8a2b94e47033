"""`summary.json`: from the graded completions of the three models to shares with intervals."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from statistics import fmean

from cogito_pl.files import write_json
from cogito_pl.quickstart.phases import MODELS, evaluation_folder
from cogito_pl.quickstart.statistics import paired_difference, wilson

TAG = re.compile(r"</?\w+>")
Answers = dict[str, list[dict]]
"""Per model, one record of `callbacks.RolloutTable` per test problem, all in the order of the test problems."""


def read_answers(run: Path) -> Answers:
    """The graded completions of all models.

    Raises:
        ValueError: The models were not graded on the same problems.
    """
    answers: Answers = {}
    for model in MODELS:
        answers[model] = read_rows(evaluation_folder(run, model))
        check_same_problems(answers[model], answers[MODELS[0]], evaluation_folder(run, model), MODELS[0])
    return answers


def read_rows(folder: Path) -> list[dict]:
    """The graded completions that a validation left in `folder`, in the order of the problems."""
    rows = [
        json.loads(line)
        for file in sorted(folder.glob("validation.rank*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    return sorted(rows, key=lambda row: row["draw"])


def check_same_problems(rows: list[dict], others: list[dict], folder: Path, other: str) -> None:
    """Raises ValueError, naming `folder`, unless `rows` grade the same problems as those of `other`, at least one."""
    if not rows or [row["id"] for row in rows] != [row["id"] for row in others]:
        raise ValueError(f"{folder} does not grade the problems that {other} was graded on")


def summarise(answers: Answers, seed: int, seen: Collection[str] = ()) -> dict:
    """What the models achieve, as plain values.

    Args:
        answers: Graded completions; the same problems in the same order for every model.
        seed: Of the run.
        seen: Ids of test problems that also occur in the data that were learnt from.

    Returns:
        `accuracy` and `accuracy_ci` per model; `accuracy_any_form`, which does not ask for the answer tags;
        `by_family`, `by_difficulty` and their `_ci`, `_any_form` and `_any_form_ci` per model and group; the paired
        `difference` of each step; `verdicts` as counts, `mean_completion_tokens` and the share `truncated` per model;
        `n_test_seen`, and `accuracy_unseen` without those problems. Shares are 0 to 1, intervals `[low, high]` at 95%.
    """
    groups = {name: [str(row["meta"][name]) for row in answers[MODELS[0]]] for name in ("family", "difficulty")}
    return {
        "seed": seed,
        "n_test": len(answers[MODELS[0]]),
        "accuracy": {model: share(rows) for model, rows in answers.items()},
        "accuracy_ci": {model: interval(rows) for model, rows in answers.items()},
        "accuracy_any_form": {model: share_any_form(rows) for model, rows in answers.items()},
        "difference": {"sft-base": difference(answers, "sft", "base"), "grpo-sft": difference(answers, "grpo", "sft")},
        **{
            f"by_{name}{suffix}": {
                model: {key: measure(rows) for key, rows in grouped(rows, keys).items()}
                for model, rows in answers.items()
            }
            for name, keys in groups.items()
            for suffix, measure in (
                ("", share),
                ("_ci", interval),
                ("_any_form", share_any_form),
                ("_any_form_ci", interval_any_form),
            )
        },
        "verdicts": {
            model: {verdict: counted(rows)[verdict] for verdict in ("right", "wrong", "unparsed")}
            for model, rows in answers.items()
        },
        "mean_completion_tokens": {model: fmean(row["tokens"] for row in rows) for model, rows in answers.items()},
        "n_test_seen": sum(row["id"] in seen for row in answers[MODELS[0]]),
        "accuracy_unseen": {
            model: share([row for row in rows if row["id"] not in seen]) for model, rows in answers.items()
        },
        "truncated": {model: fmean(not row["finished"] for row in rows) for model, rows in answers.items()},
    }


def write_summary(run: Path, summary: dict) -> Path:
    """Writes `summary.json` and returns where."""
    path = run / "summary.json"
    write_json(path, summary)
    return path


def counted(rows: Iterable[dict]) -> Counter:
    """How often each verdict was given."""
    return Counter(row["verdict"] for row in rows)


def share(rows: list[dict]) -> float:
    """Share of right answers; 0 of none."""
    return counted(rows)["right"] / max(1, len(rows))


def any_form(row: dict) -> bool:
    """Whether a completion is right, or ends in the gold answer without being in the form that is asked for."""
    said, gold = TAG.sub(" ", row["response"]).casefold().split(), row["gold"].casefold().split()
    return row["verdict"] == "right" or said[-len(gold) :] == gold


def share_any_form(rows: list[dict]) -> float:
    """Share of answers that are right in any form."""
    return fmean(any_form(row) for row in rows)


def interval_any_form(rows: list[dict]) -> list[float]:
    """95% interval of the share of answers that are right in any form."""
    return list(wilson(sum(map(any_form, rows)), len(rows)))


def interval(rows: list[dict]) -> list[float]:
    """95% interval of the share of right answers."""
    return list(wilson(counted(rows)["right"], len(rows)))


def grouped(rows: list[dict], keys: list[str]) -> dict[str, list[dict]]:
    """The rows of each key; numbers in their order, words in the order of their first row."""
    order = sorted(set(keys), key=lambda key: (int(key) if key.isdigit() else 0, keys.index(key)))
    return {key: [row for row, own in zip(rows, keys, strict=True) if own == key] for key in order}


def difference(answers: Answers, later: str, earlier: str) -> dict:
    """Accuracy of `later` minus that of `earlier` over the same problems, with the counts of problems won and lost."""
    pairs = Counter(
        (one["verdict"] == "right", other["verdict"] == "right")
        for one, other in zip(answers[later], answers[earlier], strict=True)
    )
    won, lost = pairs[True, False], pairs[False, True]
    estimate, *ends = paired_difference(pairs[True, True], won, lost, pairs[False, False])
    return {"estimate": estimate, "ci": ends, "won": won, "lost": lost}

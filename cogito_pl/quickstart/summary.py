"""The results of a quickstart: `summary.json`, shares with intervals, and `samples.jsonl`, every graded completion."""

import json
import re
from collections.abc import Collection
from pathlib import Path
from statistics import fmean

from cogito_pl.experiments.graded import check_same_problems, counted, difference, grouped, interval, read_rows, share
from cogito_pl.experiments.intervals import wilson
from cogito_pl.files import write_json
from cogito_pl.quickstart.phases import MODELS, evaluation_folder

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


def summarise(answers: Answers, seed: int, seen: Collection[str] = ()) -> dict:
    """What the models achieve, as plain values.

    Args:
        answers: Graded completions; the same problems in the same order for every model.
        seed: Of the run.
        seen: Ids of test problems that also occur in the training data.

    Returns:
        `accuracy` and `accuracy_ci` per model; `accuracy_any_form`, which does not require the answer tags;
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
        "difference": {
            "sft-base": difference(answers["sft"], answers["base"]),
            "grpo-sft": difference(answers["grpo"], answers["sft"]),
        },
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


def write_samples(run: Path, answers: Answers) -> Path:
    """Writes `samples.jsonl`, one line per model and test problem, and returns where."""
    path = run / "samples.jsonl"
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        for model, rows in answers.items():
            file.writelines(json.dumps(sample(model, row), ensure_ascii=False) + "\n" for row in rows)
    return path


def sample(model: str, row: dict) -> dict:
    """One line: the key of the problem, its gold answer, the response and the verdict."""
    return {
        "model": model,
        "family": row["meta"]["family"],
        "difficulty": row["meta"]["difficulty"],
        "seed": row["meta"]["seed"],
        "gold": row["gold"],
        "response": row["response"],
        "verdict": row["verdict"],
    }


def any_form(row: dict) -> bool:
    """Whether a completion is correct, or ends in the gold answer without being in the required form."""
    said, gold = TAG.sub(" ", row["response"]).casefold().split(), row["gold"].casefold().split()
    return row["verdict"] == "right" or said[-len(gold) :] == gold


def share_any_form(rows: list[dict]) -> float:
    """Share of answers that are correct in any form."""
    return fmean(any_form(row) for row in rows)


def interval_any_form(rows: list[dict]) -> list[float]:
    """95% interval of the share of answers that are correct in any form (Wilson)."""
    return list(wilson(sum(map(any_form, rows)), len(rows)))

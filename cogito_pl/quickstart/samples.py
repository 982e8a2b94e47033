"""`samples.jsonl`: what each model said to each test problem, for reading and for comparing runs."""

import json
from pathlib import Path

from cogito_pl.quickstart.summary import Answers


def write_samples(run: Path, answers: Answers) -> Path:
    """Writes one line per model and test problem and returns where."""
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

"""The commands that write data sets. Run again with the same settings, a killed command continues."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from cogito_pl.data.prepare.open_ended import Rejected, open_ended
from cogito_pl.data.prepare.split import fingerprints, validation_ids
from cogito_pl.data.prepare.writing import row_of
from cogito_pl.data.reading.reader import ReadResult, check_answer, read_source, write_rejections
from cogito_pl.data.source import Source
from cogito_pl.files import append_jsonl, keep_lines, read_jsonl, write_json, write_jsonl, write_text
from cogito_pl.problem import Problem
from cogito_pl.rewards import KINDS


def make_open_ended(source: Source, folder: Path, *, keep_rejected: bool, rejection_limit: float) -> dict[str, int]:
    """Writes `problems.jsonl`, `rejected.jsonl` and `counts.json` into a folder.

    Args:
        source: The problems; those that are not multiple choice are written as they are.
        folder: Folder to write to; what an unfinished run with the same settings wrote is kept.
        keep_rejected: Write the problems that stay multiple choice too, with the reason in the column `why_choice`.
        rejection_limit: Share of rows that may be unreadable.

    Returns:
        Number of problems by outcome.

    Raises:
        ValueError: The folder belongs to a run with other settings, or the source cannot be read.
    """
    _claim(folder, {"step": "open-ended", "source": asdict(source), "keep_rejected": keep_rejected})
    kept, rejected = folder / "problems.jsonl", folder / "rejected.jsonl"
    done = set()
    for path in (kept, rejected):
        if path.exists():
            keep_lines(path, lambda row: "id" in row)  # rows that could not be read have none; they are listed last
            done |= {row["id"] for row in read_jsonl(path)}
    result = read_source(source, rejection_limit=rejection_limit, check_images="header")
    counts: Counter[str] = Counter()
    for problem in tqdm(result.problems, desc="open-ended", unit=" problems", disable=len(result.problems) < 2000):
        changed = open_ended(problem)
        counts[_outcome(problem, changed)] += 1
        counts["worked solutions left out"] += isinstance(changed, Problem) and changed.solution != problem.solution
        if problem.id in done:
            continue
        if isinstance(changed, Problem):
            append_jsonl(kept, row_of(changed, folder))
        elif keep_rejected:
            append_jsonl(kept, row_of(problem, folder) | {"why_choice": changed.reason})
        else:
            append_jsonl(rejected, {"id": problem.id, "reason": changed.reason, "detail": changed.detail})
    for rejection in result.rejections:
        append_jsonl(rejected, vars(rejection))
    return _written(folder, counts, result)


def make_split(
    source: Source, folder: Path, *, share: float | None, count: int | None, seed: int, rejection_limit: float
) -> dict[str, int]:
    """Writes `train.jsonl`, `validation.jsonl`, `rejected.jsonl` and `counts.json` into a folder.

    See `validation_ids`; rejected are rows that could not be read. Answers of kinds that are not ours are not checked.
    """
    settings = {"step": "split", "source": asdict(source), "share": share, "count": count, "seed": seed}
    _claim(folder, settings)
    result = read_source(source, rejection_limit=rejection_limit, check_images="header", check=check_known_answer)
    problems = tqdm(result.problems, desc="split", unit=" problems", disable=len(result.problems) < 2000)
    held = validation_ids({p.id: fingerprints(p) for p in problems}, share=share, count=count, seed=seed)
    counts: Counter[str] = Counter()
    for name in ("train", "validation"):
        chosen = [problem for problem in result.problems if (problem.id in held) == (name == "validation")]
        write_jsonl(folder / f"{name}.jsonl", (row_of(problem, folder) for problem in chosen))
        counts[name] = len(chosen)
    write_rejections(result.rejections, folder)
    return _written(folder, counts, result)


def _outcome(problem: Problem, changed: Problem | Rejected) -> str:
    if isinstance(changed, Rejected):
        return f"stays multiple choice: {changed.reason}"
    return "was open already" if changed is problem else f"now {changed.kind}"


def _claim(folder: Path, settings: dict) -> None:
    """Raises ValueError unless the folder is new, empty, or of a run with these settings."""
    folder.mkdir(parents=True, exist_ok=True)
    path, text = folder / "settings.json", json.dumps(settings, indent=1)
    if any(folder.iterdir()) and not (path.exists() and path.read_text() == text):
        raise ValueError(f"{folder} holds files that were not made with these settings; name another folder")
    write_text(path, text)


def _written(folder: Path, counts: Counter[str], result: ReadResult) -> dict[str, int]:
    counts["rows that could not be read"] = len(result.rejections)
    table = {name: number for name, number in counts.most_common() if number}
    write_json(folder / "counts.json", table, indent=1)
    return table


def check_known_answer(problem: Problem) -> str | None:
    """Why the answer of a problem of ours cannot be right; None for kinds that are not ours."""
    return check_answer(problem) if problem.kind in KINDS else None

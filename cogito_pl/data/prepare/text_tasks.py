"""Problems without images of the tasks of reasoning-gym (arXiv 2505.24760), which draws any number of them by rules."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cogito_pl.files import write_jsonl
from cogito_pl.seeds import stable_seed

KIND = "reasoning_gym"
DRAWS_PER_PROBLEM = 20
"""Draws, repeated ones included, after which a task has too few different problems."""
INSTALL = "it is not installed; pip install 'cogito-pl[text-tasks]'"


def make_text_tasks(out: Path, tasks: Sequence[str], *, count: int, levels: Sequence[int], seed: int) -> dict[str, int]:
    """Writes `problems.jsonl` in the folder `out`: `count` problems of every task at every level.

    Returns:
        Numbers of rows by task and level.

    Raises:
        ValueError: reasoning-gym is not installed, has no such task, or too few different problems of it.
    """
    if count < 1 or min(levels, default=-1) < 0:
        raise ValueError(f"--count {count} must be at least 1 and --levels {list(levels)} numbers from 0")
    rows: list[dict[str, Any]] = []
    counts = {}
    for task in dict.fromkeys(tasks):
        for level in dict.fromkeys(levels):
            drawn = list(task_rows(task, count=count, level=level, seed=seed))
            rows, counts[f"{task}, level {level}"] = rows + drawn, len(drawn)
    out.mkdir(parents=True, exist_ok=True)
    write_jsonl(out / "problems.jsonl", rows)
    return counts


def task_rows(task: str, *, count: int, level: int, seed: int) -> Iterator[dict[str, Any]]:
    """Different problems of a task, each with what its own verifier needs as its answer (JSON of the whole entry).

    The difficulty is the level of all attributes of the task's own curriculum; one that an attribute does not reach
    is its highest. Problems whose own answer is not correct by the task's verifier, after JSON, are passed over.

    Raises:
        ValueError: As in `make_text_tasks`; a task without a curriculum has level 0 only.
    """
    gym = load_gym()
    if task not in gym.factory.DATASETS:
        raise ValueError(f"--tasks {task}: reasoning-gym has no such task; it has {', '.join(gym.factory.DATASETS)}")
    defaults = {"seed": stable_seed(seed, task, level, bits=31), "size": count * DRAWS_PER_PROBLEM}
    if gym.factory.has_curriculum(task):
        curriculum = gym.factory.create_curriculum(task)
        curriculum.set_global_level(level)
        defaults = vars(curriculum.generate_configuration(defaults))
    elif level:
        raise ValueError(f"--levels {level}: the task {task} has no curriculum; it has the level 0 only")
    entries, seen = gym.create_dataset(task, **defaults), set()
    for place in range(defaults["size"]):
        entry = as_json(entries[place])
        if entry is None or entry["question"] in seen or entries.score_answer(entry["answer"], entry) != 1.0:
            continue
        seen.add(entry["question"])
        yield {
            "id": f"{task}-{level}-{place}",
            "question": entry["question"],
            "answer": json.dumps(entry),
            "kind": KIND,
            "solution": f"<answer> {entry['answer']}</answer>",
            "task": task,
            "difficulty": level,
        }
        if len(seen) == count:
            return
    raise ValueError(
        f"--count {count}: {task} at level {level} has {len(seen)} different problems that its verifier can grade in "
        f"{defaults['size']} draws; ask for fewer, or for other levels"
    )


def as_json(entry: dict[str, Any]) -> dict[str, Any] | None:
    """The entry as it is read back from JSON; None for one that JSON cannot hold, or that has no text as its answer."""
    try:
        return json.loads(json.dumps(entry)) if isinstance(entry["answer"], str) else None
    except TypeError:
        return None


def load_gym() -> Any:
    """The package. Raises ValueError where it is not installed."""
    try:
        import reasoning_gym
    except ImportError as error:
        raise ValueError(f"text-tasks takes its problems from reasoning-gym: {INSTALL} ({error})") from error
    return reasoning_gym

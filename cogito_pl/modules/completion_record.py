"""A graded completion as plain values, and the images of its problem as files: what tables and reports read."""

from pathlib import Path
from typing import Any

from PIL import Image

from cogito_pl.files import atomic
from cogito_pl.problem import Problem
from cogito_pl.rl.rollout import Rollout
from cogito_pl.seeds import digest

LARGEST = 512
"""Pixels of the longer side of an image that is kept."""
LOSSLESS = 256
"""Images up to this size are kept as PNG, larger ones as JPEG."""


def completion_record(rollout: Rollout, row: int, epoch: int) -> dict[str, Any]:
    """One completion of a rollout as plain values."""
    problem, grade = rollout.problem_of(row), rollout.grades[row]
    return {
        "step": rollout.policy_step,
        "epoch": epoch,
        "stage": rollout.stage,
        "draw": rollout.draws[row // rollout.group_size],
        "sample": row % rollout.group_size,
        "id": problem.id,
        "source": problem.source,
        "meta": dict(problem.meta),
        "question": problem.question,
        "images": [image.name for image in problem.images],
        "sizes": [image.size for image in problem.images],
        "kind": problem.kind,
        "choices": problem.choices,
        "gold": problem.answer,
        "response": rollout.texts[row],
        "extracted": grade.extracted,
        "rule": grade.rule,
        "verdict": verdict(rollout, row),
        "reward": float(rollout.rewards[row]),
        "terms": {name: float(values[row]) for name, values in rollout.reward_terms.items()},
        "advantage": float(rollout.advantages[row]),
        "tokens": int(rollout.lengths[row]),
        "finished": bool(rollout.finished[row]),
    }


def verdict(rollout: Rollout, row: int) -> str:
    """`right`, `wrong`, or `unparsed` where no answer could be read."""
    grade = rollout.grades[row]
    return "right" if grade.correct else "wrong" if grade.parsed else "unparsed"


def image_files(problem: Problem) -> list[str]:
    """Names of the files of a problem's images, relative to a log folder."""
    key = f"{problem.source}/{problem.id}"
    suffixes = ("png" if max(image.size) <= LOSSLESS else "jpg" for image in problem.images)
    return [f"images/{digest(f'{key}/{place}', 16)}.{suffix}" for place, suffix in enumerate(suffixes)]


def keep_images(problem: Problem, folder: Path) -> None:
    """Writes the images of a problem to a log folder, reduced to `LARGEST`, where they are not there yet."""
    for name, image in zip(image_files(problem), problem.images, strict=True):
        file = folder / name
        if not file.exists():
            pixels = image.load()
            pixels.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
            with atomic(file) as draft:
                pixels.save(draft, "PNG" if file.suffix == ".png" else "JPEG", quality=85)

"""Writes problems as rows of a JSON Lines file that can be read as a source, with images in a folder beside it."""

import hashlib
import io
from pathlib import Path
from typing import Any

from cogito_pl.data.reading.images import FileImage
from cogito_pl.files import atomic
from cogito_pl.problem import LazyImage, Problem

IMAGES = "images"


def row_of(problem: Problem, folder: Path) -> dict[str, Any]:
    """The problem as a row of a file in `folder`, below which its images are saved.

    Entries of `meta` become columns of their name, prefixed by `meta_` where a column of a problem has that name.
    """
    row = {
        "id": problem.id,
        "question": problem.question,
        "answer": problem.answer,
        "kind": problem.kind,
        "choices": list(problem.choices),
        "images": [save_image(image, folder) for image in problem.images],
        "solution": problem.solution,
    }
    if problem.history:
        row["history"] = [[turn.question, turn.response] for turn in problem.history]
    if problem.system is not None:
        row["system"] = problem.system
    return row | {f"meta_{name}" if name in row else name: value for name, value in problem.meta.items()}


def save_image(image: LazyImage, folder: Path) -> str:
    """Saves an image below `folder` under a name made from its content, once.

    Returns:
        Its path relative to `folder`. Files are copied, anything else is encoded as PNG.
    """
    if isinstance(image.load, FileImage):
        suffix, content = image.load.path.suffix.lower(), image.load.path.read_bytes()
    else:
        buffer = io.BytesIO()
        image.load().save(buffer, "PNG")
        suffix, content = ".png", buffer.getvalue()
    target = folder / IMAGES / f"{hashlib.sha256(content).hexdigest()[:32]}{suffix}"
    if not target.exists():
        with atomic(target) as draft:
            draft.write_bytes(content)
    return str(target.relative_to(folder))

"""A contact sheet: one problem per family and difficulty, with its question and answer."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from cogito_pl.playground.families import make_problem
from cogito_pl.playground.scene import DIFFICULTIES

LINE_LENGTH = 34
"""Characters per line under an image."""
GAP = 14
"""Pixels between two images of one problem."""


def draw_sheet(
    path: str | Path, families: Sequence[str], difficulties: Sequence[int] = DIFFICULTIES, seed: int = 0
) -> None:
    """Writes the sheet, difficulties from top to bottom and families from left to right.

    Args:
        path: The image file; its suffix decides the format.
        families: Columns.
        difficulties: Rows.
        seed: Which problem of each cell is shown.
    """
    figure = Figure(figsize=(2.7 * len(families), 2.6 * len(difficulties) + 0.4), layout="constrained", dpi=110)
    grid = figure.subplots(len(difficulties), len(families), squeeze=False)
    for row, difficulty in zip(grid, difficulties, strict=True):
        for axes, family in zip(row, families, strict=True):
            problem = make_problem(family, difficulty, seed)
            axes.set_axis_off()
            if problem.images:
                image = _side_by_side(problem.images)
                axes.imshow(image, interpolation="nearest")
                # One scale for all images: room for the largest grid, the image at the bottom in the middle.
                half = 60 * len(problem.images)
                axes.set(
                    xlim=(image.width / 2 - half, image.width / 2 + half),
                    ylim=(image.height, image.height - 120 * len(problem.images)),
                )
            else:
                axes.text(0.5, 0.5, problem.question, transform=axes.transAxes, ha="center", va="center", fontsize=12)
            axes.set_title(f"{family} {difficulty}", fontsize=8, color="0.45")
            question = f"{_folded(problem.question)}\n" if problem.images else ""
            caption = f"{question}→ {problem.answer}"
            axes.text(0.5, -0.04, caption, transform=axes.transAxes, ha="center", va="top", fontsize=8)
    figure.savefig(path)


def _side_by_side(images: Sequence[Image.Image]) -> Image.Image:
    """All images of a problem in one, with a gap between them."""
    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    joined = Image.new("RGB", (width, max(image.height for image in images)), "white")
    left = 0
    for image in images:
        joined.paste(image, (left, 0))
        left += image.width + GAP
    return joined


def _folded(text: str) -> str:
    """The text in lines of at most `LINE_LENGTH` characters, broken between words."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= LINE_LENGTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)

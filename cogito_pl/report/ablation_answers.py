"""Completions of the arms of an ablation to the same problems, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cogito_pl.experiments.ablation.arms import PLAIN
from cogito_pl.experiments.graded import read_samples
from cogito_pl.report.ablation_figure import START
from cogito_pl.report.completions import stored_images

MOST = 8
"""Problems that are shown of every arm where it wins, and where it loses."""
MARKS = {"right": "✓ correct", "wrong": "✗ wrong", "unparsed": "? no answer"}


@dataclass(frozen=True, kw_only=True)
class Answers:
    """One completion of every arm to every test problem of a seed.

    Args:
        rows: By arm, the start first; the same problems in the same order.
        images: Data URIs by the name of the image file.
        intro: Which completions they are.
    """

    rows: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    intro: str = "No arm has completions yet, or they were deleted."

    def listed(self) -> list[dict[str, Any]]:
        """All rows for the browser of a page, which shows the last first: problem by problem, then by arm."""
        ordered = zip(*reversed(self.rows.values()), strict=True)
        names = list(reversed(self.rows))
        both = [row | {"set": name} for rows in ordered for name, row in zip(names, rows, strict=True)]
        places = len(names)
        return [row for first in range(len(both) - places, -1, -places) for row in both[first : first + places]]


def read_answers(folder: Path, result: Mapping[str, Any]) -> Answers:
    """The first samples of the first seed for which the plain recipe is done.

    Args:
        folder: Of the ablation; files elsewhere are not read.
        result: What is in `ablation.json`.
    """
    arms, root = {START: result["start"], **result["arms"]}, folder.resolve()
    for seed in map(str, result["seeds"]):
        done = {name: own for name, arm in arms.items() if "evaluation" in (own := arm["seeds"].get(seed, {}))}
        paths = {name: (root / own["evaluation"]).resolve() for name, own in done.items()}
        samples = {name: read_samples(path)[0] for name, path in paths.items() if path.is_relative_to(root)}
        rows = {name: own for name, own in samples.items() if own}
        if PLAIN not in rows:
            continue
        ids = [row["id"] for row in rows[PLAIN]]
        rows = {name: own for name, own in rows.items() if [row["id"] for row in own] == ids}
        images, files = kept_images(paths, rows)
        rows = {name: [row | {"image_files": files.get(row["id"], [])} for row in own] for name, own in rows.items()}
        intro = (
            f"Seed {seed}, the first completion to every test problem. A click on the line below a completion shows "
        )
        return Answers(rows=rows, images=images, intro=f"{intro}those of all arms to its problem.")
    return Answers()


def kept_images(
    paths: Mapping[str, Path], rows: Mapping[str, list[dict[str, Any]]]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The images that one of the arms kept, as data URIs by file, and the files by problem."""
    for name, own in rows.items():
        for folder in sorted({paths[name], *paths[name].glob("*/")}):
            if images := stored_images(folder, own):
                return images, {row["id"]: row["image_files"] for row in own}
    return {}, {}


def compared_answers(answers: Answers) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Per arm, the first problems that either it or the plain recipe alone solves, with both completions."""
    plain = answers.rows.get(PLAIN, [])
    found = {}
    for name, rows in answers.rows.items():
        if name in (START, PLAIN):
            continue
        pairs = list(zip(rows, plain, strict=True))
        won = [pair for pair in pairs if (correct(pair[0]), correct(pair[1])) == (True, False)]
        lost = [pair for pair in pairs if (correct(pair[0]), correct(pair[1])) == (False, True)]
        found[name] = {
            f"{len(own):,} problems that {name} {verb}, the first {min(MOST, len(own))}": [
                shown(pair, name, answers.images) for pair in own[:MOST]
            ]
            for verb, own in ((f"solves and {PLAIN} fails", won), (f"fails and {PLAIN} solves", lost))
        }
    return found


def correct(row: Mapping[str, Any]) -> bool:
    """Whether a completion is correct."""
    return row["verdict"] == "right"


def shown(pair: tuple[Mapping[str, Any], ...], name: str, images: Mapping[str, str]) -> dict[str, Any]:
    """One problem, and its completions by an arm and by the plain recipe."""
    row = pair[0]
    return {
        "images": [images[file] for file in row["image_files"] if file in images],
        "question": row["question"].replace("<image>", "").strip(),
        "gold": row["gold"],
        "answers": [
            (label, own["verdict"], MARKS[own["verdict"]], own["response"])
            for label, own in zip((name, PLAIN), pair, strict=True)
        ],
    }

"""Verifies bounding boxes.

An answer is every `[x1, y1, x2, y2]` that the stated text holds: one list, a list of lists, or flat objects as Qwen
models write them, `{"bbox_2d": [...], "label": "..."}`, in a fence or not; `[]` states that there is no box. The gold
is the same, or an object that also says how to compare.

Boxes are paired one to one: first as many pairs as possible that overlap (intersection over union) by at least `iou`,
then those with the greatest sum of overlaps. A gold box with a label pairs only with a box of that label. Correct:
every box on both sides has its partner. The score is F1, so that misses and extra boxes cost alike: twice the number
of pairs (`partial: matched`), or twice the sum of the overlaps of all partners (`partial: overlap`), over the number
of boxes on both sides.
"""

import json
import re
from collections.abc import Sequence
from operator import mul
from typing import NamedTuple

import numpy as np

from cogito_pl.rewards.verifier.base import Verdict, Verifier
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing import box_frames
from cogito_pl.rewards.verifier.parsing.delimiters import SPAN, tagged
from cogito_pl.rewards.verifier.parsing.extract import Candidate
from cogito_pl.rewards.verifier.text import normalised

MOST = 500
"""Boxes in one answer; an answer with more is degenerate and counts as unreadable."""

_NUMBER = r"\s*(-?(?:\d{1,9}(?:\.\d{0,12})?|\.\d{1,12}))\s*"
_BOX = re.compile(rf"\[{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER},?\s*\]", re.ASCII)
_STRING = r'"(?:[^"\\]|\\.)*+"'
_OBJECT = re.compile(rf"\{{(?:[^{{}}\"]|{_STRING})*+\}}|\{{[^{{}}]*\}}", re.DOTALL)
_LABEL = re.compile(rf"[\"'](?:label|name|category|class)[\"']\s*:\s*({_STRING}|'[^']*')", re.DOTALL)


class Box(NamedTuple):
    """Corners, and a label or an empty string."""

    corners: tuple[float, ...]
    label: str = ""

    @property
    def area(self) -> float:
        """Zero when a corner is on the wrong side."""
        left, top, right, bottom = self.corners
        return max(0.0, right - left) * max(0.0, bottom - top)


def parse(text: str) -> list[Box] | None:
    """The boxes that a text holds; an empty list for `[]`, None when it holds no list of boxes or too many."""
    found, at = [], 0
    for thing in _OBJECT.finditer(text):
        found += _boxes(text[at : thing.start()], "") + _boxes(thing[0], _label(thing[0]))
        at = thing.end()
    found += _boxes(text[at:], "")
    if found:
        return found if len(found) <= MOST else None
    return [] if re.sub(r"```(?:json)?|\s", "", text) == "[]" else None


def _boxes(text: str, label: str) -> list[Box]:
    return [Box(tuple(map(float, corners)), label) for corners in _BOX.findall(text)]


def _label(thing: str) -> str:
    found = _LABEL.search(thing)
    if not found:
        return ""
    try:
        return normalised(json.loads(found[1], strict=False))
    except ValueError:  # in single quotes, as Python writes it
        return normalised(found[1][1:-1])


def overlap(left: Box, right: Box) -> float:
    """Intersection over union of two boxes; zero for a box without area."""
    (a, b, c, d), (e, f, g, h) = left.corners, right.corners
    shared = Box((max(a, e), max(b, f), min(c, g), min(d, h))).area
    return shared / (left.area + right.area - shared) if shared else 0.0


def _targets(gold: box_frames.BoxGold) -> list[Box]:
    """The gold boxes in the frame of the answer; empty for a gold that `check` rejects."""
    across, down = gold.scale()
    scale = (across, down, across, down)
    return [Box(tuple(map(mul, box.corners, scale)), box.label) for box in parse(gold.text) or []]


def best_partners(worth: np.ndarray) -> list[tuple[int, int]]:
    """One-to-one pairs with the greatest total worth (the Hungarian method with potentials, O(n^2 m)).

    Args:
        worth: What each pair is worth, `[n, m]`, none negative.

    Returns:
        `min(n, m)` pairs (row, column), by row.
    """
    if worth.shape[0] > worth.shape[1]:
        return sorted((row, column) for column, row in best_partners(worth.T))
    rows, columns = worth.shape
    row_price, price = np.zeros(rows), np.zeros(columns)
    owner = np.full(columns, -1)  # the row of each column
    for newcomer in range(rows):
        slack, reached_from = np.full(columns, np.inf), np.full(columns, -1)
        settled = np.zeros(columns, dtype=bool)
        row, column = newcomer, -1
        while True:  # the cheapest path on which the newcomer pushes others along to a column that is free
            reduced = -worth[row] - row_price[row] - price
            nearer = ~settled & (reduced < slack)
            slack[nearer], reached_from[nearer] = reduced[nearer], column
            column = int(np.where(settled, np.inf, slack).argmin())
            step = slack[column]
            row_price[newcomer] += step
            row_price[owner[settled]] += step
            price[settled] -= step
            slack[~settled] -= step
            settled[column] = True
            if owner[column] < 0:
                break
            row = owner[column]
        while column >= 0:
            before = reached_from[column]
            owner[column] = owner[before] if before >= 0 else newcomer
            column = before
    return sorted((int(row), column) for column, row in enumerate(owner) if row >= 0)


class BoxesVerifier(Verifier):
    """Compares sets of boxes; the score is F1. How boxes are compared is said by `BoxOptions`, not by `options`."""

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares boxes with the gold boxes; see `Verifier.judge`.

        Raises:
            ValueError: The gold cannot be used.
        """
        boxes, target = parse(answer.text), box_frames.read(gold if tagged(gold) is None else tagged(gold) or "")
        if boxes is None or parse(target.text) is None or len(answer.text) > SPAN:  # a list that was cut
            return None
        targets = _targets(target)
        if not boxes or not targets:
            return Verdict.of(not boxes and not targets, "boxes")
        worth = np.array(  # [gold boxes, boxes of the answer]
            [[overlap(box, target) * (target.label in ("", box.label)) for box in boxes] for target in targets]
        )
        near = worth >= target.options.iou
        partners = best_partners(worth + near * (len(targets) + 1))
        pairs, total = sum(bool(near[pair]) for pair in partners), len(boxes) + len(targets)
        gained = pairs if target.options.partial == "matched" else sum(float(worth[pair]) for pair in partners)
        return Verdict(2 * pairs == total, 2 * gained / total, "boxes")

    def check(self, gold: str, choices: Sequence[str] = ()) -> str | None:
        """Why this gold cannot be used, None when it can."""
        try:
            boxes = parse(box_frames.read(gold).text)
        except ValueError as error:
            return str(error)
        if boxes is None:
            return f"the answer {gold[:60]!r} holds no list [x1, y1, x2, y2]"
        empty = next((box for box in boxes if not box.area), None)
        return f"the box {list(empty.corners)} has no area; write x1 < x2 and y1 < y2" if empty else None

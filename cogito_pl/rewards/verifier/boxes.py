"""The verifier of bounding boxes. Knows labels, overlaps and one-to-one pairs; frames are `frames`' to convert.

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

from cogito_pl.rewards.verifier.assignment import best_partners
from cogito_pl.rewards.verifier.parsing import box_frames
from cogito_pl.rewards.verifier.parsing.delimiters import SPAN, tagged
from cogito_pl.rewards.verifier.parsing.extract import Candidate
from cogito_pl.rewards.verifier.text import Verdict, normalised

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
    """The gold boxes in the frame of the answer; empty for a gold that `check` refuses."""
    across, down = gold.scale()
    scale = (across, down, across, down)
    return [Box(tuple(map(mul, box.corners, scale)), box.label) for box in parse(gold.text) or []]


def judge(answer: Candidate, gold: str, choices: Sequence[str] = ()) -> Verdict | None:
    """Compares boxes with the gold boxes.

    Args:
        answer: Where the response states its answer.
        gold: The right boxes, as the module describes.
        choices: Not used.

    Returns:
        The verdict with F1 as its score, None when this place states no boxes.

    Raises:
        ValueError: The gold cannot be used.
    """
    boxes, target = parse(answer.text), box_frames.read(gold if tagged(gold) is None else tagged(gold) or "")
    if boxes is None or parse(target.text) is None or len(answer.text) > SPAN:  # a list that was cut is not half read
        return None
    targets = _targets(target)
    if not boxes or not targets:
        return Verdict.of(not boxes and not targets, "boxes")
    worth = np.array(
        [[overlap(box, target) * (target.label in ("", box.label)) for box in boxes] for target in targets]
    )
    near = worth >= target.options.iou
    partners = best_partners(worth + near * (len(targets) + 1))
    pairs, total = sum(bool(near[pair]) for pair in partners), len(boxes) + len(targets)
    gained = pairs if target.options.partial == "matched" else sum(float(worth[pair]) for pair in partners)
    return Verdict(2 * pairs == total, 2 * gained / total, "boxes")


def check(gold: str, choices: Sequence[str] = ()) -> str | None:
    """Why this gold cannot be verified, None when it can."""
    try:
        boxes = parse(box_frames.read(gold).text)
    except ValueError as error:
        return str(error)
    if boxes is None:
        return f"the answer {gold[:60]!r} holds no list [x1, y1, x2, y2]"
    empty = next((box for box in boxes if not box.area), None)
    return f"the box {list(empty.corners)} has no area; write x1 < x2 and y1 < y2" if empty else None

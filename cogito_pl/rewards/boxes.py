"""The verifier of bounding boxes. Knows overlaps and one-to-one matching; nothing of pictures or their sizes.

An answer is every `[x1, y1, x2, y2]` that the stated text holds: one list, a list of lists, or the `bbox_2d` objects
that Qwen models write; `[]` states that there is no box. Boxes are matched one to one at an overlap (intersection
over union) of at least 0.5, as many pairs as possible. The score is F1, so misses and extra boxes cost alike; correct
means that every box on both sides has its partner.
"""

import re
from collections.abc import Sequence

from cogito_pl.rewards.extract import Candidate, tagged
from cogito_pl.rewards.text import Verdict

OVERLAP = 0.5
MOST = 500
"""Boxes in one answer; an answer with more is degenerate and counts as unreadable."""

_NUMBER = r"\s*(-?\d{1,9}(?:\.\d{1,12})?)\s*"
_BOX = re.compile(rf"\[{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}\]", re.ASCII)

Box = tuple[float, ...]


def parse(text: str) -> list[Box] | None:
    """The boxes that a text holds; an empty list for `[]`, None when it holds no list of boxes."""
    found = [tuple(float(value) for value in box) for box in _BOX.findall(text)]
    if found:
        return found if len(found) <= MOST else None
    return [] if re.sub(r"```(?:json)?|\s", "", text) == "[]" else None


def overlap(left: Box, right: Box) -> float:
    """Intersection over union of two boxes; zero for a box without area."""
    width = min(left[2], right[2]) - max(left[0], right[0])
    height = min(left[3], right[3]) - max(left[1], right[1])
    if width <= 0 or height <= 0:
        return 0.0
    union = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (left, right)) - width * height
    return width * height / union


def matched(answer: Sequence[Box], gold: Sequence[Box]) -> int:
    """The largest number of one-to-one pairs that overlap enough, by augmenting paths."""
    near = [[i for i, box in enumerate(answer) if overlap(box, target) >= OVERLAP] for target in gold]
    partner: dict[int, int] = {}

    def place(target: int, tried: set[int]) -> bool:
        for i in near[target]:
            if i not in tried:
                tried.add(i)
                if i not in partner or place(partner[i], tried):
                    partner[i] = target
                    return True
        return False

    return sum(place(target, set()) for target in range(len(gold)))


def judge(answer: Candidate, gold: str, choices: Sequence[str] = ()) -> Verdict | None:
    """Compares boxes with the gold boxes.

    Args:
        answer: Where the response states its answer.
        gold: The right boxes, as JSON.
        choices: Not used.

    Returns:
        The verdict with F1 as its score, None when this place states no boxes.
    """
    boxes, targets = parse(answer.text), parse(gold if tagged(gold) is None else tagged(gold) or "")
    if boxes is None or targets is None:
        return None
    pairs, total = matched(boxes, targets), len(boxes) + len(targets)
    return Verdict(2 * pairs == total, 2 * pairs / total if total else 1.0, "boxes")


def check(gold: str, choices: Sequence[str] = ()) -> str | None:
    """Why this gold cannot be verified, None when it can."""
    boxes = parse(gold)
    if boxes is None:
        return f"the answer {gold[:60]!r} holds no list [x1, y1, x2, y2]"
    empty = next((box for box in boxes if overlap(box, box) == 0), None)
    return f"the box {list(empty)} has no area; write x1 < x2 and y1 < y2" if empty else None

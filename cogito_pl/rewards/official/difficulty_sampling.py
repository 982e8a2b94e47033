r"""The rewards of the code released with difficulty-aware sampling (arXiv 2511.06722): accuracy alone, no format.

Visual reasoning (kinds math, choice, chart): Math-Verify on the whole response and the gold, else the text of
`<answer>` (the whole response without one) must be the gold to the letter. Visual perception (kinds boxes, text,
number, the last for counting): boxes when the gold is a list of boxes, else text.

What it gets wrong, as measured on the released code. Reasoning: with the gold `\boxed{4}`, `<answer>4</answer>` scores
0 and `<answer> 4 </answer>` 1; `<answer>B</answer>` scores 0 for `\boxed{B}`, `0.5` for `\boxed{\frac{1}{2}}`. Boxes:
the mean overlap of the gold boxes that were met at all, so that one of three boxes scores 1, and so do five more than
there are; a fence or a missing label scores 0. Text: what holds a number is that number, either text may hold the
other, and half alike is alike: "o" and "Goggles" are Google, "13" and "30" are 3, "1" and "512" are 12, "y-2" is
`x^{2}+3`. Counting is never reached: every gold that is no list of boxes is text.
"""

import ast
import difflib
import json
import re
from collections.abc import Sequence

from cogito_pl.rewards.official import ruler
from cogito_pl.rewards.official.reading import first_answer, verified
from cogito_pl.rewards.official.variant import Variant
from cogito_pl.rewards.verifier.grade import Grade
from cogito_pl.rewards.verifier.options import STANDARD, GradeOptions

_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NAMED = re.compile(rf"\b(?:{'|'.join(_NAMES)})\b")


def grade(response: str, gold: str, kind: str, choices: Sequence[str] = (), options: GradeOptions = STANDARD) -> Grade:
    """Grades as the released code does; `choices` and `options` are not used."""
    stated = _stated(response)
    if kind in ("math", "choice", "chart"):
        score, rule = float(verified(gold, response) or stated.strip() == gold.strip()), "reasoning"
    elif (targets := _boxes(_stated(gold))) is not None:
        score, rule = box_score(_boxes(stated) or [], targets), "boxes"
    else:
        score, rule = float(similar(stated, _stated(gold))), "text"
    return Grade(score > 0, score, bool(stated.strip()), stated[:500], f"official/{rule}")


def _stated(text: str) -> str:
    found = first_answer(text)
    return text if found is None else found


def _boxes(text: str) -> list[dict] | None:
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text.strip()[:20_000])
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
        if isinstance(found, list) and all(_is_box(item) for item in found):
            return found
    return None


def _is_box(item: object) -> bool:
    corners = item.get("bbox_2d") if isinstance(item, dict) and "label" in item else None
    return isinstance(corners, list) and len(corners) == 4 and all(isinstance(side, int | float) for side in corners)


def box_score(boxes: Sequence[dict], targets: Sequence[dict]) -> float:
    """Overlap of the gold boxes that were met, weighted by area; boxes missed and boxes too many cost nothing."""
    gained = area = 0.0
    left = list(boxes)
    for target in targets:
        same = [box for box in left if box["label"] == target["label"]]
        best = max(same, key=lambda box: _overlap(box["bbox_2d"], target["bbox_2d"]), default=None)
        if best is not None and (overlap := _overlap(best["bbox_2d"], target["bbox_2d"])) > 0:
            left.remove(best)
            size = _area(target["bbox_2d"], 0)
            gained, area = gained + overlap * size, area + size
    return gained / area if area else 0.0


def _area(box: Sequence[float], pixel: int) -> float:
    return max(0.0, box[2] - box[0] + pixel) * max(0.0, box[3] - box[1] + pixel)


def _overlap(left: Sequence[float], right: Sequence[float]) -> float:
    """Intersection over union, each side a pixel longer than its corners say."""
    shared = [max(left[0], right[0]), max(left[1], right[1]), min(left[2], right[2]), min(left[3], right[3])]
    inner = _area(shared, 1)
    return inner / (_area(left, 1) + _area(right, 1) - inner) if inner else 0.0


def similar(answer: str, gold: str) -> bool:
    """Equal, one within the other, or half alike, after both became the first number that they hold."""
    left, right = _reduced(answer), _reduced(gold)
    if not left or not right:
        return False
    return left in right or right in left or difflib.SequenceMatcher(None, left, right).ratio() >= 0.5


def _reduced(text: str) -> str:
    if number := re.search(r"\d+(?:\.\d+)?", text):
        return number[0]
    if named := _NAMED.search(text.lower()):
        return str(_NAMES.index(named[0]))
    box = ruler.last_box(text)
    return re.sub(r"\s", "", (text if box == ruler.MISSING else box).lower())


VARIANT = Variant(grader=grade, weights={"accuracy": 1.0})

"""Settings by which boxes are compared, and the frames (coordinate systems) of boxes.

A gold may be an object that says how it is to be compared; each key but `boxes` may be left out:

    {"boxes": [...], "frame": "pixels", "answer_frame": "thousand", "size": [640, 480], "iou": 0.5}

Frames are never guessed. Without an `answer_frame`, response and gold are taken to share one, whichever it is, since
overlaps do not depend on it. With one, the gold is converted to it. Pixels are those of the image as the data hold
it: a model that counts the pixels of a resized image is better asked for thousandths.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

Frame = Literal["pixels", "unit", "thousand"]


@dataclass(frozen=True, kw_only=True)
class BoxOptions:
    """How boxes are compared, where the data's answer does not say it (see this module's docstring).

    Args:
        frame: Frame of the data's boxes: pixels, unit (0 to 1) or thousand (0 to 1000).
        answer_frame: Frame in which the prompt asks for boxes; null when it is the data's own, whichever that is.
        iou: Overlap (intersection over union) from which two boxes are the same.
        partial: What the score adds up: pairs that overlap enough (matched), or the overlaps themselves (overlap).
    """

    frame: Frame | None = None
    answer_frame: Frame | None = None
    iou: float = 0.5
    partial: Literal["matched", "overlap"] = "matched"

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting, its value and the remedy."""
        if not isinstance(self.iou, int | float) or not 0 < self.iou <= 1:
            raise ValueError(f"boxes.iou={self.iou!r} is no overlap; choose one above 0, at most 1, e.g. 0.5")
        if self.partial not in ("matched", "overlap"):
            raise ValueError(f"boxes.partial={self.partial!r} is unknown; choose matched or overlap")
        for name in ("frame", "answer_frame"):
            if getattr(self, name) not in (None, *get_args(Frame)):
                raise ValueError(f"boxes.{name}={getattr(self, name)!r} is no frame: {', '.join(get_args(Frame))}")


@dataclass(frozen=True)
class BoxGold:
    """A gold of boxes, taken apart.

    Args:
        text: The boxes, as the data write them.
        options: How they are compared.
        size: Width and height of the image in pixels, None when unknown.
    """

    text: str
    options: BoxOptions
    size: tuple[float, float] | None

    def scale(self) -> tuple[float, float]:
        """Factors, across and down, from the frame of the gold to that of the answer.

        Raises:
            ValueError: The gold's frame, or the size of its image, is needed and not known.
        """
        frame, answer_frame = self.options.frame, self.options.answer_frame
        if answer_frame in (None, frame):
            return (1.0, 1.0)
        if frame is None:
            raise ValueError(f"boxes.answer_frame={answer_frame} needs boxes.frame too, the frame of the data's boxes")
        if "pixels" in (frame, answer_frame) and self.size is None:
            raise ValueError(f"boxes in {frame} become {answer_frame} only with the size of their image: give size")
        units = {"pixels": self.size, "unit": (1, 1), "thousand": (1000, 1000)}
        across, down = (new / old for new, old in zip(units[answer_frame], units[frame], strict=True))
        return across, down


def _stated(gold: str) -> dict:
    try:
        stated = json.loads(gold)
    except (ValueError, RecursionError):
        stated = None
    return stated if isinstance(stated, dict) and "boxes" in stated else {"boxes": gold}


def with_options(gold: str, options: BoxOptions, size: tuple[int, int] | None) -> str:
    """The gold as an object that says how to compare; what it says itself stays.

    Args:
        gold: The answer of the data.
        options: What holds where the gold says nothing.
        size: Width and height of the image in pixels, None without an image.

    Raises:
        ValueError: The gold cannot be brought to the frame of the answer.
    """
    whole = json.dumps(asdict(options) | {"size": size} | _stated(gold))
    read(whole).scale()
    return whole


def read(gold: str) -> BoxGold:
    """Takes a gold apart.

    Raises:
        ValueError: A key or a value that cannot be used.
    """
    stated = _stated(gold)
    boxes, size = stated.pop("boxes"), stated.pop("size", None)
    if unknown := stated.keys() - {field.name for field in fields(BoxOptions)}:
        raise ValueError(f"the answer {gold[:60]!r} has the unknown key {min(unknown)!r}")
    if size is not None and not (isinstance(size, list) and len(size) == 2 and all(_positive(side) for side in size)):
        raise ValueError(f"size={size!r} is not [width, height] in pixels")
    return BoxGold(boxes if isinstance(boxes, str) else json.dumps(boxes), BoxOptions(**stated), size and tuple(size))


def _positive(side: object) -> bool:
    return isinstance(side, int | float) and side > 0

"""Masks a share of an image, as a pure function of image, ratio and seed.

Difficulty-aware sampling (arXiv 2511.06722) masks "the specified proportion of pixels" at random and leaves size and
colour of the pieces open. `pixel` is the text to the letter; `patch` hides whole cells, one visual token each, where
single pixels would leave the rest of every token visible; `rect` is what the released code does instead of either.
"""

import math
from typing import Literal, get_args

import numpy as np
from PIL import Image

from cogito_pl.policy import PromptEncoder

Operator = Literal["patch", "pixel", "rect"]
Fill = Literal["black", "mean", "gray"]
OPERATORS: tuple[str, ...] = get_args(Operator)
FILLS: tuple[str, ...] = get_args(Fill)


def mask_image(
    image: Image.Image, ratio: float, seed: int, *, operator: Operator = "patch", fill: Fill = "black", cell: int = 28
) -> Image.Image:
    """A copy of an RGB image with the share `ratio` of it painted over.

    Args:
        image: The image.
        ratio: Share to hide, from 0 (nothing) to 1 (everything).
        seed: Decides the place; another image of the same problem needs another one.
        operator: `patch` hides cells of a grid from the upper left corner, `pixel` single pixels, `rect` one rectangle.
        fill: The paint: black, the image's mean colour, or medium gray.
        cell: Side of a cell of `patch` in pixels; cells at the right and lower edge may be cut.

    Raises:
        ValueError: The ratio is not in [0, 1].
    """
    if not 0 <= ratio <= 1:
        raise ValueError(f"ratio={ratio} is not a share of an image; choose one from 0 to 1")
    pixels = np.array(image.convert("RGB"))
    hidden = hidden_pixels(image.size, ratio, seed, operator=operator, cell=cell)
    pixels[hidden] = {"black": 0, "gray": 128, "mean": pixels.reshape(-1, 3).mean(0).round()}[fill]
    return Image.fromarray(pixels)


def hidden_pixels(size: tuple[int, int], ratio: float, seed: int, *, operator: Operator, cell: int) -> np.ndarray:
    """Which pixels of an image of `size` (width, height) are hidden, `[H, W]` of bool; see `mask_image`."""
    width, height = size
    draw = np.random.default_rng(seed)
    if operator == "rect":
        return _rectangle(width, height, ratio, draw)
    side = cell if operator == "patch" else 1
    rows, columns = -(-height // side), -(-width // side)
    chosen = np.zeros(rows * columns, dtype=bool)
    chosen[np.argsort(draw.random(rows * columns))[: whole_share(ratio, rows * columns)]] = True
    return chosen.reshape(rows, columns).repeat(side, 0).repeat(side, 1)[:height, :width]


def whole_share(ratio: float, count: int) -> int:
    """floor(ratio x count), as if the ratio were the decimal number that it is written as."""
    return math.floor(ratio * count + 1e-9)


def _rectangle(width: int, height: int, ratio: float, draw: np.random.Generator) -> np.ndarray:
    """The released code's rectangle: w = floor(W sqrt(ratio)), x uniform on {0, ..., W - w}, both corners inclusive.

    The corners make it (w + 1) x (h + 1) pixels, cut at the edge. It hardly varies at high ratios: from 0.3 on every
    draw covers the centre of the image.
    """
    hidden = np.zeros((height, width), dtype=bool)
    if ratio > 0:
        w, h = (min(side, max(1, math.floor(side * math.sqrt(ratio) + 1e-9))) for side in (width, height))
        x, y = draw.integers(0, width - w, endpoint=True), draw.integers(0, height - h, endpoint=True)
        hidden[y : y + h + 1, x : x + w + 1] = True
    return hidden


def token_grid(image: Image.Image, encoder: PromptEncoder, cell: int | None = None) -> tuple[Image.Image, int]:
    """The image as the processor will scale it, so that it scales no further, and the side of a token in pixels.

    Args:
        image: A RGB image.
        encoder: Its family says how an image is scaled.
        cell: Take cells of this side instead of tokens.

    Raises:
        ValueError: The model's family does not cut images into square tokens, and no `cell` is given.
    """
    scaled, side = encoder.family.scale_image(encoder.processor, image)
    if side is None and cell is None:
        raise ValueError(
            f"the family {encoder.family.name} does not say how large its visual tokens are; set scorer.patch in pixels"
        )
    return scaled, cell or side

"""Draws a scene: one 28 x 28 pixel tile per cell, which is one image token at patch 14 and merge 2.

Every tile shows the name of its cell in small print.
"""

import math
import random
from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageDraw

from cogito_pl.playground.glyphs import stamp
from cogito_pl.playground.scene import Scene
from cogito_pl.playground.things import Bar, Digit

CELL = 28
"""Side of a cell in pixels."""

FINE = 8
"""Shapes are drawn this many times larger and then averaged down, which smooths their edges."""

PAPER = (250, 247, 240)
LINE = (226, 220, 208)
PRINT = (140, 132, 120)
LATER_PRINT = (64, 92, 190)
"""Colour of the names in a second image, so that every cell shows which image it belongs to."""
RIM = (52, 46, 44)
"""Colour of the rim of all shapes, so that a shape can be recognised by its edge alone."""
INK = {
    "red": (216, 58, 54),
    "green": (62, 160, 84),
    "blue": (52, 108, 214),
    "yellow": (244, 192, 38),
    "purple": (146, 78, 184),
}


def draw_all(scenes: Sequence[Scene], rng: random.Random) -> tuple[Image.Image, ...]:
    """One image per scene, in order; the names in every image but the first are blue."""
    return tuple(draw(scene, rng, PRINT if place == 0 else LATER_PRINT) for place, scene in enumerate(scenes))


def draw(scene: Scene, rng: random.Random, ink: tuple[int, int, int] = PRINT) -> Image.Image:
    """A RGB image of `28 * columns` x `28 * rows` pixels.

    Args:
        scene: What is drawn.
        rng: Source of small differences in size and position between two drawings of the same thing.
        ink: Colour of the cells' names.
    """
    image = Image.new("RGB", (CELL * scene.columns, CELL * scene.rows), PAPER)
    for index, (name, thing) in enumerate(scene.cells()):
        left, top = CELL * (index % scene.columns), CELL * (index // scene.columns)
        ImageDraw.Draw(image).rectangle((left, top, left + CELL - 1, top + CELL - 1), outline=LINE)
        stamp(image, left + 2, top + 2, name, ink)
        size, shift_x, shift_y = rng.choice((18, 19)), rng.choice((0, 1)), rng.choice((0, 1))
        if isinstance(thing, Bar):
            above = scene.things[index - scene.columns] if index >= scene.columns else None
            _draw_bar(image, left, top, thing, ends=above is None)
        elif isinstance(thing, Digit):
            stamp(image, left + 10 + shift_x, top + 9 + shift_y, str(thing), RIM, dot=3)
        elif thing is not None:
            sprite = _sprite(thing.colour, thing.shape, size)
            image.paste(sprite, (left + 7 + shift_x, top + 7 + shift_y), sprite)
    return image


def _draw_bar(image: Image.Image, left: int, top: int, bar: Bar, ends: bool) -> None:
    """One cell of a bar; its top cell is a little lower than the others."""
    pen, edge = ImageDraw.Draw(image), top + 3 if ends else top
    pen.rectangle((left + 10, edge, left + 24, top + CELL - 1), fill=RIM)
    pen.rectangle((left + 12, edge + 2 if ends else edge, left + 22, top + CELL - 1), fill=INK[bar.colour])


@cache
def _sprite(colour: str, shape: str, size: int) -> Image.Image:
    """One shape with a dark rim, RGBA, `size` pixels wide and high."""
    side = size * FINE
    image = Image.new("RGBA", (side, side), (*RIM, 0))
    pen = ImageDraw.Draw(image)
    _outline(pen, shape, side, 0, (*RIM, 255))
    _outline(pen, shape, side, FINE * 7 // 4, (*INK[colour], 255))
    return image.reduce(FINE)


def _outline(pen: ImageDraw.ImageDraw, shape: str, side: int, inset: int, fill: tuple[int, int, int, int]) -> None:
    """Fills a shape whose edge lies `inset` fine pixels inside the full one."""
    middle, reach = side / 2, side / 2 - inset
    if shape == "circle":
        pen.ellipse((inset, inset, side - 1 - inset, side - 1 - inset), fill=fill)
    elif shape == "square":
        edge = inset + side // 12
        pen.rectangle((edge, edge, side - 1 - edge, side - 1 - edge), fill=fill)
    elif shape == "triangle":
        pen.polygon(
            ((middle, 2.1 * inset), (side - 1 - 1.7 * inset, side - 1 - inset), (1.7 * inset, side - 1 - inset)),
            fill=fill,
        )
    elif shape == "star":
        reach -= inset * 0.6
        points = []
        for corner in range(10):
            radius = reach if corner % 2 == 0 else reach * 0.45
            angle = math.pi * (corner / 5 - 0.5)
            points.append((middle + radius * math.cos(angle), middle + side * 0.03 + radius * math.sin(angle)))
        pen.polygon(points, fill=fill)
    elif shape == "heart":
        points = []
        for step in range(60):
            turn = 2 * math.pi * step / 60
            x = 16 * math.sin(turn) ** 3
            y = 13 * math.cos(turn) - 5 * math.cos(2 * turn) - 2 * math.cos(3 * turn) - math.cos(4 * turn)
            points.append((middle + reach * x / 16, middle - reach * (y + 2.5) / 16))
        pen.polygon(points, fill=fill)
    else:
        raise ValueError(f"there is no drawing of a {shape!r}")

"""Letters and digits as small bitmaps."""

from PIL import Image, ImageDraw

GLYPHS = {
    "a": ("000", "110", "011", "101", "111"),
    "b": ("100", "100", "110", "101", "110"),
    "c": ("000", "011", "100", "100", "011"),
    "d": ("001", "001", "011", "101", "011"),
    "0": ("111", "101", "101", "101", "111"),
    "1": ("010", "110", "010", "010", "111"),
    "2": ("110", "001", "010", "100", "111"),
    "3": ("110", "001", "010", "001", "110"),
    "4": ("101", "101", "111", "001", "001"),
    "5": ("111", "100", "111", "001", "111"),
    "6": ("111", "100", "111", "101", "111"),
    "7": ("111", "001", "001", "010", "010"),
    "8": ("111", "101", "111", "101", "111"),
    "9": ("111", "101", "111", "001", "111"),
}
"""Characters of 3 x 5 dots, row by row."""


def stamp(image: Image.Image, left: int, top: int, text: str, colour: tuple[int, int, int], dot: int = 1) -> None:
    """Writes a text, with one dot between its characters.

    Args:
        image: Drawn upon.
        left: Left edge of the first character, in pixels.
        top: Upper edge, in pixels.
        text: Characters of `GLYPHS`.
        colour: Of the dots.
        dot: Side of a dot in pixels.
    """
    pen = ImageDraw.Draw(image)
    for place, sign in enumerate(text):
        for row, dots in enumerate(GLYPHS[sign]):
            for column, inked in enumerate(dots):
                if inked == "1":
                    x, y = left + dot * (4 * place + column), top + dot * row
                    pen.rectangle((x, y, x + dot - 1, y + dot - 1), fill=colour)

"""Opens and decodes images: the formats there are, upright RGB, and the size of a sound image."""

import io
import struct
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

from PIL import ExifTags, Image

Image.init()
_WANTED = ("PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
FORMATS = tuple(name for name in _WANTED if name in Image.OPEN)
"""Formats that are decoded. PostScript and metafiles are not among them: Pillow runs other programs for those."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that turns an image upright, by its EXIF orientation."""


_OPENING = threading.Lock()


def open_image(file: Path | io.BytesIO) -> Image.Image:
    """Opens an image of one of the formats by its header, whatever its size."""
    with _OPENING, warnings.catch_warnings():  # which is of the whole process: one thread at a time
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the user's own limit is checked instead
        return Image.open(file, formats=FORMATS)


def upright_rgb(image: Image.Image) -> Image.Image:
    """The image as viewers show it: turned as its EXIF data say, over white where transparent, in 8-bit RGB."""
    image.load()  # of an animation, the first frame
    turn = _TURNS.get(_orientation(image.getexif))
    image = image if turn is None else image.transpose(turn)
    if image.mode.startswith("I"):  # 16 bits; Pillow would clip them
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _orientation(exif: Callable[[], Image.Exif]) -> int:
    """The EXIF orientation, 1 to 8; broken EXIF data, which many intact images carry, count as upright."""
    try:
        orientation = exif().get(ExifTags.Base.Orientation, 1)
    except (SyntaxError, ValueError, KeyError, TypeError, IndexError, OSError, struct.error):
        return 1
    return orientation if isinstance(orientation, int) else 1


def header_size(image: Image.Image) -> tuple[int, int]:
    """Width and height once upright, without decoding."""
    # The base class's method: that of PNG decodes the whole image to find a trailing EXIF chunk.
    return _turned(image.size, _orientation(lambda: Image.Image.getexif(image)))


def decoded_size(image: Image.Image) -> tuple[int, int]:
    """Width and height once upright; raises what its decoder raises where the image is broken.

    A JPEG is scaled to an eighth while it is decoded: every byte of it is read as before, for 60% of the time.
    """
    whole = image.size
    if image.draft(None, (1, 1)) is None:  # no JPEG
        return upright_rgb(image).size
    upright_rgb(image)
    return _turned(whole, _orientation(image.getexif))


def _turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return size[::-1] if orientation >= 5 else size

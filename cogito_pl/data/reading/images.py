"""Reads the images in the cells of a table: checked once, and decoded again only when needed.

A cell may be empty, one image or a list of them; an image is its bytes, a path, or `{"bytes": ..., "path": ...}`.
"""

import hashlib
import io
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from PIL import ExifTags, Image, UnidentifiedImageError

from cogito_pl.problem import LazyImage
from cogito_pl.seeds import digest

CheckImages = Literal["decode", "header"]

Image.init()
_WANTED = ("PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
FORMATS = tuple(name for name in _WANTED if name in Image.OPEN)
"""Formats that are decoded. PostScript and metafiles are not among them: Pillow runs other programs for those."""

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".jp2", ".avif")


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


class ImageError(ValueError):
    """An image cannot be used; the message says why."""


@dataclass(frozen=True)
class StoredImage:
    """Decodes an image whose bytes are in a table, reading the cell each time: no bytes are kept in memory."""

    cell: Callable[[], Any]
    index: int

    def __call__(self) -> Image.Image:
        """The image, upright RGB."""
        return upright_rgb(_open(io.BytesIO(self._stored())))

    def digest(self) -> str:
        """Digest of the stored bytes."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        return digest(self._stored())

    def _stored(self) -> bytes:
        return _bytes(_images(self.cell())[self.index])


@dataclass(frozen=True)
class FileImage:
    """Decodes an image file."""

    path: Path

    def __call__(self) -> Image.Image:
        """The image, upright RGB."""
        with _open(self.path) as image:
            return upright_rgb(image)

    def digest(self) -> str:
        """Digest of the file's bytes, read once for as long as its size and time stay the same."""
        about = self.path.stat()
        return _file_digest(self.path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=1 << 17)
def _file_digest(path: Path, size: int, time_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()


@dataclass(frozen=True)
class ImageReader:
    """Reads the images of a cell.

    Args:
        root: Resolved folder that paths are relative to and must stay inside of.
        check: `decode` decodes every image once; `header` reads its header only.
        max_pixels: Images with more pixels are rejected before they are decoded.
    """

    root: Path
    check: CheckImages
    max_pixels: int

    def __call__(self, cell: Any, origin: str, again: Callable[[], Any] | None = None) -> tuple[LazyImage, ...]:
        """The images of a cell, in order.

        Args:
            cell: The value in the table.
            origin: File and row, for messages.
            again: Reads the same cell again later; needed where cells hold bytes.

        Raises:
            ImageError: An image is missing, broken, too large or outside of the root.
        """
        found = []
        for index, value in enumerate(_images(cell)):
            try:
                found.append(self._image(value, f"{origin} image {index + 1}", StoredImage(again, index)))
            except ImageError as error:
                raise ImageError(f"image {index + 1} {error}") from error.__cause__
        return tuple(found)

    def _image(self, value: Any, origin: str, stored: StoredImage) -> LazyImage:
        data = _bytes(value)
        if data is not None:
            return LazyImage(origin, self._size(io.BytesIO(data)), stored)
        path = value.get("path") if isinstance(value, dict) else value
        if isinstance(value, dict) and isinstance(value.get("bytes"), str):
            raise ImageError("has its bytes as text; store bytes or a path")
        if not path:
            raise ImageError("is empty")
        if not isinstance(path, str):
            raise ImageError(f"is neither bytes nor a path: {type(path).__name__}")
        file = self._inside(path)
        return LazyImage(f"{origin} ({path})", self._size(file), FileImage(file))

    def _inside(self, path: str) -> Path:
        try:
            file = (self.root / path).resolve()
            if not file.is_relative_to(self.root):
                raise ImageError(f"lies outside of image_root={self.root}: {str(file)!r}")
            if not file.is_file():
                raise ImageError(f"does not exist: {str(file)!r}")
        except ImageError:
            raise
        except (OSError, ValueError, RuntimeError) as error:  # too long a name, a null byte, a loop of links
            raise ImageError(f"has no valid path: {path[:80]!r}") from error
        return file

    def _size(self, file: Path | io.BytesIO) -> tuple[int, int]:
        """Width and height once upright."""
        try:
            with _open(file) as image:
                if image.width * image.height > self.max_pixels:
                    raise ImageError(f"has {image.width} x {image.height} pixels: more than {self.max_pixels} in total")
                if self.check == "decode":
                    return upright_rgb(image).size
                # The base class's method: that of PNG decodes the whole image to find a trailing EXIF chunk.
                turned = _orientation(lambda: Image.Image.getexif(image)) >= 5
                return image.size[::-1] if turned else image.size
        except ImageError:
            raise
        except (UnidentifiedImageError, Image.DecompressionBombError) as error:
            bomb = isinstance(error, Image.DecompressionBombError)
            reason = "too large" if bomb else f"not one of {', '.join(FORMATS)}"
            raise ImageError(f"cannot be opened: {reason}") from error
        except Exception as error:  # decoders raise whatever broken bytes lead them to
            raise ImageError(f"cannot be decoded: {error}") from error


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


def looks_like_images(value: Any) -> bool:
    """Whether a cell seems to hold images, judged by its structure and the suffixes of file names."""
    first = next(iter(value), None) if isinstance(value, list) else value
    if isinstance(first, dict):
        return bool(first) and first.keys() <= {"bytes", "path"}
    return isinstance(first, bytes) or (isinstance(first, str) and first.lower().endswith(SUFFIXES))


def _images(cell: Any) -> list[Any]:
    """The entries of a cell; none where it is empty."""
    if isinstance(cell, list):
        return cell
    empty = not cell or (isinstance(cell, dict) and not cell.get("bytes") and not cell.get("path"))
    return [] if empty else [cell]


def _bytes(value: Any) -> bytes | None:
    data = value.get("bytes") if isinstance(value, dict) else value
    return data if isinstance(data, bytes) and data else None


def _open(file: Path | io.BytesIO) -> Image.Image:
    with warnings.catch_warnings():  # the size is checked against the user's limit instead
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(file, formats=FORMATS)

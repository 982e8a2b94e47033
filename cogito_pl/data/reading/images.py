"""Reads the images in the cells of a table: checked once, and decoded again only when needed.

A cell may be empty, one image or a list of them; an image is its bytes, a path, or `{"bytes": ..., "path": ...}`.
"""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from PIL import Image, UnidentifiedImageError

from cogito_pl.data.reading.checked_images import CheckedImages, content_name, file_name
from cogito_pl.data.reading.decoding import FORMATS, decoded_size, header_size, open_image, upright_rgb
from cogito_pl.problem import LazyImage
from cogito_pl.seeds import digest

CheckImages = Literal["decode", "header"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".jp2", ".avif")


class ImageError(ValueError):
    """An image cannot be used; the message says why."""


@dataclass(frozen=True)
class StoredImage:
    """Decodes an image whose bytes are in a table, reading the cell each time: no bytes are kept in memory."""

    cell: Callable[[], Any]
    index: int

    def __call__(self) -> Image.Image:
        """The image, upright RGB."""
        return upright_rgb(open_image(io.BytesIO(self._stored())))

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
        with open_image(self.path) as image:
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
        checked: Images that were decoded before, which `decode` then leaves out.
    """

    root: Path
    check: CheckImages
    max_pixels: int
    checked: CheckedImages | None = None

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
            return LazyImage(origin, self._size(data), stored)
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

    def _size(self, image: Path | bytes) -> tuple[int, int]:
        """Width and height once upright, known from a check before or found by one now."""
        if self.checked is None or self.check == "header":
            return self._found_size(image)
        name = content_name(image) if isinstance(image, bytes) else file_name(image, self.root)
        size = self.checked.size(name)
        if size is None or size[0] * size[1] > self.max_pixels:
            size = self._found_size(image)
            self.checked.add(name, size)
        return size

    def _found_size(self, image: Path | bytes) -> tuple[int, int]:
        try:
            if self.check == "decode" and isinstance(image, Path):
                image = image.read_bytes()  # at once, since threads take turns at opening images
            with open_image(image if isinstance(image, Path) else io.BytesIO(image)) as opened:
                width, height = opened.size
                if width * height > self.max_pixels:
                    raise ImageError(f"has {width} x {height} pixels: more than {self.max_pixels} in total")
                return decoded_size(opened) if self.check == "decode" else header_size(opened)
        except ImageError:
            raise
        except (UnidentifiedImageError, Image.DecompressionBombError) as error:
            bomb = isinstance(error, Image.DecompressionBombError)
            reason = "too large" if bomb else f"not one of {', '.join(FORMATS)}"
            raise ImageError(f"cannot be opened: {reason}") from error
        except Exception as error:  # decoders raise whatever broken bytes lead them to
            raise ImageError(f"cannot be decoded: {error}") from error


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

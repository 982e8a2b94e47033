"""Remembers which images were decoded without an error, so that ranks and later runs need not decode them again.

The manifest is `.checked_images.jsonl` in the folder of the data, or a file in the user's cache folder where that one
cannot be written to. Each line is an image's name, width and height. The name holds all that the check depends on: of a
file its path, size and times of change, of an image in a table its digest, and the version of the decoder; so an image
that is replaced has another name, and is checked again. Lines are only ever added, each after a line break of its own,
so that one which a killed process left half-written costs no other.
"""

import fcntl
import json
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import PIL

from cogito_pl.seeds import digest

_log = logging.getLogger(__name__)
MANIFEST = ".checked_images.jsonl"
_KEPT_BACK = 256  # lines in memory before they are written: what a kill loses

Size = tuple[int, int]


def file_name(path: Path, root: Path) -> str:
    """Names the content of an image file by path, bytes and times of change, which no copy can preserve all of."""
    state = path.stat()
    times = f"{state.st_mtime_ns} {state.st_ctime_ns}"
    return f"{path.relative_to(root)} {state.st_size} {times} Pillow {PIL.__version__}"


def content_name(data: bytes) -> str:
    """Names an encoded image by its bytes."""
    return f"{digest(data, 16)} Pillow {PIL.__version__}"


class CheckedImages:
    """Sizes of the images of one folder that were decoded without an error. Threads may share it.

    The first image that is unknown waits until no other process decodes images of this folder, and takes over what that
    one found: of ranks that start together, one decodes. When the context ends, the next may.

    Args:
        root: Resolved folder of the data.
        announce: Say in a warning that another process is waited for.
    """

    def __init__(self, root: Path, announce: bool = True) -> None:
        self._root, self._announce = root, announce
        self._manifests = (root / MANIFEST, cache_folder() / f"{digest(str(root), 16)}.jsonl")
        self._thread = threading.Lock()
        self._file: BinaryIO | None = None
        self._tried = False
        self._lines: list[str] = []
        self._sizes: dict[str, Size] | None = None

    def size(self, name: str) -> Size | None:
        """Width and height of the image, upright; None where it is to be decoded."""
        with self._thread:
            if self._sizes is None:
                self._sizes = dict(self._stored())
            if name not in self._sizes and not self._tried:
                self._tried = True
                self._file = self._open()
                self._sizes.update(self._stored())
            return self._sizes.get(name)

    def add(self, name: str, size: Size) -> None:
        """Remembers an image that was decoded without an error, after `size` did not know it."""
        with self._thread:
            self._sizes[name] = size
            self._lines.append("\n" + json.dumps([name, *size]))
            if len(self._lines) >= _KEPT_BACK:
                self._write()

    def __enter__(self) -> "CheckedImages":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._thread:
            self._write()
            if self._file is not None:
                self._file.close()  # and others may go on
                self._file = None

    def _stored(self) -> Iterator[tuple[str, Size]]:
        for manifest in self._manifests:
            try:
                lines = manifest.read_bytes().split(b"\n") if manifest.is_file() else []
            except OSError:  # somebody else's, who lets nobody read it
                continue
            for line in lines:
                try:
                    name, width, height = json.loads(line)
                except (ValueError, TypeError):  # cut off by a kill: that image is decoded again
                    continue
                yield name, (width, height)

    def _open(self) -> BinaryIO | None:
        """Opens the first manifest that can be written to and waits for the process that has it."""
        for manifest in self._manifests:
            try:
                manifest.parent.mkdir(parents=True, exist_ok=True)
                file = manifest.open("ab", buffering=0)
            except OSError as error:
                reason = error
                continue
            self._wait_for(file)
            return file
        _log.warning("%s: checked images cannot be remembered, so every start decodes them: %s", self._root, reason)
        return None

    def _wait_for(self, file: BinaryIO) -> None:
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._announce:
                    _log.warning("%s: another process checks these images; waiting for it", self._root)
                fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            _log.warning("%s: no file lock (%s), so every process checks the images itself", self._root, error)

    def _write(self) -> None:
        if self._file is None or not self._lines:
            return
        try:
            self._file.write("".join(self._lines).encode())
        except OSError as error:
            _log.warning("%s: checked images are no longer remembered: %s", self._root, error)
            self._file.close()
            self._file = None
        self._lines.clear()


def cache_folder() -> Path:
    """Where manifests lie whose data folder cannot be written to."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cogito_pl" / "checked_images"

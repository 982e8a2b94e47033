"""Rows of Arrow tables and JSON files as plain dictionaries, each with its file and row number."""

import codecs
import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import ClassLabel, Dataset

from cogito_pl.data.reading.images import looks_like_images

_BATCH = 32  # rows whose images are in memory at once
_SNIFFED = 100  # rows that are looked at to tell which columns hold file names of images


@dataclass(frozen=True)
class Row:
    """One row.

    Args:
        file: The file it is in.
        number: Line of a JSON Lines file, row of any other file; both from 1.
        cells: Its values by column; columns that it lacks may be absent.
        fault: Why the row could not be read; empty where it could.
        again: Reads the value of a column again later, so that it need not be kept.
    """

    file: str
    number: int
    cells: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    again: Callable[[str], Any] | None = None


class JsonTable:
    """Rows of JSON files, read line by line, so that a broken line loses one row and columns may mix types.

    Args:
        files: Each file with its name for messages.
        limit: Read only this many rows, from the first.
    """

    def __init__(self, files: Sequence[tuple[Path, str]], limit: int | None) -> None:
        every = chain.from_iterable(_json_rows(path, name) for path, name in files)
        self._rows = list(islice(every, limit))
        self.columns = tuple(dict.fromkeys(chain.from_iterable(row.cells for row in self._rows)))
        seen = [row.cells for row in self._rows[:_SNIFFED]]
        self.image_columns = tuple(c for c in self.columns if any(looks_like_images(row.get(c)) for row in seen))

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, named: Sequence[str]) -> Iterator[Row]:
        """Every row with all its columns."""
        return iter(self._rows)


class ArrowTable:
    """Rows of a memory-mapped data set, read batch by batch without decoding images.

    Args:
        dataset: The data set.
        files: The files it was made of, in order, each with its number of rows.
        limit: Read only this many rows, from the first.
    """

    def __init__(self, dataset: Dataset, files: Sequence[tuple[str, int]], limit: int | None) -> None:
        if limit is not None and limit < len(dataset):
            dataset = dataset.select(range(limit))
        self._data = dataset.with_format("arrow")
        self._files = [name for name, _ in files]
        self._starts = [0, *accumulate(rows for _, rows in files)][: len(files)]
        self._labels = {c: f.names for c, f in dataset.features.items() if isinstance(f, ClassLabel)}
        self._types = {c: pa_field.type for c, pa_field in zip(dataset.column_names, dataset.data.schema, strict=True)}
        self.columns = tuple(dataset.column_names)
        texts = [
            c for c, kind in self._types.items() if _is_text(kind) or (_is_list(kind) and _is_text(kind.value_type))
        ]
        seen = self._data.select_columns(texts)[:_SNIFFED].to_pydict() if texts else {}
        self.image_columns = tuple(
            c for c in self.columns if _holds_images(self._types[c]) or any(map(looks_like_images, seen.get(c, [])))
        )

    def __len__(self) -> int:
        return len(self._data)

    def rows(self, named: Sequence[str]) -> Iterator[Row]:
        """Every row with the named columns and all columns of plain text, numbers and booleans."""
        chosen = [c for c in self.columns if c in named or _is_plain(self._types[c])]
        position = 0
        for batch in self._data.select_columns(chosen).iter(_BATCH):
            values = batch.to_pydict()
            for column in values.keys() & self._labels.keys():
                names = self._labels[column]
                values[column] = [None if v is None or v < 0 else names[v] for v in values[column]]
            for cells in zip(*values.values(), strict=True):
                file = bisect_right(self._starts, position) - 1
                row = dict(zip(values, cells, strict=True))
                again = _Cell(self._data, position)
                yield Row(self._files[file], position - self._starts[file] + 1, row, again=again)
                position += 1


@dataclass(frozen=True, repr=False)
class _Cell:
    """Reads cells of one row of a memory-mapped table; small when pickled."""

    data: Dataset
    position: int

    def __call__(self, column: str) -> Any:
        return self.data[self.position][column][0].as_py()


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _is_plain(kind: pa.DataType) -> bool:
    return _is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)


def _holds_images(kind: pa.DataType) -> bool:
    """Whether the type is that of images: bytes, or a structure of bytes and path, or a list of either."""
    if _is_list(kind):
        return _holds_images(kind.value_type)
    if pa.types.is_struct(kind):
        return {member.name for member in kind} == {"bytes", "path"}
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _json_rows(path: Path, name: str) -> Iterator[Row]:
    with path.open("rb") as file:
        head = file.read(4096).removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        file.seek(0)
        if head == b"[":
            try:
                values = json.loads(file.read().removeprefix(codecs.BOM_UTF8))
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{name} is not valid JSON: {error}") from error
            yield from (_json_row(name, number, value) for number, value in enumerate(values, start=1))
            return
        for number, line in enumerate(file, start=1):
            text = line.removeprefix(codecs.BOM_UTF8).strip()
            if not text:
                continue
            try:
                yield _json_row(name, number, json.loads(text))
            except (ValueError, RecursionError) as error:
                yield Row(name, number, fault=f"the line is not valid JSON: {error}")


def _json_row(name: str, number: int, value: Any) -> Row:
    if not isinstance(value, dict):
        return Row(name, number, fault=f"the row is a {type(value).__name__}, not an object of columns and values")
    return Row(name, number, value)

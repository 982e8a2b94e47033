"""Reads the rows of a benchmark as rows that any source could have: question, answer, images, kind, choices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cogito_pl.data.reading.folders import Table, open_table
from cogito_pl.data.reading.tables import Row
from cogito_pl.evaluation.benchmark import Benchmark, Item, Part

COLUMNS = ("id", "question", "answer", "images", "kind", "choices")


@dataclass(frozen=True)
class _Images:
    """Reads the images of a row again; small when pickled."""

    row: Row
    columns: tuple[str, ...]

    def __call__(self, column: str) -> list[Any]:
        return _gathered([self.row.again(name) for name in self.columns])


class BenchmarkTable:
    """The rows of all parts of a benchmark, each as the problem that it asks.

    Args:
        benchmark: Says how.

    Raises:
        FileNotFoundError: The data are not there; the message has the command that fetches them.
        ValueError: They have other splits, configurations or columns than the benchmark.
    """

    columns = COLUMNS
    image_columns = ("images",)

    def __init__(self, benchmark: Benchmark) -> None:
        self._benchmark = benchmark
        self._parts = [(part, table) for part in benchmark.repo.parts for table in open_part(benchmark, part)]

    def __len__(self) -> int:
        return sum(len(table) for _, table in self._parts)

    def rows(self, named: Sequence[str]) -> Iterator[Row]:
        """Every row; one that the benchmark cannot ask has the reason as its fault."""
        read = (*self._benchmark.columns, *self._benchmark.optional)
        for part, table in self._parts:
            yield from (self._asked(row, part) for row in table.rows(read))

    def _asked(self, row: Row, part: Part) -> Row:
        if row.fault:
            return row
        try:
            item = self._benchmark.item(row.cells, part)
        except ValueError as error:
            return Row(row.file, row.number, fault=str(error))
        return Row(row.file, row.number, self._cells(row, item), again=row.again and _Images(row_of(row), item.images))

    def _cells(self, row: Row, item: Item) -> dict[str, Any]:
        images = _gathered([row.cells.get(column) for column in item.images])
        return {
            **item.meta,
            "id": item.id,
            "question": self._benchmark.asked(item),
            "answer": item.answer,
            "images": images,
            "kind": item.kind,
            "choices": list(item.choices),
        }


def open_part(benchmark: Benchmark, part: Part) -> list[Table]:
    """The rows of one split and configuration, as they stand in the files; see `BenchmarkTable` for what it raises.

    Files that have the names that `push_to_hub` gives them are opened as they are, which takes a tenth of the time that
    the folder's README.md takes; all others are found by it.
    """
    if not benchmark.folder.exists():
        raise FileNotFoundError(missing(benchmark))
    source = benchmark.source
    shards = sorted((benchmark.folder / (part.subset or "data")).glob(f"{part.split}-*-of-*.parquet"))
    wanted = [replace(source, path=str(file)) for file in shards]
    try:
        tables = [open_table(one) for one in wanted or [replace(source, subset=part.subset, split=part.split)]]
    except ValueError as error:
        raise ValueError(
            f"{error}. Benchmark {benchmark.name} is read as it is laid out on the Hub, with its README.md; fetch it "
            f"again: {benchmark.repo.fetch_command(benchmark.root)}"
        ) from error
    if lacking := [column for column in benchmark.columns if column not in tables[0].columns]:
        raise ValueError(
            f"benchmark {benchmark.name}: {benchmark.folder} lacks the columns {', '.join(lacking)} of "
            f"{benchmark.repo.id}; it has {', '.join(tables[0].columns)}: correct data.benchmarks, or fetch it: "
            f"{benchmark.repo.fetch_command(benchmark.root)}"
        )
    return tables


def missing(benchmark: Benchmark) -> str:
    """Says where the data were looked for, and how to fetch them."""
    granted = " (its owners must grant you access on the Hub first)" if benchmark.repo.gated else ""
    return (
        f"benchmark {benchmark.name}: {benchmark.folder} does not exist; fetch it{granted}: "
        f"{benchmark.repo.fetch_command(benchmark.root)}, or set `root` or `path` of data.benchmarks"
    )


def row_of(row: Row) -> Row:
    """The row without its values, which are read again from the table."""
    return replace(row, cells={})


def _gathered(cells: Sequence[Any]) -> list[Any]:
    """The images of several cells, in order: each holds one, a list of them, or none."""
    found: list[Any] = []
    for cell in cells:
        found += cell if isinstance(cell, list) else [] if _is_empty(cell) else [cell]
    return found


def _is_empty(cell: Any) -> bool:
    return not cell or (isinstance(cell, dict) and not cell.get("bytes") and not cell.get("path"))

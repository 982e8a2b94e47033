"""What came of grading a file: counts to print, rows to write. Knows no verifier."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cogito_pl.rewards.regrade import BadLine, Graded, written

SHOWN = 20
"""Bad lines that are listed; all are counted."""
VERDICTS = ("right", "wrong", "unparsed")


class Tally:
    """Counts of verdicts by kind and rule."""

    def __init__(self) -> None:
        self.graded = 0
        self._counts: dict[tuple[str, str], Counter[str]] = {}
        self._bad: list[BadLine] = []
        self._bad_lines = self._with_own = 0

    def add(self, line: Graded | BadLine) -> None:
        """Counts a line."""
        if isinstance(line, BadLine):
            self._bad_lines += 1
            self._bad += [line] if len(self._bad) < SHOWN else []
            return
        self.graded += 1
        self._with_own += line.row.own_verdict is not None
        counts = self._counts.setdefault((line.row.problem.kind, line.grade.rule), Counter())
        counts.update([line.verdict] + ["differs"] * line.differs)

    def show(self, console: Console, counters: Mapping[str, int]) -> None:
        """Prints the counts, the bad lines, and what the pool counted apart."""
        table = Table("kind", "rule", *VERDICTS, "differs", title=f"{self.graded} completions")
        for column in table.columns[2:]:
            column.justify = "right"
        total: Counter[str] = Counter()
        for kind in dict.fromkeys(kind for kind, _ in sorted(self._counts)):
            rules = {rule: counts for (of, rule), counts in self._counts.items() if of == kind}
            for rule, counts in sorted(rules.items(), key=lambda rule: -rule[1].total()):
                table.add_row(kind, escape(rule), *_cells(counts))
            of_kind = sum(rules.values(), Counter())
            table.add_row(kind, "all", *_cells(of_kind), style="bold", end_section=True)
            total += of_kind
        table.add_row("all", "all", *_cells(total), style="bold")
        console.print(table)
        if self._with_own:
            console.print(f"{total['differs']} of {self._with_own} verdicts differ from the file's own.")
        odd = {name: counters[name] for name in ("deadline", "died", "errors") if counters[name]}
        if odd:
            console.print("Unparsed for want of time or by a fault: " + ", ".join(f"{k} {v}" for k, v in odd.items()))
        if self._bad_lines:
            console.print(f"{self._bad_lines} lines could not be graded:", style="red")
            for bad in self._bad:
                console.print(f"  line {bad.number}: {bad.reason}", markup=False, soft_wrap=True)
            if self._bad_lines > len(self._bad):
                console.print(f"  ... and {self._bad_lines - len(self._bad)} more")


def _cells(counts: Counter[str]) -> list[str]:
    return [str(counts[name]) if counts[name] else "" for name in (*VERDICTS, "differs")]


class Rows:
    """Writes graded rows to a file that is there only when all of them are; to nowhere without a path.

    Args:
        path: The file, replaced when it exists.
    """

    def __init__(self, path: Path | None) -> None:
        self.path, self._file = path, None

    def __enter__(self) -> Self:
        if self.path:
            self._part = self.path.with_name(self.path.name + ".part")
            self._file = self._part.open("w", encoding="utf-8", errors="backslashreplace")
        return self

    def add(self, line: Graded | BadLine) -> None:
        """Writes a line; bad ones are left out."""
        if self._file and isinstance(line, Graded):
            self._file.write(written(line))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()
            os.replace(self._part, self.path) if error is None else self._part.unlink()

"""`python -m cogito_pl.rewards`: grade a file of completions again."""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cogito_pl.rewards.config import RewardConfig
from cogito_pl.rewards.official import OFFICIAL
from cogito_pl.rewards.regrade import BadLine, Columns, Graded, read, regrade, writing
from cogito_pl.rewards.reward import Reward
from cogito_pl.rewards.verifier.grade import VERDICTS

SHOWN = 20
"""Bad lines that are listed; all are counted."""


def build_parser() -> argparse.ArgumentParser:
    """The command and its settings."""
    parser = argparse.ArgumentParser(prog="python -m cogito_pl.rewards", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("grade", help="grade a file of completions again", description=_grade.__doc__)
    command.add_argument("file", type=Path, help="JSON lines, such as rollouts.rank0.jsonl of a run")
    command.add_argument("--out", type=Path, metavar="FILE", help="write the rows with their verdicts there")
    described = dict(line.strip().split(": ", 1) for line in Columns.__doc__.splitlines() if ": " in line)
    for column in fields(Columns):
        about = f"column ({column.default} by default): {described[column.name]}"
        command.add_argument(f"--{column.name}", default=column.default, metavar="COLUMN", help=about)
    command.add_argument("--every-kind", metavar="KIND", help="the kind of rows that state none")
    command.add_argument(
        "--variant",
        choices=("default", *OFFICIAL),
        help="whose grader: ours (default), or that of a paper's released code",
    )
    command.add_argument("--workers", type=int, metavar="N", help="processes that grade; 2 by default")
    command.add_argument("--deadline", type=float, metavar="S", help="seconds for one completion; 5 by default")
    command.add_argument("--config", type=Path, metavar="FILE", help="config.yaml of a run; its reward settings hold")
    command.set_defaults(command=_grade)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; a setting that makes no sense ends it with a message."""
    parser = build_parser()
    settings = parser.parse_args(arguments)
    try:
        return settings.command(settings)
    except (ValueError, OSError) as error:
        parser.error(str(error))


def _grade(settings: argparse.Namespace) -> int:
    """Grades every line with the verifier of training and evaluation.

    Prints counts of correct, wrong and unparsed responses by kind and rule, how many verdicts differ from the file's
    own, and the lines that cannot be graded. The exit status is 1 when none can.
    """
    if settings.out and settings.out.resolve() == settings.file.resolve():
        raise ValueError(f"--out {settings.out} is the file that is graded; choose another")
    columns = Columns(**{column.name: getattr(settings, column.name) for column in fields(Columns)})
    reward, tally = Reward(_reward_config(settings)), Tally()
    shape = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]} rows"),
        TimeRemainingColumn(),
    )
    try:
        with Progress(*shape, console=Console(stderr=True)) as progress, writing(settings.out) as write:
            task = progress.add_task(settings.file.name, total=settings.file.stat().st_size, rows=0)
            for size, done in regrade(read(settings.file, columns, settings.every_kind, reward), reward):
                for line in done:
                    tally.add(line)
                    if isinstance(line, Graded):
                        write(line)
                progress.update(task, advance=size, rows=tally.graded)
    finally:
        reward.close()
    tally.show(Console(), reward.counters)
    return 0 if tally.graded else 1


def _reward_config(settings: argparse.Namespace) -> RewardConfig:
    config = _of_run(settings.config) if settings.config else RewardConfig()
    flags = {"variant": settings.variant, "workers": settings.workers, "deadline_s": settings.deadline}
    return replace(config, **{name: value for name, value in flags.items() if value is not None})


def _of_run(path: Path) -> RewardConfig:
    """The reward settings of a run's config.yaml."""
    import jsonargparse
    import yaml

    run = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        stated = run["model"]["init_args"]["reward"]
    except (KeyError, TypeError):
        raise ValueError(f"{path} has no model.init_args.reward; give the config.yaml of a run") from None
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--reward", type=RewardConfig)
    try:
        return parser.instantiate(parser.parse_object({"reward": stated})).reward
    except jsonargparse.ArgumentError as error:
        raise ValueError(f"{path}: {error}") from None


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
        counts.update([line.grade.verdict] + ["differs"] * line.differs)

    def show(self, console: Console, counters: Mapping[str, int]) -> None:
        """Prints the counts, the bad lines, and what the pool counted apart."""
        table = Table("kind", "rule", "correct", "wrong", "unparsed", "differs", title=f"{self.graded} completions")
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
            counted = ", ".join(f"{name} {count}" for name, count in odd.items())
            console.print(f"Unparsed because grading ran out of time or failed: {counted}")
        if self._bad_lines:
            console.print(f"{self._bad_lines} lines could not be graded:", style="red")
            for bad in self._bad:
                console.print(f"  line {bad.number}: {bad.reason}", markup=False, soft_wrap=True)
            if self._bad_lines > len(self._bad):
                console.print(f"  ... and {self._bad_lines - len(self._bad)} more")


def _cells(counts: Counter[str]) -> list[str]:
    return [str(counts[name]) if counts[name] else "" for name in (*VERDICTS, "differs")]


if __name__ == "__main__":
    raise SystemExit(main())

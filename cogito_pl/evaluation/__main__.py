"""`python -m cogito_pl.evaluation`: which benchmarks are on this machine, how to fetch the others, what they ask."""

import argparse
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cogito_pl.evaluation.benchmark import ROOT, Benchmark
from cogito_pl.quiet import silence_libraries

_SHOWN = 3


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m cogito_pl.evaluation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    listed = commands.add_parser("list", help="what is there, and how to fetch what is not", description=_list.__doc__)
    shown = commands.add_parser("show", help="problems of a benchmark", description=_show.__doc__)
    shown.add_argument("name", help="name of a benchmark, as `list` prints it")
    for command, run in ((listed, _list), (shown, _show)):
        command.add_argument(
            "--root", default=ROOT, help="folder of the data sets, as <root>/<owner>/<name> (%(default)s)"
        )
        command.set_defaults(command=run)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command; a mistake ends it with a message."""
    parser = build_parser()
    settings = parser.parse_args(arguments)
    silence_libraries()
    try:
        settings.command(settings)
    except (ValueError, OSError) as error:
        parser.error(str(error))


def _list(settings: argparse.Namespace) -> None:
    """Lists all benchmarks: rows that are there of those there should be, the metric, and what fetches the others."""
    from cogito_pl.evaluation.benchmarks import BENCHMARKS

    table = Table("benchmark", "data on the Hub", "rows", "numbers", box=None, pad_edge=False)
    missing: list[str] = []
    for kind in BENCHMARKS.values():
        benchmark = kind(root=settings.root)
        rows, fault = _rows(benchmark)
        if rows is None:
            missing.append(benchmark.repo.fetch_command(settings.root) + "  # gated" * benchmark.repo.gated)
        numbers = (type(benchmark).aggregate.__doc__ or "").rstrip(".")
        needs = "; needs a judge" if benchmark.unusable() else ""
        count = f"{rows:,} of {benchmark.rows:,}" if rows is not None else fault
        table.add_row(benchmark.name, benchmark.repo.id, count, escape(numbers + needs))
    console = Console(width=max(Console().width, 110))
    console.print(table)
    if missing:
        print("\nfetch what is missing, in a shell of its own:", *missing, sep="\n  ")


def _rows(benchmark: Benchmark) -> tuple[int | None, str]:
    """How many rows there are; None, and the reason, where they cannot be read."""
    from cogito_pl.evaluation.table import BenchmarkTable

    if not benchmark.folder.is_dir():
        return None, "missing"
    try:
        return len(BenchmarkTable(benchmark)), ""
    except ValueError as error:
        return None, escape(str(error))


def _show(settings: argparse.Namespace) -> None:
    """Prints the first problems of a benchmark as they are asked, before a recipe's own instruction is added."""
    from cogito_pl.data.reading.reader import read_source
    from cogito_pl.evaluation.benchmarks import BENCHMARKS
    from cogito_pl.evaluation.table import BenchmarkTable
    from cogito_pl.rewards import check_gold
    from cogito_pl.rewards.verifier.registry import SHIPPED

    if settings.name not in BENCHMARKS:
        raise ValueError(f"there is no benchmark {settings.name!r}; choose one of {', '.join(BENCHMARKS)}")
    benchmark = BENCHMARKS[settings.name](root=settings.root, limit=_SHOWN)
    verifiers = {**SHIPPED, **benchmark.verifiers}
    result = read_source(
        benchmark.source,
        table=BenchmarkTable(benchmark),
        rejection_limit=1.0,
        check_images="header",
        check=lambda problem: (
            None if benchmark.unusable() else check_gold(problem.answer, problem.kind, problem.choices, verifiers)
        ),
    )
    for problem in islice(result.problems, _SHOWN):
        sizes = ", ".join("{} x {}".format(*image.size) for image in problem.images) or "none"
        print(f"--- {problem.id}  (images: {sizes})\n{problem.question}\n=> {problem.answer}  [{problem.kind}]")
    for rejection in result.rejections:
        print(f"--- rejected: {Path(rejection.file).name} row {rejection.row}: {rejection.reason}")


if __name__ == "__main__":
    main()

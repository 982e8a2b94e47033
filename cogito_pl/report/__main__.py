"""Writes the page of a run, or of an ablation: `python -m cogito_pl.report RUN`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cogito_pl.report.run_folder import NoRunError


def build_parser() -> argparse.ArgumentParser:
    """The folder, and the file of the page."""
    parser = argparse.ArgumentParser("python -m cogito_pl.report", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "run",
        type=Path,
        metavar="RUN",
        help="log folder of a fit, a validate or a predict, running or done; of several versions in it, the newest. Or "
        "the folder of an ablation",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="the page; report.html in the folder by default")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the page that the command line asks for, and prints where it is."""
    parser = build_parser()
    given = parser.parse_args(arguments)
    # Imported after --help and mistakes of the command line.
    from cogito_pl.experiments.ablation.results import FILE
    from cogito_pl.report.ablation_page import write_ablation_page
    from cogito_pl.report.run_page import write_report

    write = write_ablation_page if (given.run / FILE).is_file() else write_report
    try:
        print(write(given.run, given.out))
    except (NoRunError, OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()

"""`python -m cogito_pl.difficulty`: prints the strata of scores by other limits, and writes them, without a model."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from cogito_pl.data.score_files import ScoreFile
from cogito_pl.data.strata import COLUMNS, StrataConfig
from cogito_pl.difficulty.report import report_scores
from cogito_pl.difficulty.scores import stated_limits, with_strata, write_scores


def build_parser() -> argparse.ArgumentParser:
    """The command and its settings."""
    parser = argparse.ArgumentParser(prog="python -m cogito_pl.difficulty", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    again = commands.add_parser("restratify", help="strata by other limits", description=restratify.__doc__)
    again.add_argument("file", metavar="FILE", type=Path, help="scores that `train.py predict` wrote")
    limits = again.add_mutually_exclusive_group()
    limits.add_argument("--thresholds", type=float, nargs="+", metavar="LIMIT", help="as data.strata.thresholds")
    limits.add_argument("--quantiles", type=float, nargs=2, metavar="SHARE", help="as data.strata.quantiles")
    again.add_argument("--seven", choices=("medium", "easy"), default="medium", help="as data.strata.seven")
    again.add_argument("--out", type=Path, help="write the scores with these strata to a new .parquet file")
    again.set_defaults(command=restratify)
    return parser


def restratify(settings: argparse.Namespace) -> None:
    """Prints how many problems are in each stratum by these limits, and by those that the file states."""
    if not settings.file.is_file():
        raise FileNotFoundError(f"{settings.file} is no file; name scores that train.py predict wrote")
    file = ScoreFile.of(settings.file)
    config = StrataConfig(
        scorer=scorer_of(file),
        file=str(settings.file),
        thresholds=tuple(settings.thresholds) if settings.thresholds else None,
        quantiles=tuple(settings.quantiles) if settings.quantiles else None,
        seven=settings.seven,
    )
    rows, console = with_strata(file.rows, config), Console()
    if settings.out is not None:
        if settings.out.suffix != ".parquet":
            raise ValueError(f"--out={settings.out} is no .parquet file; name one")
        write_scores(settings.out, rows, {**file.about, "strata": stated_limits(config)})
    before = file.rows if "stratum" in file.rows[0] else None
    about = file.about.get("scorer", {})
    report_scores(console, rows, config.score_column, config, about, settings.out, before)
    if settings.out is not None:
        console.print(f"scores: {settings.out}", soft_wrap=True, highlight=False)


def scorer_of(file: ScoreFile) -> str:
    """The scorer whose scores a file holds, by its columns.

    Raises:
        ValueError: It holds no problem, or scores of no shipped scorer.
    """
    if not file.rows:
        raise ValueError(f"{file.path} holds no problem")
    found = [scorer for scorer, column in COLUMNS.items() if column in file.rows[0]]
    if not found:
        raise ValueError(f"{file.path} has none of the columns {', '.join(COLUMNS.values())}: it has no strata")
    return found[0]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command; a wrong setting ends it with a message."""
    parser = build_parser()
    settings = parser.parse_args(arguments)
    try:
        settings.command(settings)
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()

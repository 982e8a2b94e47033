"""`python -m cogito_pl.data`: make multiple choice open-ended, hold out a validation split, or write problems of tasks.

Writes JSON Lines.
"""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import get_args

from cogito_pl.data.reading.formats import FORMATS
from cogito_pl.data.source import AnswerIn, Columns, Source
from cogito_pl.rewards import KINDS


def build_parser() -> argparse.ArgumentParser:
    """The commands and their settings."""
    parser = argparse.ArgumentParser(prog="python -m cogito_pl.data", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    form = {"formatter_class": argparse.ArgumentDefaultsHelpFormatter}
    source = argparse.ArgumentParser(add_help=False)
    source.add_argument("path", metavar="IN", help="folder laid out as on the Hub, or a .parquet, .jsonl or .json file")
    source.add_argument(
        "out",
        metavar="OUT",
        type=Path,
        help="folder to write to; rerun with the same settings to continue a killed run",
    )
    source.add_argument("--subset", help="the configuration that the folder's README names")
    source.add_argument("--split", default="train", help="the split of the folder")
    source.add_argument("--format", choices=FORMATS, default="columns", help="how a row holds a problem")
    source.add_argument(
        "--answer-in", choices=get_args(AnswerIn), default="column", help="where in a row the answer stands"
    )
    source.add_argument("--kind", choices=KINDS, help="kind of the answers where no column states it")
    source.add_argument("--image-root", help="folder that relative image paths start from")
    source.add_argument(
        "--column", action="append", default=[], metavar="OURS=THEIRS",
        help=f"a column of the data; repeat it for others; ours are {', '.join(f.name for f in fields(Columns))}",
    )  # fmt: skip
    source.add_argument("--rejection-limit", type=float, default=0.05, help="share of rows that may be unreadable")

    opened = commands.add_parser(
        "open-ended", parents=[source], help="drop the options", description=_open.__doc__, **form
    )
    opened.add_argument(
        "--keep-rejected", action="store_true", help="also write the problems that stay multiple choice"
    )
    opened.set_defaults(command=_open)

    split = commands.add_parser("split", parents=[source], help="hold problems out", description=_split.__doc__, **form)
    size = split.add_mutually_exclusive_group(required=True)
    size.add_argument("--share", type=float, help="part of the problems to hold out, on average")
    size.add_argument("--count", type=int, help="most problems to hold out")
    split.add_argument("--seed", type=int, default=0, help="another seed, another split")
    split.set_defaults(command=_split)

    tasks = commands.add_parser(
        "text-tasks", help="write problems of reasoning-gym", description=_text_tasks.__doc__, **form
    )
    tasks.add_argument("out", metavar="OUT", type=Path, help="folder to write to")
    tasks.add_argument("--tasks", nargs="+", required=True, metavar="NAME", help="its tasks, such as chain_sum")
    tasks.add_argument("--count", type=int, required=True, help="problems of every task at every level")
    tasks.add_argument("--levels", type=int, nargs="+", default=[0], metavar="N", help="of the tasks' own curricula")
    tasks.add_argument("--seed", type=int, default=0, help="another seed, other problems")
    tasks.set_defaults(command=_text_tasks)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and prints its counts; a wrong setting ends it with a message."""
    parser = build_parser()
    settings = parser.parse_args(arguments)
    try:
        counts = settings.command(settings)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    print("\n".join(f"{number:>8}  {name}" for name, number in counts.items()))
    print(f"written to {settings.out}")


def _source(settings: argparse.Namespace) -> Source:
    pairs = dict(pair.partition("=")[::2] for pair in settings.column)
    ours = [field.name for field in fields(Columns)]
    if unknown := pairs.keys() - set(ours):
        raise ValueError(f"--column sets {', '.join(sorted(unknown))}; only {', '.join(ours)} can be set")
    columns = Columns(**{ours: theirs or None for ours, theirs in pairs.items()})
    return Source(path=settings.path, subset=settings.subset, split=settings.split, columns=columns, kind=settings.kind,
                  image_root=settings.image_root, format=settings.format, answer_in=settings.answer_in)  # fmt: skip


def _open(settings: argparse.Namespace) -> dict[str, int]:
    """Makes multiple choice open-ended by rules; lists the problems that it rejects, with the reason."""
    from cogito_pl.data.prepare.steps import make_open_ended

    return make_open_ended(
        _source(settings), settings.out, keep_rejected=settings.keep_rejected, rejection_limit=settings.rejection_limit
    )


def _split(settings: argparse.Namespace) -> dict[str, int]:
    """Holds out problems by a hash of their ids; no image is on both sides."""
    from cogito_pl.data.prepare.steps import make_split

    return make_split(
        _source(settings), settings.out, share=settings.share, count=settings.count, seed=settings.seed,
        rejection_limit=settings.rejection_limit,
    )  # fmt: skip


def _text_tasks(settings: argparse.Namespace) -> dict[str, int]:
    """Writes problems without images, which are graded by their tasks' own verifiers; needs cogito-pl[text-tasks]."""
    from cogito_pl.data.prepare.text_tasks import make_text_tasks

    return make_text_tasks(
        settings.out, settings.tasks, count=settings.count, levels=settings.levels, seed=settings.seed
    )


if __name__ == "__main__":
    main()

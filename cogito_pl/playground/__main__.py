"""`python -m cogito_pl.playground`: write and show data, measure a blind guess, make the tiny model, prepare a base."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cogito_pl.playground.families import FAMILIES
from cogito_pl.playground.lessons import SHARES
from cogito_pl.playground.parts import PARTS, PartSpec
from cogito_pl.playground.scene import DIFFICULTIES

if TYPE_CHECKING:
    from cogito_pl.playground.laboratory import Laboratory

LABORATORY = {
    "text_share": "share of problems without an image (default: 0.5)",
    "unsolvable_share": "share of problems that nobody can solve: two questions at once (default: 0)",
    "mislabelled_share": "share of problems whose answer is wrong: that of another problem (default: 0)",
    "slip_rate": "probability that a step of a solution in the part sft goes wrong (default: 0)",
    "repeat_rate": "probability, at the end of such a solution, that it is written once more (default: 0)",
    "stop_rate": "probability, after every entry of such a solution, that it ends there (default: 0)",
}
"""Options of the laboratory and their help."""


def build_parser() -> argparse.ArgumentParser:
    """The commands and their settings."""
    parser = argparse.ArgumentParser(prog="python -m cogito_pl.playground", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    form = {"formatter_class": argparse.ArgumentDefaultsHelpFormatter}

    write = commands.add_parser("write", help="write one part of the data set", description=_write.__doc__, **form)
    write.add_argument("--out", required=True, metavar="DIR", help="folder of the data set; its other parts stay")
    write.add_argument("--part", required=True, choices=PARTS, help="which part")
    write.add_argument("--count", required=True, type=int, help="number of rows")
    write.add_argument("--seed", type=int, default=0, help="base seed; no two parts share the seed of a problem")
    write.add_argument(
        "--families",
        nargs="+",
        default=[],
        metavar="NAME",
        help=f"only these of {', '.join(FAMILIES)} (pretrain: of {', '.join(SHARES)})",
    )
    write.add_argument(
        "--difficulties",
        nargs="+",
        type=int,
        default=list(DIFFICULTIES),
        choices=DIFFICULTIES,
        metavar="1..5",
        help="only these",
    )
    write.add_argument(
        "--hasty-share",
        type=float,
        default=argparse.SUPPRESS,
        help="share of problems in the part sft whose solution is a guess instead of a scan (default: 0.8 of those "
        "with images; for the laboratory 0 of all)",
    )
    write.add_argument(
        "--permute-images",
        action="store_true",
        help="for a control: permute images among problems of one family, difficulty and image size; problems without "
        "an image or a partner are left out",
    )
    laboratory = write.add_argument_group(
        "laboratory",
        "Any of these writes problems to compare methods on, with the columns modality, solvable and label_correct. "
        "The solutions of the part sft are careful but for what these options and --hasty-share ask for.",
    )
    for name, text in LABORATORY.items():
        option = f"--{name.replace('_', '-')}"
        laboratory.add_argument(option, type=float, metavar="0..1", help=text, default=argparse.SUPPRESS)
    write.set_defaults(command=_write)

    show = commands.add_parser("show", help="draw a contact sheet", description=_show.__doc__, **form)
    show.add_argument("--out", required=True, metavar="FILE", help="image file, such as sheet.png")
    show.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES, metavar="NAME", help="columns")
    show.add_argument("--seed", type=int, default=0, help="which problem of each cell is shown")
    show.set_defaults(command=_show)

    blind = commands.add_parser("blind", help="accuracy of blind guessing", description=_blind.__doc__, **form)
    blind.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES, metavar="NAME", help="rows")
    blind.add_argument("--problems", type=int, default=2000, help="drawn per family and difficulty")
    blind.set_defaults(command=_blind)

    tags = commands.add_parser("tags", help="prepare a base for the answer tag", description=_tags.__doc__, **form)
    tags.add_argument("--model", required=True, metavar="DIR", help="model folder, changed in place")
    tags.set_defaults(command=_tags)

    tiny = commands.add_parser("tiny", help="write the untrained tiny model", description=_tiny.__doc__, **form)
    tiny.add_argument("--out", required=True, metavar="DIR", help="model folder")
    tiny.add_argument("--seed", type=int, default=0, help="decides the initial weights")
    tiny.set_defaults(command=_tiny)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command; an invalid setting ends it with a message."""
    parser = build_parser()
    settings = parser.parse_args(arguments)
    try:
        settings.command(settings)
    except ValueError as error:
        parser.error(str(error))


def _write(settings: argparse.Namespace) -> None:
    """Writes one part as Parquet and lists it in the data set card; an earlier file of the part is replaced."""
    from rich.progress import track

    from cogito_pl.playground.permute import with_permuted_images
    from cogito_pl.playground.write import write_part

    if settings.count < 1:
        raise ValueError(f"--count {settings.count} is less than one; give at least 1")
    spec = PartSpec(
        part=settings.part,
        seed=settings.seed,
        families=settings.families,
        difficulties=settings.difficulties,
        **{name: value for name, value in vars(settings).items() if name == "hasty_share"},
    )
    laboratory = _laboratory(spec, vars(settings))
    row = laboratory.row if laboratory else spec.row
    rows = (row(index) for index in track(range(settings.count), f"{spec.part} problems"))
    rows = with_permuted_images(rows) if settings.permute_images else rows
    print(write_part(settings.out, spec, rows, laboratory=laboratory is not None))


def _laboratory(part: PartSpec, given: Mapping[str, float]) -> "Laboratory | None":
    """What the options of the laboratory ask for; None without any of them."""
    from cogito_pl.playground.laboratory import Demonstrations, Laboratory

    if not given.keys() & LABORATORY.keys():
        return None
    solutions = {"slip_rate": "slips", "repeat_rate": "repeats", "stop_rate": "stops", "hasty_share": "guesses"}
    shares = {"text_share": "text", "unsolvable_share": "unsolvable", "mislabelled_share": "mislabelled"}
    demonstrations = Demonstrations(**{name: given[option] for option, name in solutions.items() if option in given})
    own = {name: given[option] for option, name in shares.items() if option in given}
    return Laboratory(part=part, demonstrations=demonstrations, **own)


def _show(settings: argparse.Namespace) -> None:
    """Draws one problem per family and difficulty, with its question and answer."""
    from cogito_pl.playground.sheet import draw_sheet

    draw_sheet(settings.out, settings.families, seed=settings.seed)
    print(settings.out)


def _blind(settings: argparse.Namespace) -> None:
    """Prints the accuracy of always giving the most common answer, by family and difficulty."""
    from cogito_pl.playground.blind import blind_table

    print("".join(f"{head:>12}" for head in ("family", *DIFFICULTIES)))
    for family, shares in blind_table(settings.families, settings.problems).items():
        print(f"{family:>12}" + "".join(f"{share:12.2f}" for share in shares.values()))


def _tags(settings: argparse.Namespace) -> None:
    """Initialises the embedding of the answer tag with that of the word before the base's conclusions."""
    from cogito_pl.playground.tags import start_answer_tag

    start_answer_tag(settings.model)
    print(settings.model)


def _tiny(settings: argparse.Namespace) -> None:
    """Writes a Qwen2.5-VL of 1.1 million random weights with its tokenizer and image processor."""
    from cogito_pl.playground.tiny import save_tiny

    save_tiny(settings.out, settings.seed)
    print(settings.out)


if __name__ == "__main__":
    main()

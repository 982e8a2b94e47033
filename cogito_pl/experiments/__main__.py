"""`python -m cogito_pl.experiments`: compare variants of any recipe, and say which differences can be found.

Set OMP_NUM_THREADS=1 for models so small that a second thread would only wait for the first.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any

from cogito_pl.experiments.command import build_parser, with_study

LOG_WIDTH = 120
"""Columns at least where the output goes to a file, so that the table fits."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command; invalid settings end it with a message."""
    parser = build_parser()
    given = parser.parse_args(arguments)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Imported here: torch reads the environment when it is imported.
    from rich.console import Console

    from cogito_pl.experiments.phases import SettingsError
    from cogito_pl.experiments.record import OtherRunError

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, LOG_WIDTH)
    try:
        complete = COMMANDS[given.command](vars(given), console)
    except (SettingsError, OtherRunError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    if not complete:
        sys.exit(1)


def run_ablation(given: dict[str, Any], console: Any) -> bool:
    """Runs an ablation and writes its table, figure and page. Returns whether every run has a result."""
    from cogito_pl.experiments.ablation.arms import Ablation
    from cogito_pl.experiments.ablation.drive import ablate
    from cogito_pl.report.ablation import present
    from cogito_pl.report.ablation_page import write_ablation_page

    options = with_study(given)
    ablation = Ablation.read(
        read_recipe(options), options["with"], options["seeds"] or [1], options["out"], unequal=options["unequal"]
    )
    complete = ablate(ablation, console)
    present(ablation.run, console)
    page = write_ablation_page(ablation.run)
    console.print(f"  {page}", markup=False, soft_wrap=True)
    return complete


def read_recipe(options: dict[str, Any]) -> Any:
    """The `RecipeStudy` of the options. Raises SettingsError."""
    from pathlib import Path

    from cogito_pl.experiments.ablation.recipe import RecipeStudy

    files = {name: tuple(map(Path, options[name])) for name in ("recipe", "start", "score", "test")}
    return RecipeStudy(
        recipe=files["recipe"],
        start_recipe=files["start"],
        score=files["score"],
        test=files["test"],
        by=tuple(options["by"]),
        samples=3 if options["samples"] is None else options["samples"],
        prepare=tuple(options["prepare"]),
        data=options["data"],
    )


def show_power(given: dict[str, Any], console: Any) -> bool:
    """Prints what an ablation can tell from noise."""
    from cogito_pl.experiments.ablation.results import FILE, read_results
    from cogito_pl.experiments.phases import SettingsError
    from cogito_pl.report.power import power_table

    if not (given["folder"] / FILE).is_file():
        raise SettingsError(f"DIR={given['folder']} holds no {FILE}; name the folder of an ablation")
    console.print(power_table(read_results(given["folder"])))
    return True


COMMANDS = {"ablate": run_ablation, "power": show_power}

if __name__ == "__main__":
    main()

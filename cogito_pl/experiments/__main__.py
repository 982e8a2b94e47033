"""`python -m cogito_pl.experiments`: compare variants of any recipe, and find its settings.

Set OMP_NUM_THREADS=1 for models so small that a second thread would only wait for the first.
"""

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
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
    if options["tuned"]:
        need_optuna("--tuned")
    ablation = Ablation.read(
        read_recipe(options), options["with"], options["seeds"] or [1], options["out"], unequal=options["unequal"]
    )
    if options["tuned"]:
        from cogito_pl.experiments.search.options import read_options
        from cogito_pl.experiments.search.tuned import tuned

        ablation = tuned(ablation, read_options(options["tuned"]), console)
    complete = ablate(ablation, console)
    present(ablation.run, console)
    page = write_ablation_page(ablation.run)
    console.print(f"  {page}", markup=False, soft_wrap=True)
    return complete


def read_recipe(options: dict[str, Any]) -> Any:
    """The `RecipeStudy` of the options that say what arms and trials are variants of. Raises SettingsError."""
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


def run_search(given: dict[str, Any], console: Any) -> bool:
    """Runs a search for settings and writes its table. Returns whether every trial has a result."""
    need_optuna("search")
    from cogito_pl.experiments.ablation.arms import PLAIN, Arm
    from cogito_pl.experiments.phases import SettingsError
    from cogito_pl.experiments.search import drive
    from cogito_pl.experiments.search.checks import check
    from cogito_pl.experiments.search.options import read_options
    from cogito_pl.experiments.search.search import Search
    from cogito_pl.report.search import present_search

    options, out = with_study(given), Path(given["out"])
    if len(options["with"]) > 1:
        raise SettingsError(
            f"--with {' and '.join(options['with'])}: a search is for one variant; join its files by a plus, or search "
            "for each by ablate --tuned"
        )
    search = Search(
        study=read_recipe(options),
        arm=Arm.parse(options["with"][0]) if options["with"] else Arm(name=PLAIN),
        options=read_options(given["space"], {name: given[name] for name in ("trials", "seeds") if given[name]}),
        run=out,
        starts=out,
    )
    check(search)
    complete = drive.run_search(search, console)
    present_search(out, console)
    return complete


def need_optuna(what: str) -> None:
    """Raises SettingsError where Optuna is not installed, which `what` needs."""
    from cogito_pl.experiments.phases import SettingsError

    if find_spec("optuna") is None:
        raise SettingsError(f"{what} needs Optuna, which is not installed: pip install 'cogito-pl[search]'")


def show_power(given: dict[str, Any], console: Any) -> bool:
    """Prints what an ablation can tell from noise."""
    from cogito_pl.experiments.ablation.results import FILE, read_results
    from cogito_pl.experiments.phases import SettingsError
    from cogito_pl.report.power import power_table

    if not (given["folder"] / FILE).is_file():
        raise SettingsError(f"DIR={given['folder']} holds no {FILE}; name the folder of an ablation")
    console.print(power_table(read_results(given["folder"])))
    return True


COMMANDS = {"ablate": run_ablation, "search": run_search, "power": show_power}

if __name__ == "__main__":
    main()

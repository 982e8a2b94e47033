"""The command lines of `python -m cogito_pl.experiments`, and study files, which hold their options."""

import argparse
from pathlib import Path
from typing import Any

import yaml

from cogito_pl.experiments.phases import SettingsError

LISTS = ("recipe", "start", "score", "test", "with", "unequal", "by", "prepare")
NUMBERS = ("samples", "seeds")
OPTIONS = (*LISTS, "data", *NUMBERS)
"""What a study file may hold: options of `ablate` by name."""


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m cogito_pl.experiments", description="Tells a method from noise.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    _add_ablate(commands)
    _add_search(commands)
    power = commands.add_parser(
        "power",
        help="what an ablation can tell from noise",
        description="Reports, for every arm of an ablation, the standard deviation over seeds of its differences to "
        "the plain recipe, and the smallest difference that a paired t test (two-sided, 5%) finds with a power of "
        "80%.",
        allow_abbrev=False,
    )
    power.add_argument("folder", type=Path, metavar="DIR", help="folder of an ablation")
    return parser


def _add_ablate(commands: Any) -> None:
    ablate = commands.add_parser(
        "ablate",
        help="compare variants of a recipe",
        description="Fits a recipe as it is (the arm `plain`) and each variant, from the same start, with as many "
        "updates, for every seed; grades them on the same test problems; and writes ablation.json, ablation.md (a "
        "table), ablation.png and report.html. Files, columns and sizes are checked before anything is trained.",
        epilog="Run the same command again to continue an ablation that was stopped; name more arms or seeds to add "
        "them. If an arm fails, it is marked in the table, the others run, and the exit status is 1.",
        allow_abbrev=False,
    )

    def add(name: str, text: str, **further: Any) -> None:
        ablate.add_argument(f"--{name}", help=text, **further)

    several = {"action": "append", "default": []}
    _add_recipe(ablate)
    add(
        "score",
        "a recipe of train.py predict that scores data of a seed by the start model, for arms that name its file",
        metavar="FILE",
        **several,
    )
    add("with", "an arm: the recipe with these files, called NAME", metavar="[NAME=]FILE[+FILE...]", **several)
    add("unequal", "an arm that may take other updates or completions; marked in the table", metavar="NAME", **several)
    add("test", "what is added to the recipe to grade models, such as data.validation", metavar="FILE", **several)
    add("by", "a column of the test data to break the results down by", metavar="COLUMN", **several)
    add(
        "samples",
        "completions per test problem at temperature 1, beside a greedy one (default: 3)",
        type=int,
        metavar="N",
    )
    add("seeds", "one run of every arm per seed (default: 1)", type=int, nargs="+", metavar="SEED")
    add(
        "tuned",
        "a space file: before, a search for every arm, plain included, finds the best of equally many trials",
        type=Path,
        metavar="FILE",
    )
    ablate.add_argument("--out", required=True, metavar="DIR", help="folder of the ablation")


def _add_recipe(command: argparse.ArgumentParser) -> None:
    """Adds the options that say what arms and trials are variants of."""

    def add(name: str, text: str, **further: Any) -> None:
        command.add_argument(f"--{name}", help=text, **further)

    several = {"action": "append", "default": []}
    add(
        "study",
        "a YAML file with options of ablate by name; lists of several files and of the command line are joined",
        type=Path,
        metavar="FILE",
        **several,
    )
    add("recipe", "a recipe of train.py fit; a further one is added to it for every fit", metavar="FILE", **several)
    add("start", "a recipe whose export every fit starts from; a further one is added to it", metavar="FILE", **several)
    add(
        "prepare",
        "a command that writes data of a seed: {folder} and {seed} are filled in",
        metavar="COMMAND",
        **several,
    )
    add("data", "the folder of the recipes for which every seed gets a {folder} of its own", metavar="DIR", default="")


def _add_search(commands: Any) -> None:
    search = commands.add_parser(
        "search",
        help="find settings of a recipe",
        description="Fits a recipe with settings from a space, trial by trial: the first ones at random, later ones by "
        "Optuna's TPE, each stopped early where it is below the median of those before it. Trials have equal updates "
        "and completions and are compared on the recipe's data.validation. Writes best.yaml (an overlay), search.md "
        "(a table), search.json and search.sqlite3 (for Optuna's tools). Needs the extra `search`.",
        epilog="Run the same command again to continue a search that was stopped; name more trials to add them. If a "
        "trial fails, the others run, the exit status is 1, and the next start tries it again.",
        allow_abbrev=False,
    )
    _add_recipe(search)
    search.add_argument(
        "--with",
        action="append",
        default=[],
        metavar="[NAME=]FILE[+FILE...]",
        help="the variant of the recipe that settings are searched for; without, the recipe as it is",
    )
    search.add_argument(
        "--space",
        type=Path,
        required=True,
        metavar="FILE",
        help="a YAML file: space, trials, and seeds, metric, direction, startup, sampler_seed",
    )
    search.add_argument("--trials", type=int, metavar="N", help="replaces that of the space file")
    search.add_argument("--seeds", type=int, nargs="+", metavar="SEED", help="replace those of the space file")
    search.add_argument("--out", required=True, metavar="DIR", help="folder of the search")
    search.set_defaults(test=[], by=[], score=[], unequal=[], samples=None)


def with_study(given: dict[str, Any]) -> dict[str, Any]:
    """The options of `ablate` with what the study files hold: lists joined, of the rest the last that is given.

    Raises:
        SettingsError: A file cannot be read, or holds something else.
    """
    studies = [read_study(path) for path in given["study"]]
    held = {name: value for study in studies for name, value in study.items()}
    lists = {name: [*(value for study in studies for value in study.get(name, [])), *given[name]] for name in LISTS}
    single = {name: held.get(name) if given[name] is None else given[name] for name in NUMBERS}
    return given | lists | single | {"data": given["data"] or held.get("data", "")}


def read_study(path: Path) -> dict[str, Any]:
    """The options in a study file; a single text stands for a list of one. Raises SettingsError."""
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"--study {path}: {error}") from error
    if not isinstance(held, dict) or (unknown := [name for name in held if name not in OPTIONS]):
        found = f"has {unknown[0]!r}" if isinstance(held, dict) else "is no mapping"
        raise SettingsError(f"--study {path} {found}; it holds options of ablate by name: {', '.join(OPTIONS)}")
    for name in LISTS:
        if isinstance(held.get(name), str):
            held[name] = [held[name]]
    checks = dict.fromkeys(LISTS, texts) | {"data": of_kind(str), "samples": of_kind(int), "seeds": numbers}
    for name, value in held.items():
        if not checks[name](value):
            kind = {"data": "a text", "samples": "a number", "seeds": "a list of numbers"}.get(name, "a list of texts")
            raise SettingsError(f"--study {path}: {name}={value!r} is not {kind}; correct it")
    return held


def of_kind(kind: type) -> Any:
    """Whether a value is of a kind."""
    return lambda value: isinstance(value, kind)


def texts(value: Any) -> bool:
    """Whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def numbers(value: Any) -> bool:
    """Whether a value is a list of whole numbers, at least one."""
    return isinstance(value, list) and bool(value) and all(isinstance(each, int) for each in value)

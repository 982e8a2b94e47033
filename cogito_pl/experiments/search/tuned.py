"""An ablation in which every arm has the best settings that equally many trials found for it.

DIR/tuned/seed101/          the start of the trials of all arms
DIR/tuned/arms/<name>/      the search of an arm
"""

from dataclasses import replace
from typing import Any

from rich.console import Console

from cogito_pl.experiments.ablation.arms import Ablation, Arm
from cogito_pl.experiments.ablation.drive import claim_folder, common_sizes, configurations
from cogito_pl.experiments.phases import SettingsError
from cogito_pl.experiments.record import OtherRunError
from cogito_pl.experiments.search.checks import check, check_apart, check_test, left_out
from cogito_pl.experiments.search.drive import open_trials, run_search
from cogito_pl.experiments.search.options import SearchOptions
from cogito_pl.experiments.search.results import BEST, DONE, PRUNED, read_search
from cogito_pl.experiments.search.search import Search

FOLDER = "tuned"


def tuned(ablation: Ablation, options: SearchOptions, console: Console) -> Ablation:
    """Searches for the settings of every arm, or goes on with it, and returns the ablation of the best ones.

    Raises:
        SettingsError: The searches or the ablation cannot be run, and nothing was; or trials failed.
        OtherRunError: The folder holds something else.
    """
    searches = searches_of(ablation, options)
    check_apart(options, ablation.seeds)
    check_test(searches[0])
    common_sizes(configurations(ablation), ablation.study)
    for search in searches:
        check(search)
    if not ablation.study.prepared:
        ablation.study.check(ablation.arms, ablation.folder(ablation.seeds[0]))
    if any(ablation.run.glob("seed*")) and not (ablation.run / FOLDER).exists():
        raise OtherRunError(f"{ablation.run} holds an ablation without --tuned; choose another folder")
    claim_folder(ablation.run)
    for search in searches:
        open_trials(search)  # refuses one of another search before the first is run
    arms = []
    for search in searches:
        console.print(f"\n[bold]Search for the settings of {search.arm.name}[/bold]", highlight=False)
        for name in sorted(options.space.keys() - search.options.space.keys()):
            console.print(f"  without {name}, which it does not have", markup=False)
        complete = run_search(search, console)
        arms.append(with_best(search, complete=complete))
    return replace(ablation, arms=tuple(arms))


def searches_of(ablation: Ablation, options: SearchOptions) -> list[Search]:
    """The search of every arm, on the part of the space that it has.

    Raises:
        SettingsError: No arm has a part of the space, or an arm has no part at all.
    """
    folder = ablation.run / FOLDER
    found, missing = [], []
    for arm in ablation.arms:
        search = Search(study=ablation.study, arm=arm, options=options, run=folder / "arms" / arm.name, starts=folder)
        missing.append(left_out(search))
        if missing[-1] == {*options.space}:
            raise SettingsError(f"the space names no setting of the arm {arm.name}; add one that it has")
        found.append(replace(search, options=options.without(missing[-1])))
    if nowhere := set.intersection(*missing):
        raise SettingsError(
            f"space.{sorted(nowhere)[0]}: no arm has what it sets; add that to one by --with, or leave it out"
        )
    return found


def with_best(search: Search, *, complete: bool) -> Arm:
    """The arm with the best settings of its search. Raises SettingsError where trials failed or none is complete."""
    found = read_search(search.run)
    if not complete or not found["best"]:
        errors = list(dict.fromkeys(trial["error"] for trial in found["trials"] if "error" in trial))
        raise SettingsError(
            f"arm {search.arm.name}: {len(errors) or 'all'} of its trials failed ({'; '.join(errors)}); arms are "
            "compared after equally many trials: take what fails out of the space, or run the command again"
        )
    return replace(search.arm, files=(*search.arm.files, search.run / BEST), tuned=summary(found))


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """What the table of the ablation says of a search, from its `search.json`."""
    counts = [trial["state"] for trial in found["trials"]]
    return {
        "trials": len(counts),
        "pruned": counts.count(PRUNED),
        "seeds": found["seeds"],
        "metric": found["metric"],
        "value": found["best"]["value"],
        "settings": found["best"]["shown"],
        "cpu_s": sum(trial["cost"]["cpu_s"] for trial in found["trials"] if trial["state"] in (DONE, PRUNED)),
    }

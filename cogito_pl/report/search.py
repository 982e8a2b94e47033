"""The table of a search, from its `search.json`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cogito_pl.experiments.search.results import BEST, DONE, FILE, PRUNED, read_search
from cogito_pl.files import write_text
from cogito_pl.report.ablation import markdown_table

TABLE = "search.md"
NONE = "-"
"""Where there is no value."""


def present_search(folder: Path, console: Console) -> None:
    """Writes `search.md` beside `search.json` in `folder`, and shows the table."""
    result = read_search(folder)
    write_text(folder / TABLE, markdown(result))
    table = Table(title=title(result), caption="\n".join(notes(result)), caption_justify="left", box=SIMPLE_HEAD)
    for place, heading in enumerate(columns(result)):
        table.add_column(heading, justify="right" if place else "left", overflow="fold")
    for cells in rows(result):
        table.add_row(*map(Text, cells))
    console.print()
    console.print(table)
    for name in (FILE, TABLE, *([BEST] if result["best"] else [])):
        console.print(f"  {folder / name}", markup=False, soft_wrap=True)


def markdown(result: Mapping[str, Any]) -> str:
    """The table for a README, notes below it."""
    return markdown_table(title(result), columns(result), rows(result), notes(result))


def title(result: Mapping[str, Any]) -> str:
    """What was searched, with which sizes."""
    equal, seeds = result["equal"], ", ".join(map(str, result["seeds"]))
    return (
        f"{len(result['trials'])} trials of {result['arm']}, {equal['updates']:,} updates on "
        f"{equal['completions_per_update']:,} completions each; seed{'s' * (len(result['seeds']) > 1)} {seeds}"
    )


def columns(result: Mapping[str, Any]) -> list[str]:
    """The headings of the table: settings by the last part of their keys, where that tells them apart."""
    last = [name.rpartition(".")[2] for name in result["space"]]
    short = [name if last.count(end) > 1 else end for name, end in zip(result["space"], last, strict=True)]
    return ["trial", result["metric"], "updates", *short]


def rows(result: Mapping[str, Any]) -> list[list[str]]:
    """A row per trial, in the order in which they were made."""
    found = []
    for trial in result["trials"]:
        what = "best" if trial == result["best"] else trial["state"]
        name = f"{trial['number']} ({what})" if what != DONE else str(trial["number"])
        value = f"{trial['value']:.4g}" if trial.get("value") is not None else NONE
        found.append([name, value, str(trial.get("updates") or NONE), *(trial["shown"][n] for n in result["space"])])
    return found


def notes(result: Mapping[str, Any]) -> list[str]:
    """How to read the table, then what did not go as planned."""
    states = [trial["state"] for trial in result["trials"]]
    lines = []
    if best := result["best"]:
        better = "higher" if result["direction"] == "maximize" else "lower"
        lines.append(f"Best settings: {', '.join(f'{name} {value}' for name, value in best['shown'].items())}.")
        lines.append(f"Being chosen, the best trial is {better} in {result['metric']} than its settings are elsewhere.")
    if PRUNED in states:
        lines.append(
            f"{states.count(PRUNED)} pruned: after so many updates below the median of the complete trials before it."
        )
    if result["importances"]:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in result["importances"].items())
        lines.append(f"What sets the best tenth of the complete trials apart (PED-ANOVA): {shares}.")
    lines += [f"Trial {trial['number']} failed: `{trial['error']}`" for trial in result["trials"] if "error" in trial]
    return lines

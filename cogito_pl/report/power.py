"""What an ablation can tell from noise, arm by arm, as a table."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from cogito_pl.experiments.ablation.results import paired_differences
from cogito_pl.experiments.power import SEEDS, pooled_deviation, smallest_difference

HEAD = ("arm", "seeds", "mean", "sd", *(f"{count} seeds" for count in SEEDS))
MEASURES = {"estimate": "accuracy at the end", "area": "area under the learning curve"}


def power_table(result: Mapping[str, Any]) -> Table:
    """The table for the terminal; in points."""
    table = Table(title="Paired differences over seeds, and the smallest that would be found", box=SIMPLE_HEAD)
    table.caption = "Points. Found: with a power of 80%, by a paired t test (two-sided, 5%)."
    for place, heading in enumerate(HEAD):
        table.add_column(heading, justify="right" if place else "left", no_wrap=True)
    for what, name in MEASURES.items():
        if found := power_rows(paired_differences(result["arms"], what)):
            table.add_row(f"[bold]{name}[/bold]")
            for cells in found:
                table.add_row(*cells)
            table.add_section()
    return table


def power_rows(differences: Mapping[str, Sequence[float]]) -> list[list[str]]:
    """A row per arm, and one for all of them; a dash where one seed says nothing.

    Args:
        differences: Of the seeds of every arm, as shares.
    """
    rows = [[arm, *figures(values, pooled_deviation([values]))] for arm, values in differences.items()]
    if not rows:
        return []
    return [*rows, ["all arms", "", "", *sizes(pooled_deviation(differences.values()))]]


def figures(values: Sequence[float], sd: float | None) -> list[str]:
    """Number, mean, standard deviation and smallest differences, in points."""
    return [str(len(values)), f"{100 * fmean(values):+.2f}", *sizes(sd)]


def sizes(sd: float | None) -> list[str]:
    """A standard deviation, and the smallest differences that follow from it, in points."""
    if sd is None:
        return ["-"] * (1 + len(SEEDS))
    return [f"{100 * sd:.2f}", *(f"{100 * smallest_difference(sd, count):.2f}" for count in SEEDS)]

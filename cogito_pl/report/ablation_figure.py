"""The figure of an ablation, from its `ablation.json`: accuracy, and differences to the plain recipe."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cogito_pl.experiments.ablation.arms import PLAIN
from cogito_pl.report.charts import BLUE, VERMILION

START = "start"
"""Label of the model that all arms start from."""
GREY = "#6b7178"
"""The colour of the start, darker than in charts so that thin marks show; the plain recipe is blue, arms vermilion."""
NOISE = "#e9edf1"
"""The colour of differences that so many seeds cannot tell from noise."""
DOTS = (0.24, 0.38)
"""Offsets of the dots of the first and of the last seed below the middle of their row, in rows."""


def draw_figure(result: Mapping[str, Any], path: str | Path) -> None:
    """Writes the figure; the suffix of `path` decides the format."""
    figure(result).savefig(path, dpi=200)


def figure(result: Mapping[str, Any]) -> Figure:
    """Left accuracy, right the difference to the plain recipe: dots per seed, means, intervals."""
    arms = {START: result["start"], **result["arms"]}
    colours = {START: GREY, PLAIN: BLUE}
    figure = Figure(figsize=(7.2, 1.25 + 0.34 * len(arms)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for place, (name, arm) in enumerate(arms.items()):
        colour = colours.get(name, VERMILION)
        done = [own for own in arm["seeds"].values() if own["state"] == "done"]
        if not done:
            left.text(0.5, place, "no result", transform=left.get_yaxis_transform(), ha="center", va="center", size=8)
            continue
        draw_dots(left, place, [own["accuracy"] for own in done], colour)
        draw_mean(left, place, arm["accuracy"], arm["accuracy_ci"], None, colour)
        if name != START and (difference := arm.get("difference")):  # the start would set the scale
            draw_dots(right, place, [own["difference"]["estimate"] for own in done if "difference" in own], colour)
            draw_mean(right, place, difference["estimate"], difference["ci_problems"], difference["ci_seeds"], colour)
    if told := result.get("resolution"):
        right.axvspan(-100 * told["here"], 100 * told["here"], color=NOISE, linewidth=0, zorder=0)
    right.axvline(0, color=BLUE, linewidth=1, zorder=0)
    left.set_yticks(range(len(arms)), arms, fontsize=9)
    left.set_ylim(len(arms) - 0.4, -0.6)
    left.set_xlabel("accuracy, %", fontsize=9)
    right.set_xlabel(f"points over {PLAIN}", fontsize=9)
    for axes in (left, right):
        axes.tick_params(axis="x", labelsize=8)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
    figure.suptitle(caption(result), fontsize=8, color="0.3", x=0.01, ha="left")
    return figure


def caption(result: Mapping[str, Any]) -> str:
    """How to read the figure."""
    seeds = len(result["seeds"])
    thin = "; thin line: 95% over seeds" if seeds > 1 else ""
    grey = " Grey: not told from noise." if result.get("resolution") else ""
    return (
        f"Dots: seeds ({seeds}). Bar: mean; pale line: 95% over problems{thin}.\n"
        f"{result['n_test']:,} problems per seed; {result['equal']['updates']:,} updates for every arm.{grey}"
    )


def draw_dots(axes: Axes, place: int, shares: list[float], colour: str) -> None:
    """A dot per seed below the mean, in the order of the seeds."""
    first, last = DOTS
    heights = [place + first + (last - first) * index / max(1, len(shares) - 1) for index in range(len(shares))]
    axes.scatter([100 * share for share in shares], heights, s=11, color=colour, alpha=0.7, linewidths=0, zorder=2)


def draw_mean(
    axes: Axes, place: int, mean: float, problems: list[float], seeds: list[float] | None, colour: str
) -> None:
    """The mean as a vertical mark, its interval over problems as a thick line, that over seeds as a thin one."""
    axes.plot(
        [100 * end for end in problems],
        [place, place],
        color=colour,
        linewidth=4,
        alpha=0.4,
        zorder=3,
        solid_capstyle="butt",
    )
    if seeds:
        axes.plot(
            [100 * end for end in seeds], [place, place], color=colour, linewidth=1, marker="|", markersize=5, zorder=3
        )
    axes.plot([100 * mean], [place], color=colour, marker="|", markersize=10, markeredgewidth=2, zorder=4)

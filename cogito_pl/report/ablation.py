"""The table and the figure of an ablation, from its `ablation.json`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cogito_pl.experiments.ablation.arms import PLAIN
from cogito_pl.experiments.ablation.results import FILE, read_results
from cogito_pl.report.charts import BLUE, VERMILION

START = "SFT (start)"
"""Label of the model that all arms start from."""
COLUMNS = ("arm", "accuracy, %", f"points over {PLAIN}", "over seeds", "tokens", "CPU s")
NONE = "-"
"""Where there is no value."""
GREY = "#6b7178"
"""The colour of the start, darker than in charts so that thin marks show; the plain recipe is blue, arms vermilion."""
DOTS = (0.24, 0.38)
"""Offsets of the dots of the first and of the last seed below the middle of their row, in rows."""


def present(folder: Path, console: Console) -> None:
    """Writes `ablation.md` and `ablation.png` beside `ablation.json` in `folder`, and shows the table."""
    result, table, image = read_results(folder), folder / "ablation.md", folder / "ablation.png"
    table.write_text(markdown(result), encoding="utf-8")
    draw_figure(result, image)
    console.print()
    console.print(terminal_table(result))
    for file in (folder / FILE, table, image):
        console.print(f"  {file}", markup=False, soft_wrap=True)


def terminal_table(result: Mapping[str, Any]) -> Table:
    """The table for the terminal, notes below it."""
    below = Text("\n".join(notes(result)), style="dim")
    table = Table(title=title(result), caption=below, caption_justify="left", box=SIMPLE_HEAD)
    table.collapse_padding, table.pad_edge = True, False
    for place, heading in enumerate(COLUMNS):
        table.add_column(heading, justify="right" if place else "left", no_wrap=place > 0, overflow="fold")
    for cells in rows(result):
        table.add_row(*map(Text, cells))
    return table


def markdown(result: Mapping[str, Any]) -> str:
    """The table for a README, notes below it."""
    lines = [list(COLUMNS), ["---", *["---:"] * (len(COLUMNS) - 1)], *rows(result)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"**{title(result)}**\n\n{table}\n\n" + "\n".join(f"{note}  " for note in notes(result)) + "\n"


def title(result: Mapping[str, Any]) -> str:
    """What was run, with which sizes."""
    equal, seeds = result["equal"], ", ".join(map(str, result["seeds"]))
    return (
        f"Accuracy on {result['n_test']:,} new problems per seed after {equal['updates']:,} updates on rollouts of "
        f"{equal['schedule.prompts']} prompts x {equal['schedule.group_size']} completions; "
        f"seed{'s' * (len(result['seeds']) > 1)} {seeds}"
    )


def rows(result: Mapping[str, Any]) -> list[list[str]]:
    """A row per arm, the start first."""
    return [row(START, result["start"]), *(row(name, arm) for name, arm in result["arms"].items())]


def row(name: str, arm: Mapping[str, Any]) -> list[str]:
    """One arm over its seeds; what is not there is a dash."""
    states = [seed["state"] for seed in arm["seeds"].values()]
    missing = [f"{states.count(state)} of {len(states)} {state}" for state in ("failed", "to do") if state in states]
    name = f"{name} ({', '.join(missing)})" if missing else name
    if "accuracy" not in arm:
        return [name, *[NONE] * (len(COLUMNS) - 1)]
    difference = arm.get("difference")
    restarted = any(seed.get("cost", {}).get("starts", 1) > 1 for seed in arm["seeds"].values())
    return [
        name,
        "{:.1f} [{:.0f}, {:.0f}]".format(*(100 * share for share in (arm["accuracy"], *arm["accuracy_ci"]))),
        f"{points(difference['estimate'])} {span(difference['ci_problems'])}" if difference else NONE,
        span(difference["ci_seeds"]) if difference and difference["ci_seeds"] else NONE,
        f"{arm['tokens_per_answer']:.1f}",
        f"{arm['cpu_s']:.0f}{'†' * restarted}" if "cpu_s" in arm else NONE,
    ]


def notes(result: Mapping[str, Any]) -> list[str]:
    """How to read the table, then what did not go as planned."""
    lines = [
        "In brackets, 95% intervals: beside a number, over test problems; in the column 'over seeds', of the "
        "difference over training seeds (Student's t; unknown from one seed).",
        "Tokens per answer and CPU seconds of the GRPO fit (with an SFT fit before it, if any) are means.",
    ]
    seeds = [(name, seed, own) for name, arm in result["arms"].items() for seed, own in arm["seeds"].items()]
    if any(own.get("cost", {}).get("starts", 1) > 1 for *_, own in seeds):
        lines.append("† Stopped and continued: start-up and steps after the last checkpoint count twice.")
    lines += sft_updates(result)
    planned = result["equal"]["updates"]
    for name, seed, own in seeds:
        taken = list(own.get("updates", {}).values())
        if taken and None not in taken and sum(taken) != planned:
            lines.append(f"{name}, seed {seed}, took {sum(taken):,} updates instead of {planned:,}.")
    every = [(START, seed, own) for seed, own in result["start"]["seeds"].items()] + seeds
    lines += [f"{name}, seed {seed}, failed: `{own['error']}`" for name, seed, own in every if own["state"] == "failed"]
    return lines


def sft_updates(result: Mapping[str, Any]) -> list[str]:
    """For each arm with an SFT fit before GRPO, how many of its updates are those of SFT."""
    lines = []
    for name, arm in result["arms"].items():
        fits = [list(own["updates"].values()) for own in arm["seeds"].values() if "updates" in own]
        if counts := [updates[0] for updates in fits if len(updates) > 1 and updates[0] is not None]:
            lines.append(f"{name}: {min(counts):,} of its updates are SFT before GRPO.")
    return lines


def points(share: float) -> str:
    """A difference of shares, in points."""
    return f"{100 * share:+.1f}"


def span(ends: list[float]) -> str:
    """Both ends of an interval, in points."""
    return f"[{points(ends[0])}, {points(ends[1])}]"


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
        if difference := arm.get("difference"):
            draw_dots(right, place, [own["difference"]["estimate"] for own in done if "difference" in own], colour)
            draw_mean(right, place, difference["estimate"], difference["ci_problems"], difference["ci_seeds"], colour)
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
    return (
        f"Dots: seeds ({seeds}). Bar: mean; pale line: 95% over problems{thin}.\n"
        f"{result['n_test']:,} problems per seed; {result['equal']['updates']:,} updates for every arm."
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

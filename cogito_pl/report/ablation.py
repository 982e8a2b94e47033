"""The table of an ablation, from its `ablation.json`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cogito_pl.experiments.ablation.arms import PLAIN
from cogito_pl.experiments.ablation.results import FILE, read_results
from cogito_pl.report.ablation_figure import START, draw_figure

COLUMNS = ("arm", "accuracy, %", f"points over {PLAIN}", "over seeds", "tokens", "CPU s")
FURTHER = {"greedy": "greedy, %", "area": "area, points"}
"""Columns of what only some ablations have, by its name: beside the accuracy, and beside the points."""
NONE = "-"
"""Where there is no value."""
BELOW = "~"
"""Mark of a difference that is smaller than what so many seeds can tell from noise."""


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
    for place, heading in enumerate(columns(result)):
        table.add_column(heading, justify="right" if place else "left", no_wrap=place > 0, overflow="fold")
    for cells in rows(result):
        table.add_row(*map(Text, cells))
    return table


def markdown(result: Mapping[str, Any]) -> str:
    """The table for a README, notes below it."""
    return markdown_table(title(result), columns(result), rows(result), notes(result))


def markdown_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
    """A table in Markdown: its title above it, its notes below it; all columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"**{title}**\n\n{table}\n\n" + "\n".join(f"{note}  " for note in notes) + "\n"


def title(result: Mapping[str, Any]) -> str:
    """What was run, with which sizes."""
    equal, seeds = result["equal"], ", ".join(map(str, result["seeds"]))
    samples = max((own.get("samples", 1) for own in result["start"]["seeds"].values()), default=1)
    drawn = f" x {samples} sample{'s' * (samples > 1)} at temperature 1" if has(result, "greedy") else ""
    best = ", each arm at its own best settings" * any("tuned" in arm for arm in result["arms"].values())
    return (
        f"Accuracy on {result['n_test']:,} test problems{drawn} per seed after {equal['updates']:,} updates on "
        f"{equal['completions_per_update']:,} completions each{best}; "
        f"seed{'s' * (len(result['seeds']) > 1)} {seeds}"
    )


def has(result: Mapping[str, Any], name: str) -> bool:
    """Whether an arm has `greedy` accuracy or an `area` under its learning curve."""
    return any(name in arm for arm in result["arms"].values())


def columns(result: Mapping[str, Any]) -> list[str]:
    """The headings of the table."""
    arm, accuracy, difference, seeds, *cost = COLUMNS
    beside = [FURTHER["greedy"]] * has(result, "greedy")
    return [arm, accuracy, *beside, difference, seeds, *[FURTHER["area"]] * has(result, "area"), *cost]


def rows(result: Mapping[str, Any]) -> list[list[str]]:
    """A row per arm, the start first."""
    arms = {START: result["start"], **result["arms"]}
    return [row(name, arm, result) for name, arm in arms.items()]


def row(name: str, arm: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    """One arm over its seeds; what is not there is a dash."""
    states = [seed["state"] for seed in arm["seeds"].values()]
    missing = [f"{states.count(state)} of {len(states)} {state}" for state in ("failed", "to do") if state in states]
    name = f"{name} ({', '.join(missing)})" if missing else name
    if "accuracy" not in arm:
        return [name, *[NONE] * (len(columns(result)) - 1)]
    difference = arm.get("difference")
    restarted = any(seed.get("cost", {}).get("starts", 1) > 1 for seed in arm["seeds"].values())
    cells = [name, "{:.1f} [{:.0f}, {:.0f}]".format(*(100 * share for share in (arm["accuracy"], *arm["accuracy_ci"])))]
    if has(result, "greedy"):
        cells.append(f"{100 * arm['greedy']:.1f}" if "greedy" in arm else NONE)
    mark = BELOW if difference and is_below(difference["estimate"], result) else ""
    cells.append(f"{points(difference['estimate'])}{mark} {span(difference['ci_problems'])}" if difference else NONE)
    cells.append(span(difference["ci_seeds"]) if difference and difference["ci_seeds"] else NONE)
    if has(result, "area"):
        own = difference and difference.get("area")
        cells.append(
            " ".join([points(own["estimate"]), *([span(own["ci_seeds"])] if own["ci_seeds"] else [])]) if own else NONE
        )
    cells.append(f"{arm['tokens_per_answer']:.1f}")
    cells.append(f"{arm['cpu_s']:.0f}{'†' * restarted}" if "cpu_s" in arm else NONE)
    return cells


def is_below(difference: float, result: Mapping[str, Any]) -> bool:
    """Whether a difference is smaller than what the seeds of an ablation can tell from noise."""
    told = result.get("resolution")
    return bool(told) and abs(difference) < told["here"]


def resolution_note(result: Mapping[str, Any]) -> str:
    """What the seeds of an ablation can tell from noise, in a sentence."""
    if not (told := result.get("resolution")):
        return "Which differences could be found is unknown: that takes two seeds or more."
    sizes = ", ".join(f"{count} seeds {100 * value:.1f}" for count, value in told["smallest"].items())
    return (
        f"Standard deviation of the paired differences over seeds, pooled over arms: {100 * told['sd']:.2f} points. "
        f"Smallest difference found with a power of 80% (paired t, two-sided 5%): {sizes}, here "
        f"{100 * told['here']:.1f} points; {BELOW} marks what lies below."
    )


def notes(result: Mapping[str, Any]) -> list[str]:
    """How to read the table, then what did not go as planned."""
    lines = [
        "In brackets, 95% intervals: beside a number, over test problems; in the column 'over seeds', of the "
        "difference over training seeds (Student's t; unknown from one seed).",
        "Tokens per answer and CPU seconds of the fits of an arm are means.",
        resolution_note(result),
    ]
    if has(result, "area"):
        lines.append("Area: the difference of the mean heights of the learning curves, over seeds.")
    seeds = [(name, seed, own) for name, arm in result["arms"].items() for seed, own in arm["seeds"].items()]
    if any(own.get("cost", {}).get("starts", 1) > 1 for *_, own in seeds):
        lines.append("† Stopped and continued: start-up and steps after the last checkpoint count twice.")
    lines += [
        f"{name} may take other updates or completions." for name, arm in result["arms"].items() if "unequal" in arm
    ]
    lines += sft_updates(result) + tuned_notes(result)
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


def tuned_notes(result: Mapping[str, Any]) -> list[str]:
    """For each arm whose settings were searched for, what was found, and at which cost."""
    lines = []
    for name, arm in result["arms"].items():
        if own := arm.get("tuned"):
            settings = ", ".join(f"`{key}` {value}" for key, value in own["settings"].items())
            seeds = f"seed{'s' * (len(own['seeds']) > 1)} {', '.join(map(str, own['seeds']))}"
            trials = f"{own['trials']} trials ({own['pruned']} pruned, {own['cpu_s']:.0f} CPU s) on {seeds}"
            lines.append(f"{name}, best of {trials}, with {own['metric']} {own['value']:.3g} there: {settings}.")
    return lines


def points(share: float) -> str:
    """A difference of shares, in points."""
    return f"{100 * share:+.1f}"


def span(ends: list[float]) -> str:
    """Both ends of an interval, in points."""
    return f"[{points(ends[0])}, {points(ends[1])}]"

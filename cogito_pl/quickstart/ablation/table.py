"""The table of an ablation, for the terminal and for a README. Knows `ablation.json` only."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from cogito_pl.quickstart.ablation.arms import PLAIN

START = "SFT (start)"
"""What the model that all arms start from is called."""
COLUMNS = ("arm", "accuracy, %", f"points over {PLAIN}", "over seeds", "tokens", "CPU s")
NONE = "-"
"""Where there is nothing to say."""


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
    """What was done, with which sizes."""
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
    """What must be known to read the table, then what went otherwise than planned."""
    lines = [
        "In brackets 95% intervals: beside a number, what other test problems could change; over seeds, what other "
        "trainings could change in the difference (Student's t; not known from one seed).",
        "Tokens are those of an answer, CPU seconds those of the GRPO fit (and of an SFT fit before it), both means.",
    ]
    seeds = [(name, seed, own) for name, arm in result["arms"].items() for seed, own in arm["seeds"].items()]
    if any(own.get("cost", {}).get("starts", 1) > 1 for *_, own in seeds):
        lines.append("† Stopped and continued in between: start-up and steps after the last checkpoint count twice.")
    lines += imitation(result)
    planned = result["equal"]["updates"]
    for name, seed, own in seeds:
        taken = list(own.get("updates", {}).values())
        if taken and None not in taken and sum(taken) != planned:
            lines.append(f"{name}, seed {seed}, took {sum(taken):,} updates instead of {planned:,}.")
    every = [(START, seed, own) for seed, own in result["start"]["seeds"].items()] + seeds
    lines += [f"{name}, seed {seed}, failed: `{own['error']}`" for name, seed, own in every if own["state"] == "failed"]
    return lines


def imitation(result: Mapping[str, Any]) -> list[str]:
    """For each arm that imitates before it reinforces, how many of its updates that takes."""
    taken = {
        name: sorted(
            {own["updates"]["imitate"] for own in arm["seeds"].values() if "imitate" in own.get("updates", {})}
        )
        for name, arm in result["arms"].items()
    }
    return [f"{name} first imitates, for {counts[0]:,} of its updates." for name, counts in taken.items() if counts]


def points(share: float) -> str:
    """A difference of shares, in points."""
    return f"{100 * share:+.1f}"


def span(ends: list[float]) -> str:
    """Both ends of an interval, in points."""
    return f"[{points(ends[0])}, {points(ends[1])}]"

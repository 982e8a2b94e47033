"""Tables of a quickstart: the comparison of the models, its controls, and the cost of its phases."""

from collections.abc import Sequence
from html import escape

from rich.table import Table

from cogito_pl.experiments.phases import Phase
from cogito_pl.quickstart.phases import MODELS, TITLES
from cogito_pl.quickstart.settings import CONTROLS
from cogito_pl.report.page import table as html_table

CONTROL_HEAD = ("control", "accuracy", "difference on the same problems")


def results_table(summary: dict) -> Table:
    """Accuracy of the models over all test problems, per family and per difficulty, for the terminal.

    The base was not trained on the tags of an answer: for it, an answer counts in any form.

    Args:
        summary: What `summarise` returns.
    """
    base, *tuned = MODELS
    table = Table(title=f"Accuracy on {summary['n_test']:,} new problems, seed {summary['seed']} (95% interval)")
    for head in ("problems", f"{TITLES[base]}, any form", *(TITLES[model] for model in tuned)):
        table.add_column(head, justify="left" if head == "problems" else "right")
    overall = [cell(summary["accuracy"][model], summary["accuracy_ci"][model]) for model in tuned]
    table.add_row("all", f"{100 * summary['accuracy_any_form'][base]:.1f}%", *overall, style="bold")
    table.add_section()
    for name, label in (("family", "{}"), ("difficulty", "difficulty {}")):
        shares, intervals = summary[f"by_{name}"], summary[f"by_{name}_ci"]
        keys = list(shares[base])
        for key in keys:
            own = cell(summary[f"by_{name}_any_form"][base][key], summary[f"by_{name}_any_form_ci"][base][key])
            cells = [cell(shares[model][key], intervals[model][key]) for model in tuned]
            table.add_row(label.format(key), own, *cells, end_section=key == keys[-1])
    table.add_row("tokens per answer", *(f"{summary['mean_completion_tokens'][model]:.1f}" for model in MODELS))
    step = summary["difference"]["grpo-sft"]
    low, high = (100 * end for end in step["ci"])
    table.caption = f"GRPO - SFT: {100 * step['estimate']:+.1f} points [{low:+.1f}, {high:+.1f}]"
    return table


def control_rows(summary: dict) -> list[tuple[str, str, str]]:
    """Name, accuracy, and difference from what it is compared with, of every control that was run."""
    found, rows = summary["controls"], []
    if own := found.get("shuffled-rewards"):
        rows.append(
            ("GRPO on shuffled rewards", cell(own["accuracy"], own["accuracy_ci"]), points(own, "control-sft", "SFT"))
        )
    if own := found.get("careful-sft"):
        name = f"careful SFT, {own['cpu_s']:.0f} CPU s (GRPO: {own['grpo_cpu_s']:.0f})"
        rows.append((name, cell(own["accuracy"], own["accuracy_ci"]), "GRPO is " + points(own, "grpo-control", "it")))
    if own := found.get("permuted-images"):
        for model in ("sft", "grpo"):
            against = points(own, f"{model}-blind", f"a blind guess ({100 * own['blind']:.1f}%)")
            rows.append(
                (f"{TITLES[model]}, images permuted, {own['n']:,} problems", f"{100 * own[model]:.1f}%", against)
            )
    return rows


def controls_table(summary: dict) -> Table:
    """The controls that were run, for the terminal."""
    table = Table(title="Controls (95% interval)")
    for head in CONTROL_HEAD:
        table.add_column(head)
    for row in control_rows(summary):
        table.add_row(*row)
    return table


def control_section(summary: dict) -> str:
    """The controls that were run and what they are, for the report; empty where none was run."""
    rows = control_rows(summary)
    if not rows:
        return ""
    what = "".join(f"<li><b>{name}</b>: {escape(CONTROLS[name])}.</li>" for name in summary["controls"])
    return f'<h2>Controls</h2><div class="tables">{html_table(CONTROL_HEAD, rows)}</div><ul class="soft">{what}</ul>'


def phase_table(summary: dict, phases: Sequence[Phase]) -> str:
    """Seconds of every phase, for the report."""
    rows = [
        (phase.title, f"{cost['wall_s']:.1f}", f"{cost['cpu_s']:.1f}")
        for phase in phases
        if (cost := summary["phases"].get(phase.name))
    ]
    rows.append(("All, with start-up", f"{summary['wall_s']:.1f}", f"{summary['cpu_s']:.1f}"))
    memory = f'<p class="soft">At most {summary["peak_mib"]:,} MiB of memory in one process.</p>'
    return f"<div>{html_table(('Phase', 'seconds', 'processor seconds'), rows)}{memory}</div>"


def points(outcome: dict, key: str, than: str) -> str:
    """A difference with its interval, in points."""
    step = outcome[key]
    low, high = (100 * end for end in step["ci"])
    return f"{100 * step['estimate']:+.1f} points [{low:+.1f}, {high:+.1f}] over {than}"


def cell(share: float, ends: list[float]) -> str:
    """A share with its interval, in percent."""
    return f"{100 * share:.1f}%  [{100 * ends[0]:.0f}, {100 * ends[1]:.0f}]"

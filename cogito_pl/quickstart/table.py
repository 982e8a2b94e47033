"""The comparison as a table for the terminal."""

from rich.table import Table

from cogito_pl.quickstart.phases import MODELS, TITLES


def results_table(summary: dict) -> Table:
    """Accuracy of the models over all test problems, per family and per difficulty.

    Args:
        summary: What `summarise` returns.
    """
    table = Table(title=f"Accuracy on {summary['n_test']:,} new problems, seed {summary['seed']} (95% interval)")
    table.add_column("problems")
    for model in MODELS:
        table.add_column(TITLES[model], justify="right")
    overall = [cell(summary["accuracy"][model], summary["accuracy_ci"][model]) for model in MODELS]
    table.add_row("all", *overall, style="bold")
    table.add_row("all, in any form", *(f"{100 * summary['accuracy_any_form'][model]:.1f}%" for model in MODELS))
    table.add_section()
    for name, label in (("family", "{}"), ("difficulty", "difficulty {}")):
        shares, intervals = summary[f"by_{name}"], summary[f"by_{name}_ci"]
        keys = list(shares[MODELS[0]])
        for key in keys:
            cells = [cell(shares[model][key], intervals[model][key]) for model in MODELS]
            table.add_row(label.format(key), *cells, end_section=key == keys[-1])
    table.add_row("tokens per answer", *(f"{summary['mean_completion_tokens'][model]:.1f}" for model in MODELS))
    step = summary["difference"]["grpo-sft"]
    low, high = (100 * end for end in step["ci"])
    table.caption = f"GRPO - SFT: {100 * step['estimate']:+.1f} points [{low:+.1f}, {high:+.1f}]"
    return table


def cell(share: float, ends: list[float]) -> str:
    """A share with its interval, in percent."""
    return f"{100 * share:.1f}%  [{100 * ends[0]:.0f}, {100 * ends[1]:.0f}]"

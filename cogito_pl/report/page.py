"""Pieces of an HTML page: figures, tables, and the sections that describe any run."""

import os
import platform
from collections.abc import Mapping, Sequence
from html import escape
from importlib.metadata import version
from pathlib import Path

from cogito_pl import __version__
from cogito_pl.experiments.phases import Phase
from cogito_pl.report.charts import Line, line_chart
from cogito_pl.report.curves import Curve, middle, smoothed

PACKAGES = ("torch", "transformers", "lightning")
SPEEDS = {
    "rollout, tokens/s": "speed/rollout_tokens_per_s",
    "training, tokens/s": "speed/train_tokens_per_s",
    "optimiser step, s": "speed/step_s",
}
"""Rows of the speed table and their metrics, which `callbacks.Throughput` logs."""


def figure(drawing: str, title: str, caption: str) -> str:
    """A drawing with its caption."""
    return f"<figure><figcaption><b>{title}.</b> {caption}</figcaption>{drawing}</figure>"


def metric_figure(curve: Curve, colour: str, title: str, caption: str, *, percent: bool = False) -> str:
    """One metric over optimiser steps, raw and smoothed."""
    lines = [Line(points=curve, colour=colour, faint=True), Line(points=smoothed(curve), colour=colour)]
    return figure(line_chart(lines, f"{title} over optimiser steps", percent=percent), title, caption)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table of text cells."""
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>{body}</table>"


def speed_table(curves: Mapping[str, Mapping[str, Curve]]) -> str:
    """Median speed of the optimiser steps of every fit, by its title."""
    rows = []
    for title, key in SPEEDS.items():
        values = (middle(own.get(key)) for own in curves.values())
        rows.append((title, *("-" if value is None else f"{value:,.{0 if value >= 10 else 2}f}" for value in values)))
    note = '<p class="soft">Medians over optimiser steps; padding does not count.</p>'
    return f"<div>{table(('Speed', *curves), rows)}{note}</div>"


def versions() -> str:
    """The software and the machine."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    return escape(
        f"cogito_pl {__version__}, Python {platform.python_version()}, {packages}; {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores, OMP_NUM_THREADS={threads}."
    )


def commands(plan: Sequence[Phase], recipes: Sequence[Path]) -> str:
    """The command lines of all phases, the recipes, and the configuration that the phases add to them."""
    lines = "\n".join(line for phase in plan for line in phase.shown())
    files = [*recipes, *(phase.overlay_file for phase in plan if phase.overlay_file)]
    texts = "".join(
        f"<h3><code>{escape(str(file))}</code></h3><pre>{escape(file.read_text(encoding='utf-8').strip())}</pre>"
        for file in dict.fromkeys(files)
    )
    return f'<pre>{escape(lines)}</pre><div class="files">{texts}</div>'

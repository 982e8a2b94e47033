"""The end of the report: what the run cost, with which versions, and how to make it again."""

import os
import platform
from collections.abc import Mapping
from html import escape
from importlib.metadata import version

from cogito_pl import __version__
from cogito_pl.quickstart.controls.names import CONTROLS
from cogito_pl.quickstart.curves import Curve, middle
from cogito_pl.quickstart.phases import Phase
from cogito_pl.quickstart.settings import CONFIGS, Settings
from cogito_pl.quickstart.table import control_rows

PACKAGES = ("torch", "transformers", "lightning")
SPEEDS = {
    "rollout, tokens/s": "speed/rollout_tokens_per_s",
    "training, tokens/s": "speed/train_tokens_per_s",
    "optimiser step, s": "speed/step_s",
}


def phase_table(summary: dict, plan: list[Phase]) -> str:
    """Seconds of every phase."""
    rows = [
        (phase.title, f"{cost['wall_s']:.1f}", f"{cost['cpu_s']:.1f}")
        for phase in plan
        if (cost := summary["phases"].get(phase.name))
    ]
    rows.append(("All, with start-up", f"{summary['wall_s']:.1f}", f"{summary['cpu_s']:.1f}"))
    memory = f'<p class="soft">At most {summary["peak_mib"]:,} MiB of memory in one process.</p>'
    return f"<div>{table(('Phase', 'seconds', 'processor seconds'), rows)}{memory}</div>"


def control_section(summary: dict) -> str:
    """What speaks for the rewards being the cause; nothing where no control was run."""
    rows = control_rows(summary)
    if not rows:
        return ""
    what = "".join(f"<li><b>{name}</b>: {escape(CONTROLS[name])}.</li>" for name in summary["controls"])
    head = ("Control", "accuracy", "compared over the same problems")
    return f'<h2>Controls</h2><div class="tables">{table(head, rows)}</div><ul class="soft">{what}</ul>'


def speed_table(curves: Mapping[str, Mapping[str, Curve]]) -> str:
    """Median speed of the optimiser steps of every fit."""
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


def commands(settings: Settings, plan: list[Phase]) -> str:
    """The command lines of all phases and the configuration that they name."""
    lines = "\n".join(line for phase in plan for line in phase.shown())
    files = [file for name in CONFIGS for file in settings.files_of(name)]
    files += [phase.overlay_file for phase in plan if phase.overlay_file]
    texts = "".join(
        f"<h3><code>{escape(str(file))}</code></h3><pre>{escape(file.read_text(encoding='utf-8').strip())}</pre>"
        for file in dict.fromkeys(files)
    )
    return f'<pre>{escape(lines)}</pre><div class="files">{texts}</div>'


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table of text cells."""
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>{body}</table>"

"""Pieces of a page: sections of figures and tables, and the templates that they are filled into.

A page is one file that loads nothing. Templates escape whatever is not marked as markup.
"""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cogito_pl import __version__
from cogito_pl.files import atomic
from cogito_pl.report.charts import Line, line_chart
from cogito_pl.report.curves import Curve, middle, smoothed, thinned

TEMPLATES = Path(__file__).with_name("templates")
PACKAGES = ("torch", "transformers", "lightning")
SPEEDS = {
    "rollout, tokens/s": "speed/rollout_tokens_per_s",
    "training, tokens/s": "speed/train_tokens_per_s",
    "optimiser step, s": "speed/step_s",
}
"""Rows of the speed table and their metrics, which `callbacks.Throughput` logs."""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A chart with its caption."""

    title: str
    caption: str
    svg: Markup


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of text cells; the first column is a name, the others are numbers unless `words`."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    words: bool = False


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a page.

    Args:
        title: Its heading.
        intro: A line below it.
        drawings: Charts.
        tables: Tables.
        notes: Lines of text: a list.
        code: Texts to show as they are, by title.
        missing: For every part without data, which callback would record it.
        folded: Shown once it is opened.
    """

    title: str
    intro: str = ""
    drawings: Sequence[Drawing] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    code: Mapping[str, str] | None = None
    missing: Sequence[str] = ()
    folded: bool = False

    @property
    def anchor(self) -> str:
        """The heading as part of an address."""
        return self.title.casefold().replace(" ", "-")


def environment(folder: Path = TEMPLATES) -> Environment:
    """The templates of `folder`, which may extend and import those of this package."""
    loader = ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(TEMPLATES)])
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def write_page(path: Path, template: str, folder: Path = TEMPLATES, **values: object) -> Path:
    """Fills a template of `folder` into a file, whole or not at all; half a surrogate pair is shown as its number."""
    stream = environment(folder).get_template(template).stream(values)
    with atomic(path) as draft:
        stream.dump(str(draft), encoding="utf-8", errors="backslashreplace")
    return path


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """A table of text cells, as markup."""
    return environment().get_template("macros.html").module.table(Table(head=head, rows=rows))


def metric_drawing(
    curve: Curve,
    colour: str,
    title: str,
    caption: str,
    *,
    percent: bool = False,
    phases: Sequence[tuple[str, float, float]] = (),
) -> Drawing:
    """One metric over optimiser steps, raw and smoothed."""
    lines = [
        Line(points=thinned(curve), colour=colour, faint=True),
        Line(points=thinned(smoothed(curve)), colour=colour),
    ]
    svg = line_chart(lines, f"{title} over optimiser steps", percent=percent, phases=phases)
    return Drawing(title=title, caption=caption, svg=svg)


def speed_table(curves: Mapping[str, Mapping[str, Curve]]) -> Table:
    """Median speed of the optimiser steps of every fit, by its title."""
    rows = []
    for title, key in SPEEDS.items():
        values = (middle(own.get(key)) for own in curves.values())
        rows.append((title, *("-" if value is None else f"{value:,.{0 if value >= 10 else 2}f}" for value in values)))
    return Table(head=("Speed", *curves), rows=rows, note="Medians over optimiser steps; padding does not count.")


def versions() -> str:
    """The software and the machine that write this page."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    return (
        f"cogito_pl {__version__}, Python {platform.python_version()}, {packages}; {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores, OMP_NUM_THREADS={threads}."
    )

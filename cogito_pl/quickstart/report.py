"""`report.html`: one page that explains a run by itself. Puts the sections together; every section is a function below it.

Nothing on the page comes from elsewhere: pictures are data, charts are SVG, and text from data or models is escaped.
"""

import platform
from datetime import datetime
from html import escape
from importlib.metadata import version
from pathlib import Path
from string import Template

from cogito_pl import __version__
from cogito_pl.quickstart.bar import clock
from cogito_pl.quickstart.curves import Curve, middle, read_curves
from cogito_pl.quickstart.figures import COLOURS, bar_figures, curve_figures
from cogito_pl.quickstart.phases import MODELS, Phase
from cogito_pl.quickstart.settings import CONFIGS, Settings
from cogito_pl.quickstart.shown_problems import shown_problems
from cogito_pl.quickstart.summary import Answers

TEMPLATE = Path(__file__).with_name("report.html")
TITLES = {"base": "base", "sft": "SFT", "grpo": "GRPO"}
PACKAGES = ("torch", "transformers", "lightning")


def write_report(settings: Settings, summary: dict, answers: Answers, plan: list[Phase]) -> Path:
    """Writes the report of a finished run and returns where.

    Args:
        settings: Of the run.
        summary: What is in `summary.json`.
        answers: Graded completions of every model.
        plan: The phases that were run.
    """
    curves = {name: read_curves(settings.run / name) for name in ("sft", "grpo")}
    page = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=f"cogito_pl quickstart, seed {settings.seed}",
        headline=headline(summary),
        byline=byline(summary),
        cards=cards(summary),
        verdict=verdict(summary),
        curves=curve_figures(curves["sft"], curves["grpo"]),
        legend="".join(f'<span><i style="background:{COLOURS[m]}"></i>{TITLES[m]}</span>' for m in MODELS)
        + "<span>whiskers: 95% intervals</span>",
        bars=bar_figures(summary),
        rule=shown_problems.rule,
        problems=shown_problems(answers, settings.run / "data"),
        honesty=honesty(summary),
        costs=phase_table(summary, plan) + speed_table(curves, summary),
        versions=versions(),
        commands=commands(settings, plan),
    )
    path = settings.run / "report.html"
    path.write_text(page, encoding="utf-8", errors="backslashreplace")
    return path


def percent(share: float) -> str:
    """A share as a percentage with one digit."""
    return f"{100 * share:.1f}%"


def points(step: dict) -> str:
    """A difference with its interval, in percentage points."""
    low, high = step["ci"]
    return f"{100 * step['estimate']:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]"


def headline(summary: dict) -> str:
    """The result in one line."""
    accuracy = summary["accuracy"]
    return (
        f"{percent(accuracy['base'])} → {percent(accuracy['sft'])} → {percent(accuracy['grpo'])}: "
        "a tiny vision-language model before training, after SFT, after GRPO"
    )


def byline(summary: dict) -> str:
    """When, on how many problems, with which seed."""
    return (
        f"Accuracy on {summary['n_test']:,} new problems · seed {summary['seed']} · {clock(summary['wall_s'])} "
        f"({summary['cpu_s']:.0f} s of processor time) · {datetime.now().astimezone():%Y-%m-%d %H:%M %Z} · "
        f"cogito_pl {__version__}"
    )

"""The panel of a curriculum: accuracy, weights and lengths of the rollouts of each stage of a GRPO fit."""

from collections import Counter
from html import escape
from itertools import groupby
from pathlib import Path

import yaml

from cogito_pl.data.scores import read_scores
from cogito_pl.data.strata import STRATA, StrataConfig, strata
from cogito_pl.files import read_jsonl
from cogito_pl.report.charts import BLUE, VERMILION, Line, line_chart
from cogito_pl.report.curves import Curve, smoothed
from cogito_pl.report.page import figure
from cogito_pl.rl.statistics import summary

CORRECT, WRONG = BLUE, VERMILION


def curriculum_section(folder: Path, handoffs: Curve) -> str:
    """The panel of a GRPO fit as HTML; empty where it had no stages or no `callbacks.RolloutStatistics`.

    Args:
        folder: Of the fit.
        handoffs: Pairs of the step at which a stage began and the step whose weights it began with.
    """
    file = folder / "rollouts.jsonl"
    rows = read_jsonl(file) if file.exists() else []
    if not any(row["stage"] for row in rows):
        return ""
    values = [(row["step"], summary(row["prompts"])) for row in rows]
    curves = {
        key: [(step, own[key]) for step, own in values if key in own]
        for key in dict.fromkeys(k for _, v in values for k in v)
    }
    phases = stage_spans(rows)

    def drawn(lines: dict[str, tuple[str, str]], title: str, caption: str, *, percent: bool) -> str:
        shown = [Line(points=smoothed(curves.get(key, [])), colour=colour) for key, (_, colour) in lines.items()]
        keys = " ".join(f'<b style="color:{colour}">{name}</b>' for name, colour in lines.values())
        drawing = line_chart(shown, f"{title} through the stages", percent=percent, phases=phases)
        return figure(drawing, title, f"{caption} {keys}")

    figures = [
        drawn({"accuracy": ("", WRONG)}, "Accuracy of samples", "Mean over the prompts of a rollout.", percent=True),
        drawn(
            {"p/zero": ("none correct", WRONG), "p/one": ("all correct", CORRECT)},
            "Prompts with zero variance",
            "Shares of prompts of which no sample, or every sample, was correct.",
            percent=True,
        ),
        drawn({"weight": ("", WRONG)}, "Weight of a prompt", "Mean over the prompts of a rollout.", percent=False),
        drawn(
            {"correct_length_tokens": ("correct", CORRECT), "wrong_length_tokens": ("wrong", WRONG)},
            "Length of correct and wrong samples",
            "Tokens. A dynamic length reward pulls wrong samples to the length of correct ones, in its stages.",
            percent=False,
        ),
    ]
    head = f"<h2>Curriculum</h2>{stratum_line(folder)}"
    return f'{head}<div class="grid">{"".join(figures)}</div>{handed_over(handoffs, phases)}'


def stratum_line(folder: Path) -> str:
    """How many problems are in each stratum that a fit drew from; empty where it had no strata."""
    file = folder / "config.yaml"
    if not (given := yaml.safe_load(file.read_text(encoding="utf-8"))["data"].get("strata") if file.exists() else None):
        return ""
    config = StrataConfig(**given)
    counts = Counter(strata(list(read_scores(config).values()), config))
    listed = ", ".join(f"{counts[name]:,} {name}" for name in STRATA)
    return (
        f'<p class="soft">Problems per stratum, by the scorer {config.scorer}: {listed}. '
        "Each stage draws from the strata in its own proportions.</p>"
    )


def stage_spans(rows: list[dict]) -> list[tuple[str, float, float]]:
    """Name, first and last step of every stage, one after the other."""
    starts = [(name, next(group)["step"]) for name, group in groupby(rows, key=lambda row: row["stage"])]
    ends = [step for _, step in starts[1:]] + [rows[-1]["step"] + 1]
    return [(name, first, last) for (name, first), last in zip(starts, ends, strict=True)]


def handed_over(handoffs: Curve, phases: list[tuple[str, float, float]]) -> str:
    """Which weights each stage began with, where `callbacks.BestCheckpointHandoff` chose them.

    Args:
        handoffs: Pairs of the step at which a stage began and the step whose weights it began with.
        phases: Name, first and last step of every stage.
    """
    names = {first: name for name, first, _ in phases}
    items = [
        f"<li>{escape(names.get(step, '?'))}, from step {step}: the weights of step {source:.0f}</li>"
        for step, source in handoffs
    ]
    title = "The weights with which each stage began, the best of the stage before by validation accuracy:"
    return f'<p class="soft">{title}</p><ul class="soft">{"".join(items)}</ul>' if items else ""

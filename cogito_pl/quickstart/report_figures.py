"""The figures of the report: training curves of both phases, and accuracy per kind of problem."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from cogito_pl.files import read_jsonl
from cogito_pl.playground.families import GUESS
from cogito_pl.quickstart.phases import MODELS, TITLES
from cogito_pl.report.charts import BLUE, GREY, VERMILION, Bar, Line, bar_chart, line_chart
from cogito_pl.report.curves import Curve, shifted
from cogito_pl.report.page import Drawing, metric_drawing

BASE = MODELS[0]
CAREFUL = "careful answers"
"""Key of `careful_curve` among the curves of a fit."""
COLOURS = {"base": GREY, "sft": BLUE, "grpo": VERMILION}
GRPO_METRICS = {
    "reward/accuracy": ("GRPO reward: accuracy", "Share of correct samples."),
    "rollout/length_tokens": ("GRPO completion length", "Tokens per sample."),
    "policy/entropy": ("GRPO entropy", "Nats per sampled token."),
    "policy/kl": ("GRPO distance from SFT", "KL divergence estimate, nats per sampled token."),
}
"""Metric to title and caption of its figure."""


def curve_figures(sft: Mapping[str, Curve], grpo: Mapping[str, Curve]) -> list[Drawing]:
    """Validation accuracy and share of careful answers over both phases, then metrics of each phase."""
    switch, end = (max((step for curve in curves.values() for step, _ in curve), default=0) for curves in (sft, grpo))

    def through(key: str, title: str, caption: str) -> Drawing:
        before, after = sft.get(key, []), shifted(grpo.get(key, []), switch)
        lines = [
            Line(points=[*before[-1:], *after], colour=COLOURS["grpo"], marked=True),  # GRPO starts where SFT ended
            Line(points=before, colour=COLOURS["sft"], marked=True),
        ]
        phases = [("SFT", 0, switch), ("GRPO", switch, switch + end)]
        label = f"{title} over the optimiser steps of SFT and GRPO"
        return Drawing(title=title, caption=caption, svg=line_chart(lines, label, percent=True, phases=phases))

    return [
        through("val/accuracy", "Validation accuracy", "Greedy answers after every epoch of both phases."),
        through(
            CAREFUL,
            "Careful answers",
            "Share of the same answers that are worked out step by step; the others are guesses.",
        ),
        metric_drawing(sft.get("sft/loss", []), COLOURS["sft"], "SFT loss", "Nats per token of the written solutions."),
        *(
            metric_drawing(grpo.get(key, []), COLOURS["grpo"], title, caption, percent=key == "reward/accuracy")
            for key, (title, caption) in GRPO_METRICS.items()
        ),
    ]


def careful_curve(folder: Path) -> Curve:
    """Share of validation answers that are not guesses, by optimiser step; of a step validated twice, the later ones.

    Args:
        folder: Of a fit whose recipe has `callbacks.RolloutTable`; without its file, the curve is empty.
    """
    answers: defaultdict[int, dict[tuple[str, int], bool]] = defaultdict(dict)
    for file in sorted(folder.glob("validation.rank*.jsonl")):
        for row in read_jsonl(file):
            answers[row["step"]][row["validation"], row["draw"]] = GUESS not in row["response"]
    return [(step, fmean(own.values())) for step, own in sorted(answers.items())]


def bar_figures(summary: dict) -> list[Drawing]:
    """Accuracy per family and per difficulty; that of the base in any form, since it was not trained on the tags."""
    captions = {
        "family": "Kinds of problem; arithmetic has no image.",
        "difficulty": "1 is the easiest. Higher levels have more things to look at, or larger numbers.",
    }
    drawings = []
    for name, caption in captions.items():
        shares, spans = (
            summary[f"by_{name}{suffix}"] | {BASE: summary[f"by_{name}_any_form{suffix}"][BASE]}
            for suffix in ("", "_ci")
        )
        groups = {
            key: {
                model: Bar(value=shares[model][key], low=spans[model][key][0], high=spans[model][key][1])
                for model in MODELS
            }
            for key in shares[MODELS[0]]
        }
        svg = bar_chart(groups, COLOURS, f"accuracy by {name}")
        drawings.append(Drawing(title=f"Accuracy by {name}", caption=caption, svg=svg))
    return drawings


def legend() -> list[tuple[str, str]]:
    """The colours of the models and their names."""
    titles = TITLES | {BASE: f"{TITLES[BASE]}, answers in any form"}
    return [(COLOURS[model], titles[model]) for model in MODELS]

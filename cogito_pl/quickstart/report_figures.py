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
from cogito_pl.report.page import figure, metric_figure

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


def curve_figures(sft: Mapping[str, Curve], grpo: Mapping[str, Curve]) -> str:
    """Validation accuracy and share of careful answers over both phases, then metrics of each phase."""
    switch, end = (max((step for curve in curves.values() for step, _ in curve), default=0) for curves in (sft, grpo))

    def through(key: str, title: str) -> str:
        before, after = sft.get(key, []), shifted(grpo.get(key, []), switch)
        lines = [
            Line(points=[*before[-1:], *after], colour=COLOURS["grpo"], marked=True),  # GRPO starts where SFT ended
            Line(points=before, colour=COLOURS["sft"], marked=True),
        ]
        phases = [("SFT", 0, switch), ("GRPO", switch, switch + end)]
        return line_chart(lines, f"{title} over the optimiser steps of SFT and GRPO", percent=True, phases=phases)

    figures = [
        figure(
            through("val/accuracy", "validation accuracy"),
            "Validation accuracy",
            "Greedy answers after every epoch of both phases.",
        ),
        figure(
            through(CAREFUL, "share of careful answers"),
            "Careful answers",
            "Share of the same answers that are worked out step by step; the others are guesses.",
        ),
        metric_figure(sft.get("sft/loss", []), COLOURS["sft"], "SFT loss", "Nats per token of the written solutions."),
        *(
            metric_figure(grpo.get(key, []), COLOURS["grpo"], title, caption, percent=key == "reward/accuracy")
            for key, (title, caption) in GRPO_METRICS.items()
        ),
    ]
    return "".join(figures)


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


def bar_figures(summary: dict) -> str:
    """Accuracy per family and per difficulty; that of the base in any form, since it was not trained on the tags."""
    captions = {
        "family": "Kinds of problem; <i>arithmetic</i> has no image.",
        "difficulty": "1 is the easiest. Higher levels have more things to look at, or larger numbers.",
    }
    figures = []
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
        figures.append(figure(bar_chart(groups, COLOURS, f"accuracy by {name}"), f"Accuracy by {name}", caption))
    return "".join(figures)


def legend() -> str:
    """The colours of the models."""
    titles = TITLES | {BASE: f"{TITLES[BASE]}, answers in any form"}
    names = (f'<span><i style="background:{COLOURS[model]}"></i>{titles[model]}</span>' for model in MODELS)
    return "".join(names) + "<span>Whiskers: 95% intervals</span>"

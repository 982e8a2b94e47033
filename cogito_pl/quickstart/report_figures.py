"""The figures of the report: what they show and what stands below them. How a chart is drawn is not known here."""

from collections.abc import Mapping

from cogito_pl.quickstart.charts import Bar, Line, bar_chart, line_chart
from cogito_pl.quickstart.curves import Curve, shifted, smoothed
from cogito_pl.quickstart.phases import MODELS, TITLES

BASE = MODELS[0]
CAREFUL = "careful answers"
"""Key of the curve that `strategy.py` makes."""
COLOURS = {"base": "#8a9199", "sft": "#0072b2", "grpo": "#d55e00"}
"""Grey, blue and vermilion (Okabe and Ito): told apart by every kind of colour vision, and by their lightness."""


def curve_figures(sft: Mapping[str, Curve], grpo: Mapping[str, Curve]) -> str:
    """Validation accuracy and strategy through both phases, then what each phase optimises and watches."""
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
            "Share of the same answers that are worked out; the others only guess.",
        ),
        learning(sft, "sft/loss", "sft", "SFT loss", "Nats per token of the written solutions."),
        learning(grpo, "reward/accuracy", "grpo", "GRPO reward: accuracy", "Share of right samples.", percent=True),
        learning(grpo, "rollout/length_tokens", "grpo", "GRPO completion length", "Tokens per sample."),
        learning(grpo, "policy/entropy", "grpo", "GRPO entropy", "Nats per sampled token."),
        learning(
            grpo, "policy/kl", "grpo", "GRPO distance from SFT", "KL divergence estimate, nats per sampled token."
        ),
    ]
    return "".join(figures)


def learning(
    curves: Mapping[str, Curve], key: str, model: str, title: str, caption: str, *, percent: bool = False
) -> str:
    """One metric over the steps of its phase, raw and smoothed."""
    curve = curves.get(key, [])
    lines = [
        Line(points=curve, colour=COLOURS[model], faint=True),
        Line(points=smoothed(curve), colour=COLOURS[model]),
    ]
    return figure(line_chart(lines, f"{title} over optimiser steps", percent=percent), title, caption)


def bar_figures(summary: dict) -> str:
    """Accuracy per family and per difficulty; that of the base in any form, as it has not been taught the tags."""
    captions = {
        "family": "Kinds of problem; <i>arithmetic</i> has no picture.",
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
    """Which colour is which model."""
    titles = TITLES | {BASE: f"{TITLES[BASE]}, answers in any form"}
    names = (f'<span><i style="background:{COLOURS[model]}"></i>{titles[model]}</span>' for model in MODELS)
    return "".join(names) + "<span>Whiskers: 95% intervals</span>"


def figure(drawing: str, title: str, caption: str) -> str:
    """A drawing with its caption."""
    return f"<figure><figcaption><b>{title}.</b> {caption}</figcaption>{drawing}</figure>"

"""The sections of a fit that come from what was logged: rewards, policy, lengths, callbacks, speed, every metric."""

from collections.abc import Iterable, Mapping, Sequence

from cogito_pl.report.charts import BLUE, COLOURS, VERMILION, Line, line_chart
from cogito_pl.report.curriculum import Span, phases_of
from cogito_pl.report.curves import Curve, smoothed, thinned
from cogito_pl.report.page import Drawing, Section, Table, metric_drawing, speed_table
from cogito_pl.report.run_folder import RunFolder

SHARES = ("accuracy", "format", "unparsed", "truncated")
"""Last parts of the names of metrics that are shares."""
POLICY = {
    "sft/loss": ("SFT loss", "Nats per token of the written solutions."),
    "policy/surrogate": ("Surrogate", "The clipped policy gradient, per token."),
    "policy/kl": ("Distance from the reference", "KL divergence estimate, nats per sampled token."),
    "policy/entropy": ("Entropy", "Nats per sampled token."),
    "policy/gradient_norm": ("Gradient norm", "Of the whole optimiser step, before clipping."),
}
GROUPS_WITHOUT = "rollout/groups_without_signal"
LENGTH = "rollout/length_tokens"


def training_sections(run: RunFolder) -> list[Section]:
    """The sections of a fit, in the order of the page, before and after those of the curriculum."""
    phases = phases_of(run)
    return [reward_section(run, phases), policy_section(run, phases), length_section(run, phases)]


def reward_section(run: RunFolder, phases: Sequence[Span]) -> Section:
    """Total reward, accuracy and the other terms of the samples that are trained on."""
    terms = [name for name in run.curves if name.startswith("reward/")]
    if not terms and not run.curves:
        return Section(
            title="Rewards", missing=["No metric is recorded; a logger does (trainer.logger: TensorBoardLogger)."]
        )
    if not terms:
        sft = any(name.startswith("sft/") for name in run.curves)
        why = "SFT has no rewards; GRPO logs them." if sft else "No optimiser step is logged yet."
        return Section(title="Rewards", missing=[why])
    first = [name for name in ("reward/accuracy", "reward/total") if name in terms]
    drawings = [
        metric_drawing(
            run.curves[name],
            VERMILION,
            {"reward/accuracy": "Accuracy of samples", "reward/total": "Reward"}[name],
            "Mean over the sampled completions." if name.endswith("accuracy") else "Mean of the weighted terms.",
            percent=is_share(name),
            phases=phases,
        )
        for name in first
    ]
    others = {name.removeprefix("reward/"): run.curves[name] for name in sorted(terms) if name not in first}
    if others:
        drawings.append(several("Terms of the reward", "Unweighted means, smoothed.", others, phases))
    if GROUPS_WITHOUT in run.curves:
        curve = run.curves[GROUPS_WITHOUT]
        caption = "Share of prompts whose completions all have the advantage 0."
        drawings.append(metric_drawing(curve, BLUE, "Groups without signal", caption, percent=True, phases=phases))
    return Section(title="Rewards", drawings=drawings)


def policy_section(run: RunFolder, phases: Sequence[Span]) -> Section:
    """Loss, distance from the reference, entropy, gradient and learning rate."""
    drawings = [
        metric_drawing(run.curves[name], BLUE, title, caption, phases=phases)
        for name, (title, caption) in POLICY.items()
        if name in run.curves
    ]
    clips = {name.removeprefix("policy/"): run.curves[name] for name in sorted(run.curves) if "policy/clip" in name}
    if any(value for curve in clips.values() for _, value in curve):
        caption = "Shares of tokens whose ratio is beyond a limit, smoothed."
        drawings.append(several("Clipped tokens", caption, clips, phases, percent=True))
    rates = {name: curve for name, curve in run.curves.items() if name.startswith("lr-")}
    missing = []
    if rates:
        lines = [Line(points=thinned(curve), colour=BLUE) for curve in rates.values()]
        svg = line_chart(lines, "learning rate over optimiser steps", phases=phases)
        drawings.append(Drawing(title="Learning rate", caption="Of every optimiser step.", svg=svg))
    else:
        missing.append(
            "The learning rate is not recorded; lightning.pytorch.callbacks.LearningRateMonitor records it "
            "(configs/with/learning_rate_curve.yaml)."
        )
    if "policy/gradient_norm" not in run.curves and any(name.startswith("policy/") for name in run.curves):
        missing.append("The gradient norm is not recorded; callbacks.RolloutStatistics records it.")
    return Section(title="Policy", drawings=drawings, missing=missing)


def length_section(run: RunFolder, phases: Sequence[Span]) -> Section:
    """Lengths of completions: all, correct and wrong ones, and those that were cut."""
    curves, drawings, missing = run.curves, [], []
    for name, title, caption in (
        (LENGTH, "Length of samples", "Tokens, mean over the sampled completions."),
        ("sft/length_tokens", "Length of solutions", "Tokens, mean over the written solutions."),
    ):
        if name in curves:
            drawings.append(metric_drawing(curves[name], VERMILION, title, caption, phases=phases))
    kinds = {kind: f"rollout/{kind}_length_tokens" for kind in ("correct", "wrong")}
    if any(name in curves for name in kinds.values()):
        chosen = {kind: curves[name] for kind, name in kinds.items() if name in curves}
        drawings.append(several("Correct and wrong samples", "Tokens, smoothed.", chosen, phases))
    elif LENGTH in curves:
        missing.append("Lengths of correct and wrong samples are not recorded; callbacks.RolloutStatistics does that.")
    if "rollout/truncated" in curves:
        caption = "Share of samples that were cut at the token limit."
        drawings.append(
            metric_drawing(curves["rollout/truncated"], BLUE, "Cut samples", caption, percent=True, phases=phases)
        )
    if not drawings:
        missing.append("No lengths are recorded; a logger records them.")
    return Section(title="Lengths", drawings=drawings, missing=missing)


def callback_section(run: RunFolder) -> Section:
    """How often each callback changed something, and what it logs of its own."""
    phases = phases_of(run)
    acted = {name.removeprefix("applied/"): curve for name, curve in run.curves.items() if name.startswith("applied/")}
    if not acted:
        line = "No callback logged `applied/*`: none changes rewards, advantages or weights, or nothing is logged."
        return Section(title="What callbacks did", missing=[line])
    drawings = []
    rows = []
    for name, curve in acted.items():
        last = curve[-1][0]
        acting = sum(value != 0 for _, value in curve)
        mean = sum(value for _, value in curve) / len(curve)
        rows.append((name, f"{acting:,} of {len(curve):,}", f"{mean:.1%}", f"{curve[0][0]:,} to {last:,}"))
        if len(curve) > 2:
            drawings.append(
                metric_drawing(
                    curve, VERMILION, f"applied/{name}", "Share that it changed.", percent=True, phases=phases
                )
            )
    for prefix in ("odsw/", "dynamic_length/"):
        own = {name.removeprefix(prefix): curve for name, curve in run.curves.items() if name.startswith(prefix)}
        if own:
            drawings.append(several(prefix.rstrip("/"), "What it logs, smoothed.", own, phases))
    head = ("callback", "steps at which it acted", "mean share", "logged at steps")
    note = "The share is of completions or of prompts, as the callback's documentation says."
    return Section(title="What callbacks did", drawings=drawings, tables=[Table(head=head, rows=rows, note=note)])


def throughput_section(run: RunFolder) -> Section:
    """Speed and memory."""
    curves = {name: curve for name, curve in run.curves.items() if name.startswith(("speed/", "memory/"))}
    if not curves:
        return Section(
            title="Throughput", missing=["Speed and memory are not recorded; callbacks.Throughput records them."]
        )
    tokens = {
        name.removeprefix("speed/").removesuffix("_tokens_per_s"): curve
        for name, curve in curves.items()
        if name.endswith("tokens_per_s")
    }
    drawings = [several("Tokens per second", "Smoothed; padding does not count.", tokens, ())]
    if "speed/step_s" in curves:
        drawings.append(metric_drawing(curves["speed/step_s"], BLUE, "Seconds of an optimiser step", "Wall time."))
    peaks = [
        f"{name.removeprefix('memory/')}: {max(value for _, value in curve):,.0f}"
        for name, curve in curves.items()
        if name.startswith("memory/")
    ]
    return Section(title="Throughput", drawings=drawings, tables=[speed_table({"this run": run.curves})], notes=peaks)


def metric_section(run: RunFolder) -> Section:
    """Every scalar in numbers."""
    head = ("metric", "values", "first", "last", "least", "greatest")
    rows = []
    for name, curve in sorted(run.curves.items()):
        values = [value for _, value in curve]
        shown = (f"{value:.5g}" for value in (values[0], values[-1], min(values), max(values)))
        rows.append((name, f"{len(values):,}", *shown))
    return Section(title="Every metric", tables=[Table(head=head, rows=rows)] if rows else [], folded=True)


def several(
    title: str,
    caption: str,
    curves: Mapping[str, Curve],
    phases: Sequence[Span],
    *,
    percent: bool = False,
) -> Drawing:
    """Several metrics in one chart, smoothed."""
    lines = [
        Line(points=thinned(smoothed(curve)), colour=COLOURS[place % len(COLOURS)], name=name)
        for place, (name, curve) in enumerate(curves.items())
    ]
    label = f"{title} over optimiser steps"
    svg = line_chart(lines, label, percent=percent, phases=phases)
    return Drawing(title=title, caption=caption, svg=svg)


def is_share(name: str) -> bool:
    """Whether a metric is a share, 0 to 1."""
    return name.rpartition("/")[2] in SHARES


def change(curve: Iterable[tuple[int, float]]) -> tuple[float, float]:
    """Mean of the first and of the last tenth of a curve, at least one point each."""
    values = [value for _, value in curve]
    tenth = max(1, len(values) // 10)
    return sum(values[:tenth]) / tenth, sum(values[-tenth:]) / tenth

"""The curriculum of a run: what its stages, strata, weights and hand-offs did, and how hard the prompts were."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any

from cogito_pl.data.score_files import find_score_files
from cogito_pl.data.scores import scored_strata
from cogito_pl.data.strata import STRATA, StrataConfig
from cogito_pl.report.charts import BLUE, COLOURS, VERMILION, Line, line_chart
from cogito_pl.report.curves import Curve, smoothed, thinned
from cogito_pl.report.page import Drawing, Section, Table
from cogito_pl.report.run_folder import RunFolder
from cogito_pl.rl.statistics import BINS, summary

CORRECT, WRONG = BLUE, VERMILION
Span = tuple[str, float, float]
"""Name, first and last step of a stage."""
BIN_TITLES = dict(zip(BINS, ("0", "to 1/4", "to 1/2", "to 3/4", "below 1", "1"), strict=True))
RECORDER = "callbacks.RolloutStatistics records it (configs/with/rollout_statistics.yaml)."


def curriculum_sections(run: RunFolder) -> list[Section]:
    """Stages and strata, and difficulty, of a GRPO fit."""
    sections = [difficulty_section(run)]
    if run.setting("data", "stages") or any(row["stage"] for row in run.rollouts):
        sections.insert(0, stage_section(run))
    return sections


def stage_section(run: RunFolder) -> Section:
    """What happened in each stage, and the weights it began with."""
    rows, handoffs = run.rollouts, run.curves.get("handoff/from_step", [])
    phases = phases_of(run)
    found = [line for line in (stratum_line(run),) if line] + handed_over(handoffs, phases)
    if not rows:
        missing = f"Accuracy, weights and lengths by stage are not recorded; {RECORDER}"
        return Section(title="Stages and strata", notes=found, missing=[missing])
    curves = rollout_curves(rows)

    def drawn(lines: Mapping[str, tuple[str, str]], title: str, caption: str, *, percent: bool = False) -> Drawing:
        shown = [
            Line(points=thinned(smoothed(curves.get(key, []))), colour=colour, name=name)
            for key, (name, colour) in lines.items()
        ]
        svg = line_chart(shown, f"{title} through the stages", percent=percent, phases=phases)
        return Drawing(title=title, caption=caption, svg=svg)

    drawings = [
        drawn({"accuracy": ("", WRONG)}, "Accuracy of samples", "Mean over the prompts of a rollout.", percent=True),
        drawn(
            {"p/zero": ("none correct", WRONG), "p/one": ("all correct", CORRECT)},
            "Prompts with zero variance",
            "Shares of prompts of which no sample, or every sample, was correct.",
            percent=True,
        ),
        drawn({"weight": ("", WRONG)}, "Weight of a prompt", "Mean over the prompts of a rollout."),
        drawn(
            {"correct_length_tokens": ("correct", CORRECT), "wrong_length_tokens": ("wrong", WRONG)},
            "Length of correct and wrong samples",
            "Tokens. A dynamic length reward pulls wrong samples to the length of correct ones, in its stages.",
        ),
    ]
    return Section(title="Stages and strata", drawings=drawings, tables=[stage_table(rows)], notes=found)


def stage_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Means over the prompts of each stage."""
    head = (
        "stage",
        "steps",
        "rollouts",
        "prompts",
        "accuracy",
        "none correct",
        "all correct",
        "weight",
        "no advantage",
    )
    cells = []
    for (name, first, _), group in zip(stage_spans(rows), stage_groups(rows), strict=True):
        own = summary([prompt for row in group for prompt in row["prompts"]])
        shares = (own["accuracy"], own["p/zero"], own["p/one"])
        cells.append(
            (
                name or "(no stage)",
                f"{first:,.0f} to {group[-1]['step']:,}",
                f"{len(group):,}",
                f"{sum(len(row['prompts']) for row in group):,}",
                *(f"{share:.1%}" for share in shares),
                f"{own['weight']:.3f}",
                f"{own['zero_advantage']:.1%}",
            )
        )
    return Table(head=head, rows=cells, note="Means over prompts; the last column over completions.")


def difficulty_section(run: RunFolder) -> Section:
    """How many of a prompt's completions were correct, and accuracy by the level of difficulty."""
    rows = run.rollouts
    if not rows:
        return Section(title="Difficulty", missing=[f"Accuracy by prompt and difficulty is not recorded; {RECORDER}"])
    drawings, tables, phases = [], [], phases_of(run)
    curves = rollout_curves(rows)
    lines = [
        Line(points=thinned(smoothed(curves[name])), colour=COLOURS[place % len(COLOURS)], name=title)
        for place, (name, title) in enumerate(BIN_TITLES.items())
    ]
    svg = line_chart(lines, "shares of prompts by p over optimiser steps", percent=True, phases=phases)
    caption = "p is the share of a prompt's completions that is correct; shares of prompts, smoothed."
    drawings.append(Drawing(title="Prompts by p", caption=caption, svg=svg))
    if levels := by_level(rows):
        lines = [
            Line(points=thinned(smoothed(curve)), colour=COLOURS[place % len(COLOURS)], name=level)
            for place, (level, curve) in enumerate(level_curves(rows, levels).items())
        ]
        svg = line_chart(lines, "accuracy by difficulty over optimiser steps", percent=True, phases=phases)
        caption = "Accuracy of the samples of each level of difficulty, smoothed."
        drawings.append(Drawing(title="Accuracy by difficulty", caption=caption, svg=svg))
        head = ("difficulty", "prompts", "accuracy", "none correct", "all correct")
        cells = [
            (level, f"{len(prompts):,}", *(f"{own[name]:.1%}" for name in ("accuracy", "p/zero", "p/one")))
            for level, prompts in levels.items()
            for own in (summary(prompts),)
        ]
        tables.append(Table(head=head, rows=cells, note="Over the whole run."))
    return Section(title="Difficulty", drawings=drawings, tables=tables)


def by_level(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The prompts of every level of difficulty, numbers in their order; prompts without one are left out."""
    levels = defaultdict(list)
    for row in rows:
        for prompt in row["prompts"]:
            if prompt["difficulty"] is not None:
                levels[prompt["difficulty"]].append(prompt)
    return {name: levels[name] for name in sorted(levels, key=in_order)}


def in_order(level: str) -> tuple[int, float, str]:
    """A key to sort levels by: numbers by value, then words."""
    try:
        return 0, float(level), level
    except ValueError:
        return 1, 0.0, level


def level_curves(rows: Iterable[Mapping[str, Any]], levels: Iterable[str]) -> dict[str, Curve]:
    """Accuracy of every level by step; steps without a prompt of a level are left out of its curve."""
    curves: dict[str, Curve] = {level: [] for level in levels}
    for row in rows:
        shares = defaultdict(list)
        for prompt in row["prompts"]:
            shares[prompt["difficulty"]].append(prompt["p"])
        for level, own in shares.items():
            if level is not None:
                curves[level].append((row["step"], fmean(own)))
    return curves


def rollout_curves(rows: Iterable[Mapping[str, Any]]) -> dict[str, Curve]:
    """Every statistic of `cogito_pl.rl.statistics.summary` by step."""
    curves = defaultdict(list)
    for row in rows:
        if row["prompts"]:
            for name, value in summary(row["prompts"]).items():
                curves[name].append((row["step"], value))
    return curves


def stratum_line(run: RunFolder) -> str:
    """How many problems are in each stratum that a fit drew from; empty where it had no strata."""
    if not (given := run.setting("data", "strata")):
        return ""
    config = StrataConfig(**given)
    named = [str(run.found(name)) for name in config.files]
    if not named or not all(Path(name).exists() for name in named):
        return f"The strata come from {', '.join(config.files) or 'the data themselves'}, which is not read here."
    _, found = scored_strata(find_score_files(named, config.score_column, "data.strata.file"), config)
    counts = Counter(found)
    listed = ", ".join(f"{counts[name]:,} {name}" for name in STRATA)
    return (
        f"Problems per stratum, by the scorer {config.scorer}: {listed}. "
        "Each stage draws from the strata in its own proportions."
    )


def phases_of(run: RunFolder) -> list[Span]:
    """The stages of a run for its charts: from its rollouts or, without those, from the logged stage."""
    if any(row["stage"] for row in run.rollouts):
        return stage_spans(run.rollouts)
    logged = run.curves.get("stage", [])
    names = [stage["name"] for stage in run.setting("data", "stages") or []]
    rows = [{"step": step, "stage": names[int(place)]} for step, place in logged if int(place) < len(names)]
    return stage_spans(rows)


def stage_groups(rows: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """The rollouts of every stage, one after the other."""
    return [list(group) for _, group in groupby(rows, key=lambda row: row["stage"])]


def stage_spans(rows: Sequence[Mapping[str, Any]]) -> list[Span]:
    """Name, first and last step of every stage, one after the other."""
    if not rows:
        return []
    starts = [(group[0]["stage"], group[0]["step"]) for group in stage_groups(rows)]
    ends = [step for _, step in starts[1:]] + [rows[-1]["step"] + 1]
    return [(name, first, last) for (name, first), last in zip(starts, ends, strict=True)]


def handed_over(handoffs: Curve, phases: Sequence[Span]) -> list[str]:
    """Which weights each stage began with, where `callbacks.BestCheckpointHandoff` chose them.

    Args:
        handoffs: Pairs of the step at which a stage began and the step whose weights it began with.
        phases: Name, first and last step of every stage.
    """
    names = {first: name for name, first, _ in phases}
    return [
        f"Stage {names.get(step, '?')}, from step {step}: began with the weights of step {source:.0f}, the best of the "
        "stage before by validation"
        for step, source in handoffs
    ]

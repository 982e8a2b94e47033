"""The section on gradient stagnation: what was sampled beside what was trained on."""

from collections.abc import Mapping, Sequence

from cogito_pl.report.charts import BLUE
from cogito_pl.report.curriculum import Span, phases_of
from cogito_pl.report.curves import Curve
from cogito_pl.report.page import Drawing, Section, Table, metric_drawing
from cogito_pl.report.run_folder import RunFolder
from cogito_pl.report.training import several

PARTS = ("sampled", "trained")
PANELS = {
    "equal_groups": ("Completions of groups without signal", "Shares; all advantages of the group are 0.", True),
    "small_advantages": ("Completions with a small advantage", "Shares; |A| is at most the threshold.", True),
    "advantage": ("Mean advantage", "With its sign; below 0, wrong completions are in the majority.", False),
    "advantage_size": ("Mean size of an advantage", "Of |A|.", False),
    "completions": ("Completions", "Each as often as it counts.", False),
    "effective": ("Completions with an advantage", "Different ones, of which |A| is above the threshold.", False),
}
"""Title, caption and whether it is a share, by the last part of the name that `callbacks.GradientStagnation` logs."""
DRAWN = ("pad/effective", "pad/selected", "pad/distinct")
SKIPPED, NORM, TEMPERATURE = "policy/skipped_updates", "policy/gradient_norm", "pad/temperature"


def stagnation_sections(run: RunFolder) -> list[Section]:
    """The section where `callbacks.GradientStagnation` or distillation recorded something; none elsewhere."""
    curves, phases = run.curves, phases_of(run)
    drawings = [panel for name in PANELS if (panel := compared(curves, name, phases))]
    if chosen := {name.removeprefix("pad/"): curves[name] for name in DRAWN if name in curves}:
        caption = "Effective rows, drawn ones, and different ones among these, smoothed."
        drawings.append(several("Rows that PAD draws", caption, chosen, phases))
    if TEMPERATURE in curves:
        drawings.append(
            metric_drawing(curves[TEMPERATURE], BLUE, "Temperature of PAD", "Of its softmax.", phases=phases)
        )
    if not drawings:
        return []
    return [Section(title="Gradient stagnation", drawings=drawings, tables=[means(curves)], notes=skipped(curves))]


def compared(curves: Mapping[str, Curve], name: str, phases: Sequence[Span]) -> Drawing | None:
    """One value of what was sampled and of what was trained on; None where it is not recorded."""
    title, caption, percent = PANELS[name]
    lines = {part: curves[f"stagnation/{part}/{name}"] for part in PARTS if f"stagnation/{part}/{name}" in curves}
    return several(title, f"{caption} Smoothed.", lines, phases, percent=percent) if lines else None


def means(curves: Mapping[str, Curve]) -> Table:
    """Means over the run, before and after rows were chosen."""
    rows = []
    for name, (title, _, percent) in PANELS.items():
        found = [curves.get(f"stagnation/{part}/{name}") for part in PARTS]
        if any(found):
            rows.append((title, *(shown(curve, percent) for curve in found)))
    if NORM in curves:
        rows.append(("Gradient norm", "", shown(curves[NORM], percent=False)))
    note = "Means over the logged steps. The gradient norm of all that was sampled is that of a run with `mode: off`."
    return Table(head=("", *PARTS), rows=rows, note=note)


def shown(curve: Curve | None, percent: bool) -> str:
    """The mean of a curve; empty without one."""
    if not curve:
        return ""
    mean = sum(value for _, value in curve) / len(curve)
    return f"{mean:.1%}" if percent else f"{mean:.4g}"


def skipped(curves: Mapping[str, Curve]) -> list[str]:
    """How many updates had no row to train on."""
    curve = curves.get(SKIPPED, [])
    number = sum(value > 0 for _, value in curve)
    return [f"{number:,} of {len(curve):,} updates had no row that counted, and were skipped."] if curve else []

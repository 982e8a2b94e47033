"""Charts of an ablation's page: learning curves with bands, differences with both intervals, cost beside gain."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from cogito_pl.experiments.ablation.arms import PLAIN
from cogito_pl.report.ablation_figure import NOISE, draw_dots, draw_mean
from cogito_pl.report.charts import BLUE, COLOURS, drawn


def colours(arms: Sequence[str]) -> dict[str, str]:
    """A colour for every arm; the plain recipe is blue."""
    others = [colour for colour in COLOURS if colour != BLUE]
    names = [arm for arm in arms if arm != PLAIN]
    return {PLAIN: BLUE} | {arm: others[place % len(others)] for place, arm in enumerate(names)}


def curve_chart(arms: Mapping[str, Mapping[str, Any]]) -> Markup:
    """Validation accuracy over updates: the mean of the seeds, and behind it a band from the lowest to the highest.

    Args:
        arms: As in `ablation.json`, at least one of them with a learning curve.
    """
    palette = colours(list(arms))
    with drawn("Validation accuracy over updates, by arm") as (axes, result):
        for arm, own in arms.items():
            steps, values = shared_curve([seed["curve"] for seed in own["seeds"].values() if "curve" in seed])
            if not steps:
                continue
            alone = "o" if len(steps) == 1 else None
            axes.fill_between(steps, [min(v) for v in values], [max(v) for v in values], color=palette[arm], alpha=0.15,
                              linewidth=0)  # fmt: skip
            axes.plot(steps, [fmean(v) for v in values], color=palette[arm], linewidth=1.6, label=arm, marker=alone)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        axes.set_xlabel("updates", fontsize=8, loc="right")
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, frameon=False, fontsize=8, handlelength=1.2
        )  # fmt: skip
        return result()


def shared_curve(curves: Sequence[Sequence[tuple[float, float]]]) -> tuple[list[float], list[list[float]]]:
    """The updates at which every curve has a point, and the values of all curves there."""
    points = [dict(map(tuple, curve)) for curve in curves]
    steps = sorted(set.intersection(*map(set, points))) if points else []
    return steps, [[own[step] for own in points] for step in steps]


def differences_of(arms: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The arms that are compared with the plain recipe, with what they have."""
    return ((name, arm) for name, arm in arms.items() if "difference" in arm)


def forest_chart(arms: Mapping[str, Mapping[str, Any]], here: float | None) -> Markup:
    """Differences to the plain recipe: dots per seed, means, both intervals, and the band of what counts as noise.

    Args:
        arms: As in `ablation.json`, at least one of them with a difference.
        here: Smallest difference that so many seeds find, as a share; null where it is unknown.
    """
    shown, palette = dict(differences_of(arms)), colours(list(arms))
    with drawn("Differences to the plain recipe with intervals, by arm") as (axes, result):
        axes.figure.set_size_inches(4.9, 0.8 + 0.36 * len(shown))
        if here is not None:
            axes.axvspan(-100 * here, 100 * here, color=NOISE, linewidth=0, zorder=0)
        axes.axvline(0, color=BLUE, linewidth=1, zorder=1)
        for place, (name, arm) in enumerate(shown.items()):
            own = arm["difference"]
            seeds = [seed["difference"]["estimate"] for seed in arm["seeds"].values() if "difference" in seed]
            draw_dots(axes, place, seeds, palette[name])
            draw_mean(axes, place, own["estimate"], own["ci_problems"], own["ci_seeds"], palette[name])
        axes.set_yticks(range(len(shown)), shown)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x")
        axes.set_xlabel(f"points over {PLAIN}", fontsize=8, loc="right")
        return result()


def cost_chart(arms: Mapping[str, Mapping[str, Any]], here: float | None) -> Markup:
    """Processor seconds of an arm's fits and what it gains, with the interval over seeds.

    Args:
        arms: As in `ablation.json`.
        here: As in `forest_chart`.
    """
    palette = colours(list(arms))
    with drawn("Gain over the plain recipe by processor seconds, by arm") as (axes, result):
        if here is not None:
            axes.axhspan(-100 * here, 100 * here, color=NOISE, linewidth=0, zorder=0)
        axes.axhline(0, color=BLUE, linewidth=1, zorder=1)
        for name, arm in arms.items():
            if "cpu_s" in arm and (name == PLAIN or "difference" in arm):
                draw_gain(axes, name, arm, palette[name])
        axes.margins(x=0.2, y=0.15)
        axes.set_xlabel("processor seconds of the fits", fontsize=8, loc="right")
        axes.set_ylabel(f"points over {PLAIN}", fontsize=8)
        return result()


def draw_gain(axes: Axes, name: str, arm: Mapping[str, Any], colour: str) -> None:
    """One arm as a dot with its name, and its interval over seeds, where there is one, as a line."""
    own = arm.get("difference", {"estimate": 0.0, "ci_seeds": None})
    if own["ci_seeds"]:
        axes.plot([arm["cpu_s"]] * 2, [100 * end for end in own["ci_seeds"]], color=colour, linewidth=1)
    axes.plot([arm["cpu_s"]], [100 * own["estimate"]], "o", color=colour, markersize=5)
    axes.annotate(name, (arm["cpu_s"], 100 * own["estimate"]), (6, 3), textcoords="offset points", fontsize=8)

"""Figures of attention: where a response looks, token by token, layer by layer, and over a data set.

Every function draws on an empty figure, `plt.figure()` in a notebook or `matplotlib.figure.Figure()` in a script, and
sets its size; text stays readable at a width of 100 mm.
"""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, FuncFormatter, LogLocator, NullFormatter, PercentFormatter
from torch import Tensor

from cogito_pl.difficulty.attention_records import AttentionRecord
from cogito_pl.difficulty.balance import PAPER, BalanceConfig, over_layers, ratios
from cogito_pl.policy.token_sets import TEXT_SETS
from cogito_pl.problem import IMAGE_MARKER, Problem

MM = 1 / 25.4
"""Inches."""
WIDTH_MM = 100.0
OVERLAY = "plasma"
"""Every colour of this map differs from the grey below it."""
TITLE, TEXT, SMALL = 7, 6.5, 5.5
"""Sizes of letters, in points."""
MOST_LABELS = 45
"""More tokens than these are not all labelled."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999")
TEXT_GROUPS = {
    "question": ("question_before", "question_after"),
    "other prompt text": ("before", "after"),
    "position 0": ("sink",),
    "response": ("generated",),
}
"""Token sets that are shown together."""
BANDS = ((0.0, 0.1, "easy"), (0.1, 0.4, "medium"), (0.4, 1.6, "hard"), (1.6, 1.9, "medium"), (1.9, np.inf, "easy"))
"""The paper's strata by the balance."""
BAND_COLOURS = {"easy": "#56b4e9", "medium": "#f0e442", "hard": "#d55e00"}


def draw_overlays(
    figure: Figure,
    panels: Mapping[str, AttentionRecord],
    *,
    relative: bool = False,
    alpha: float = 0.6,
    top: float = 0.98,
    columns: int = 4,
    width_mm: float = WIDTH_MM,
) -> None:
    """The images of a problem as they are, then with attention laid over them in grey; one scale for all panels.

    Args:
        figure: Where to draw.
        panels: Records of one problem, by title; see `focus_on` for those of single tokens.
        relative: Leave sinks out: their cells stay without colour.
        alpha: Opacity of the colours.
        top: The scale ends at this quantile of all cells, so that a few do not decide it; more has the last colour.
        columns: Panels beside each other, the images included.
        width_mm: Width of the figure.

    Raises:
        ValueError: A record has no images, or its maps were not kept.
    """
    records = list(panels.values())
    problem = records[0].problem
    if problem is None or not problem.images:
        raise ValueError(f"problem {records[0].id!r} has no images here; pass problems of their source to kept_records")
    maps = [record.image_maps(relative=relative) for record in records]
    norm = common_scale(maps, top)
    rows, columns = -(-(len(records) + 1) // columns), min(columns, len(records) + 1)
    question = textwrap.fill(asked(problem), int(width_mm * 0.8))
    height = rows * ((width_mm - 4) / columns * min(aspect(problem), 2.5) + 8) + 3.2 * question.count("\n") + 17
    start(figure, width_mm, height)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    draw_images(grid.flat[0], problem)
    grid.flat[0].set_title("image" if len(problem.images) == 1 else "images", fontsize=TITLE)
    for axes, title, own in zip(grid.flat[1:], panels, maps, strict=False):
        draw_overlay(axes, problem, own, norm, alpha)
        axes.set_title(f"{shortened(title, 22)}\n{on_images(own)}", fontsize=TITLE)
    overlay_bar(figure, grid, maps, norm, alpha, relative)
    figure.suptitle(question, fontsize=TITLE)


def draw_gallery(
    figure: Figure,
    rows: Mapping[str, Mapping[str, AttentionRecord]],
    *,
    relative: bool = False,
    alpha: float = 0.6,
    top: float = 0.98,
    width_mm: float = WIDTH_MM,
) -> None:
    """Problems beside each other, the images above their overlays, in rows of groups; one scale for all.

    Args:
        figure: Where to draw.
        rows: Records by title, in groups by name; records without problem or maps are refused.
        relative: Leave sinks out: their cells stay without colour.
        alpha: Opacity of the colours.
        top: The scale ends at this quantile of all cells.
        width_mm: Width of the figure.
    """
    maps = {name: [record.image_maps(relative=relative) for record in own.values()] for name, own in rows.items()}
    norm = common_scale([own for group in maps.values() for own in group], top)
    columns = max(3, *map(len, rows.values()))  # so that a single problem does not fill the page
    start(figure, width_mm, len(rows) * (2 * (width_mm - 8) / columns + 12) + 12)
    grid = figure.subplots(2 * len(rows), columns, squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for (name, group), above, below in zip(rows.items(), grid[::2], grid[1::2], strict=True):
        above[0].set_ylabel(name, fontsize=TITLE)
        for upper, lower, (title, record), own in zip(above, below, group.items(), maps[name], strict=False):
            upper.set_anchor("S")
            lower.set_anchor("N")
            draw_images(upper, record.problem)
            upper.set_title(textwrap.fill(title, int(0.85 * width_mm / columns)), fontsize=SMALL)
            draw_overlay(lower, record.problem, own, norm, alpha)
            lower.set_xlabel(on_images(own), fontsize=SMALL)
    overlay_bar(figure, grid, [own for group in maps.values() for own in group], norm, alpha, relative)


def common_scale(maps: Sequence[Sequence[Tensor]], top: float) -> Normalize:
    """From zero to the quantile `top` of the cells of all maps."""
    return Normalize(0, float(torch.cat([looked.flatten() for own in maps for looked in own]).nanquantile(top)))


def on_images(maps: Sequence[Tensor]) -> str:
    """How much of the attention falls on all images."""
    return f"{sum(float(looked.nansum()) for looked in maps):.0%} on images"


def overlay_bar(
    figure: Figure, grid: np.ndarray, maps: Sequence[Sequence[Tensor]], norm: Normalize, alpha: float, relative: bool
) -> None:
    """The colour bar of overlays; its end is an arrow where some cells have more."""
    most = max(float(looked.nan_to_num().max()) for own in maps for looked in own)
    bar = figure.colorbar(
        ScalarMappable(norm, OVERLAY),
        ax=grid,
        location="bottom",
        shrink=0.8,
        aspect=40,
        pad=0.02,
        extend="max" if most > norm.vmax else "neither",
        format=FuncFormatter(lambda share, _: f"{100 * share:.3g}%"),
        alpha=alpha,
    )
    bar.set_label(f"{quantity(relative)} per image token", fontsize=TEXT)
    bar.ax.tick_params(labelsize=SMALL, length=2)


def draw_overlay(axes: Axes, problem: Problem, maps: Sequence[Tensor], norm: Normalize, alpha: float) -> None:
    """The problem's images in grey, and attention on them in colour."""
    draw_images(axes, problem, grey=True)
    for (left, right, top, bottom), looked in zip(placed(problem), maps, strict=True):
        extent = (left, right, bottom, top)
        axes.imshow(looked.numpy(), extent=extent, norm=norm, cmap=OVERLAY, alpha=alpha, interpolation="nearest")
    frame(axes, problem)


def placed(problem: Problem, gap: int = 8) -> list[tuple[float, float, float, float]]:
    """Left, right, top and bottom of each image, in pixels: in a row if the first is tall, else in a column."""
    width, height = problem.images[0].size
    across = height > width
    places, at = [], 0
    for image in problem.images:
        wide, tall = image.size
        left, top = (at, 0) if across else (0, at)
        places.append((left, left + wide, top, top + tall))
        at += (wide if across else tall) + gap
    return places


def aspect(problem: Problem) -> float:
    """Height over width of all images at their places."""
    places = placed(problem)
    return max(bottom for *_, bottom in places) / max(right for _, right, *_ in places)


def draw_images(axes: Axes, problem: Problem, *, grey: bool = False) -> None:
    """The problem's images at their places, in colour or in light grey."""
    for image, (left, right, top, bottom) in zip(problem.images, placed(problem), strict=True):
        pixels = np.asarray(image.load())
        if grey:
            pixels = np.repeat(0.35 + 0.65 * pixels.mean(-1, keepdims=True) / 255, 3, -1)
        axes.imshow(pixels, extent=(left, right, bottom, top))
    frame(axes, problem)


def frame(axes: Axes, problem: Problem) -> None:
    """Shows all images, the origin at the upper left."""
    places = placed(problem)
    axes.set(xlim=(0, max(right for _, right, *_ in places)), ylim=(max(bottom for *_, bottom in places), 0))


def draw_layer_token_grid(
    figure: Figure, record: AttentionRecord, *, relative: bool = False, width_mm: float = WIDTH_MM
) -> None:
    """The share of attention on the images, of every response token in every layer."""
    shares = record.image_share(relative=relative)  # [layers, T]
    layers, tokens = shares.shape
    start(figure, width_mm, 34 + 3 * min(layers, 30))
    axes = figure.subplots()
    shown = axes.imshow(shares.numpy(), aspect="auto", cmap="viridis", vmin=0, interpolation="nearest")
    every = -(-tokens // MOST_LABELS)
    labels = [shortened(token, 12) for token in record.tokens]
    axes.set_xticks(range(0, tokens, every), labels[::every], rotation=90, fontsize=SMALL)
    label_layers(axes.yaxis, layers)
    axes.set_ylabel("layer", fontsize=TEXT)
    axes.set_xlabel("response token" if every == 1 else f"response token, one in {every} labelled", fontsize=TEXT)
    title = record.id if record.problem is None else asked(record.problem)
    axes.set_title(shortened(title, int(width_mm * 0.65)), fontsize=TITLE)
    share_bar(figure, shown, axes, relative)


def draw_share_by_layer(
    figure: Figure,
    panels: Mapping[str, Mapping[str, Sequence[AttentionRecord]]],
    *,
    relative: bool = False,
    width_mm: float = WIDTH_MM,
) -> None:
    """The image's share of attention by layer, over the responses of a data set: median, and the middle half as a band.

    Args:
        figure: Where to draw.
        panels: Groups of records by name, in panels by title, such as `{"stratum": {"easy": [...], "hard": [...]}}`.
        relative: Of the attention outside of sinks.
        width_mm: Width of the figure.
    """
    start(figure, width_mm, 58)
    grid = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (title, groups) in zip(grid, panels.items(), strict=True):
        for colour, (name, records) in zip(COLOURS, groups.items(), strict=False):
            if not records:
                axes.plot([], [], color=colour, label=f"{name} (n = 0)")
                continue
            low, middle, high = quartiles(share_by_layer(records, relative=relative))
            layers = range(1, len(middle) + 1)
            axes.fill_between(layers, low, high, color=colour, alpha=0.18, lw=0)
            axes.plot(layers, middle, color=colour, lw=1.2, marker="o", ms=2, label=f"{name} (n = {len(records)})")
            axes.set_xlim(1, max(2, len(middle)))
        axes.set_title(title, fontsize=TITLE)
        axes.set_xlabel("layer", fontsize=TEXT)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(fontsize=SMALL, frameon=False)
        plain(axes)
    grid[0].set_ylim(bottom=0)
    grid[0].yaxis.set_major_formatter(PercentFormatter(1, 0))
    grid[0].set_ylabel(f"{quantity(relative)}\non images: median, quartiles", fontsize=TEXT)


def share_by_layer(records: Sequence[AttentionRecord], *, relative: bool = False) -> Tensor:
    """The share of attention on images, mean over response tokens, `[records, layers]`."""
    return torch.stack([record.image_share(relative=relative).mean(1) for record in records])


def quartiles(values: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower quartile, median and upper quartile over the first dimension."""
    low, middle, high = values.double().quantile(torch.tensor([0.25, 0.5, 0.75], dtype=torch.double), dim=0).numpy()
    return low, middle, high


def draw_heads(figure: Figure, records: Sequence[AttentionRecord], *, width_mm: float = WIDTH_MM) -> None:
    """The image's share of the attention of every head, by layer; the median over responses where there are several."""
    shares = torch.stack([record.head_share() for record in records]).quantile(0.5, dim=0)  # [layers, heads]
    layers, heads = shares.shape
    start(figure, width_mm, 24 + min(4 * max(layers, 6), 90))
    axes = figure.subplots()
    shown = axes.imshow(shares.numpy(), aspect="auto", cmap="viridis", vmin=0, interpolation="nearest")
    label_layers(axes.yaxis, layers)
    label_layers(axes.xaxis, heads)
    axes.set_xlabel("head", fontsize=TEXT)
    axes.set_ylabel("layer", fontsize=TEXT)
    of = f"one response, {records[0].id}" if len(records) == 1 else f"median of {len(records)} responses"
    axes.set_title(f"Attention of heads on images: {of}", fontsize=TITLE)
    share_bar(figure, shown, axes, relative=False)


def draw_sets_by_layer(figure: Figure, record: AttentionRecord, *, width_mm: float = WIDTH_MM) -> None:
    """Attention on images, question, other text and response, mean over response tokens, in every layer."""
    mean = record.sums.mean(1)  # [layers, S]
    shares = {"images": mean[:, len(TEXT_SETS) :].sum(1).numpy()}
    for name, sets in TEXT_GROUPS.items():
        shares[name] = mean[:, [TEXT_SETS.index(one) for one in sets]].sum(1).numpy()
    start(figure, width_mm, 56)
    axes = figure.subplots()
    layers = range(1, len(mean) + 1)
    colours = ("#0072b2", "#d55e00", "#e69f00", "#cccccc", "#009e73")
    axes.stackplot(layers, shares.values(), labels=shares, colors=colours)
    axes.set(xlim=(1, max(2, len(mean))), ylim=(0, 1))
    axes.set_xlabel("layer", fontsize=TEXT)
    axes.set_ylabel("share of attention", fontsize=TEXT)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.legend(fontsize=SMALL, frameon=False, loc="upper left", bbox_to_anchor=(1, 1), reverse=True)
    plain(axes)


def draw_token_balance(
    figure: Figure, record: AttentionRecord, config: BalanceConfig = PAPER, *, width_mm: float = WIDTH_MM
) -> None:
    """The balance of every response token, with their mean, which a few tokens can decide, and their median."""
    rho = over_layers(ratios(record.sums, record.sizes, config), config)  # [T]
    start(figure, width_mm, 62)
    axes = figure.subplots()
    axes.axhspan(0.4, 1.6, color=BAND_COLOURS["hard"], alpha=0.12, lw=0, label="hard by the paper's band")
    axes.plot(rho.numpy(), color="#333333", lw=0.8, marker="o", ms=1.5)
    mean, median = float(rho.mean()), float(rho.quantile(0.5))
    axes.axhline(mean, color="#d55e00", ls="--", lw=1, label=f"mean {mean:.2f}")
    axes.axhline(median, color="#0072b2", ls="-", lw=1, label=f"median {median:.2f}")
    every = -(-len(rho) // MOST_LABELS)
    labels = [shortened(token, 12) for token in record.tokens]
    axes.set_xticks(range(0, len(rho), every), labels[::every], rotation=90, fontsize=SMALL)
    axes.set(yscale="log", xlim=(-0.5, len(rho) - 0.5))
    axes.set_ylabel(r"$\rho$ of the token: images / text", fontsize=TEXT)
    title = record.id if record.problem is None else asked(record.problem)
    axes.set_title(shortened(title, int(width_mm * 0.65)), fontsize=TITLE)
    figure.legend(fontsize=SMALL, frameon=False, ncols=3, loc="outside lower center")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    plain(axes)


def draw_balances(figure: Figure, values: Mapping[str, Sequence[float]], *, width_mm: float = WIDTH_MM) -> None:
    """Histograms of balances over a data set, on one logarithmic axis, with their means and medians.

    Args:
        figure: Where to draw.
        values: The balances of all problems, by the name of the balance.
        width_mm: Width of the figure.
    """
    everything = np.concatenate([np.asarray(own, dtype=float) for own in values.values()])
    bins = np.geomspace(min(0.08, everything.min()), max(2.5, everything.max()), 41)
    start(figure, width_mm, 8 + 26 * len(values))
    grid = figure.subplots(len(values), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, own) in zip(grid, values.items(), strict=True):
        for low, high, band in BANDS:
            ends = np.clip((low, high), bins[0], bins[-1])
            axes.axvspan(*ends, color=BAND_COLOURS[band], alpha=0.15, lw=0)
        axes.hist(own, bins, color="#555555")
        axes.axvline(np.mean(own), color="#d55e00", ls="--", lw=1, label=f"mean {np.mean(own):.2f}")
        axes.axvline(np.median(own), color="#0072b2", lw=1, label=f"median {np.median(own):.2f}")
        axes.set(xscale="log", xlim=(bins[0], bins[-1]))
        axes.set_title(f"{name}, n = {len(own)}", fontsize=TITLE)
        axes.set_ylabel("problems", fontsize=TEXT)
        axes.legend(fontsize=SMALL, frameon=False, loc="upper left")
        axes.yaxis.get_major_locator().set_params(integer=True)
        plain(axes)
    ticks = [tick for tick in (0.1, 0.4, 1, 1.6, 4, 10, 40) if bins[0] <= tick <= bins[-1]]
    grid[-1].set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    grid[-1].minorticks_off()
    grid[-1].set_xlabel(r"$\rho$; bands of the paper: hard (red), medium (yellow), easy (blue)", fontsize=TEXT)


def start(figure: Figure, width_mm: float, height_mm: float) -> None:
    """Sets the size of an empty figure."""
    figure.set_size_inches(width_mm * MM, height_mm * MM)
    figure.set_dpi(200)
    figure.set_layout_engine("constrained")


def asked(problem: Problem) -> str:
    """The question without image markers, on one line."""
    return " ".join(problem.question.replace(IMAGE_MARKER, " ").split())


def shortened(text: str, most: int) -> str:
    """The text on one line, cut to at most so many characters; a mark for one of white space alone."""
    line = " ".join(text.split()) or "␣"
    return line if len(line) <= most else line[: most - 1] + "…"


def quantity(relative: bool) -> str:
    """The name of a share; relative attention is that outside of sinks, renormalised."""
    return "relative attention" if relative else "share of attention"


def label_layers(axis, count: int) -> None:
    """Numbers layers or heads from 1, about every fifth of many."""
    every = 1 if count <= 12 else 2 if count <= 24 else 4
    axis.set_ticks(range(0, count, every), [str(place + 1) for place in range(0, count, every)], fontsize=SMALL)


def share_bar(figure: Figure, shown: ScalarMappable, axes: Axes, relative: bool) -> None:
    """A colour bar of the images' share."""
    bar = figure.colorbar(shown, ax=axes, pad=0.02, aspect=25, format=PercentFormatter(1, 0))
    bar.set_label(f"{quantity(relative)} on images", fontsize=TEXT)
    bar.ax.tick_params(labelsize=SMALL, length=2)
    axes.tick_params(length=2)


def plain(axes: Axes) -> None:
    """Small numbers, and no frame on two sides."""
    axes.tick_params(labelsize=SMALL, length=2)
    axes.spines[["top", "right"]].set_visible(False)

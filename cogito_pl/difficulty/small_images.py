"""Finds images of so few cells that a ratio of PISM hides nothing of them: floor(ratio x cells) = 0."""

import math
from collections.abc import Mapping, Sequence

from PIL import Image

from cogito_pl.difficulty.masks import token_grid, whole_share
from cogito_pl.policy import PromptEncoder
from cogito_pl.problem import Problem


def nothing_hidden_notice(
    ratios: Sequence[float], problems: Sequence[Problem], encoder: PromptEncoder, patch: int | None
) -> str:
    """Says how many problems have an image of which a ratio hides nothing; empty where none has.

    Args:
        ratios: Shares to hide.
        problems: Of one source.
        encoder: Its family says how many visual tokens an image has.
        patch: Side of the cells in pixels; null for visual tokens.
    """
    cells = cells_of({image.size for problem in problems for image in problem.images}, encoder, patch)
    least = {p.id: min(cells[image.size] for image in p.images) for p in problems if p.images and cells}
    without = {
        ratio: [name for name, count in least.items() if not whole_share(ratio, count)] for ratio in ratios if ratio
    }
    if not (named := {ratio: names for ratio, names in without.items() if names}):
        return ""
    smallest = min(least, key=least.__getitem__)
    listed = ", ".join(f"{ratio:g} for {len(names):,}" for ratio, names in named.items())
    return (
        f"some images have so few cells that a ratio hides nothing of them: {listed} of {len(problems):,} problems. "
        f"The smallest, of problem {smallest!r}, has {least[smallest]}. At these ratios the whole image is shown, and "
        "the score comes out higher; raise policy.min_pixels, or leave the ratios out of scorer.ratios"
    )


def cells_of(sizes: set[tuple[int, int]], encoder: PromptEncoder, patch: int | None) -> Mapping[tuple[int, int], int]:
    """Cells of images of these widths and heights; none where the family does not tell."""
    if patch is None:
        counted = encoder.family.count_image_tokens(encoder.processor, list(sizes))
        return dict(zip(sizes, counted, strict=True)) if counted is not None else {}
    scaled = {size: token_grid(Image.new("RGB", size), encoder, patch)[0].size for size in sizes}
    return {size: math.ceil(wide / patch) * math.ceil(high / patch) for size, (wide, high) in scaled.items()}

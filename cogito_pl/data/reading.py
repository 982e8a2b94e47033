"""Reads sources under one set of limits, and keeps what was refused on the way."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from lightning.pytorch.utilities import rank_zero_info

from cogito_pl.data.problem import Problem
from cogito_pl.data.readers import Refusal, read_source, summarise
from cogito_pl.data.source import Source
from cogito_pl.rewards import check_gold

Objection = Callable[[Problem], str | None]
"""Why a problem cannot be used; None where it can."""


class Reader:
    """Reads sources, and tells what it read and refused.

    Args:
        refuse_limit: Share of a source's rows that may be unusable before reading stops with an error.
        check_images: `decode` finds every broken image; `header` only opens them.
        max_image_pixels: Larger images are refused, before they are decoded.
    """

    def __init__(self, refuse_limit: float, check_images: Literal["decode", "header"], max_image_pixels: int) -> None:
        self.refuse_limit, self.check_images, self.max_image_pixels = refuse_limit, check_images, max_image_pixels
        self.refusals: list[Refusal] = []

    def read(self, source: Source, objection: Objection, *, progress: bool) -> list[Problem]:
        """The problems of `source` whose answer can be verified and to which there is no objection.

        Args:
            source: What is read.
            objection: Of the model that is to work on them.
            progress: Whether a bar is shown.
        """
        result = read_source(
            source,
            refuse_limit=self.refuse_limit,
            check_images=self.check_images,
            max_image_pixels=self.max_image_pixels,
            check=lambda problem: check_gold(problem.answer, problem.kind, problem.choices) or objection(problem),
            progress=progress,
        )
        self.refusals += result.refusals
        rank_zero_info(f"{source.label}: {summarise(result)}")
        return result.problems

    def write_refusals(self, folder: Path) -> None:
        """Lists the refused rows in `refused.jsonl`, where there are any."""
        if self.refusals:
            path = folder / "refused.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(json.dumps(vars(refusal)) + "\n" for refusal in self.refusals))
            rank_zero_info(f"the refused rows are listed in {path}")

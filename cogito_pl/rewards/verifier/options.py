"""Settings of how strictly answers are compared."""

import math
from dataclasses import dataclass
from typing import Literal, TypedDict, get_type_hints

PLACES = ("answer-tag", "boxed", "marker", "option-marker", "statement", "lone", "bracketed")
"""The places of the cascade in `extract`, best first."""


@dataclass(frozen=True, kw_only=True)
class GradeOptions:
    """What counts as the same answer.

    By default numbers are exact, charts are relaxed by 5 percent, and texts are normalised before they are compared.

    Args:
        markers: Further words that announce the answer of a model, e.g. ["so"]: in a response without answer tags, what
            follows the last of them goes before all other places (as "marker").
        places: Places that may state the answer, e.g. ["boxed"]; empty for all but "bracketed", a value in `[ ]`.
        absolute_tolerance: Largest difference between two numbers that agree (math, number); DynaMath has 0.001.
        relative_tolerance: Largest difference as a share of the gold (math, number).
        decimals: Decimals to which both numbers are rounded first (math, number); null compares them exactly. MathVista
            gives 1 or 2 for its decimal answers.
        truncate: Whether the decimals of both numbers are cut off first (math, number), as MathVista does for integers.
        ordered: Whether the order of a bare list counts (math): `4, 10` is then not `10, 4`.
        reduced: Whether a fraction must be written in lowest terms where the gold is (math).
        relations: Whether an inequality may answer every gold that is an interval, also `(-2, 7)`, which may be a
            point, and x in [-2, 7] (math); the reverse is always accepted.
        any_names: Whether names of variables may differ (math): `f(y)` for `f(x)`.
        chart: "relaxed" reads separators, currency and units; "official" is ChartQA's function to the letter.
        chart_tolerance: Largest difference as a share of the gold (chart).
        exact_years: Whether a gold from 1000 to 2100 without decimals or unit must be met exactly (chart); the official
            metric relaxes years like any number.
        text: "exact" after normalising, "contains": the gold occurs in the answer (OCRBench), "mmmu": MMMU's rule for
            open questions (kinds text).
        edit_distance: Largest edit distance between answer and gold, as a share of the longer (text); 0 asks for
            equality, ANLS has 0.5.
    """

    markers: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    absolute_tolerance: float = 0.0
    relative_tolerance: float = 0.0
    decimals: int | None = None
    truncate: bool = False
    ordered: bool = False
    reduced: bool = False
    relations: bool = False
    any_names: bool = False
    chart: Literal["relaxed", "official"] = "relaxed"
    chart_tolerance: float = 0.05
    exact_years: bool = False
    text: Literal["exact", "contains", "mmmu"] = "exact"
    edit_distance: float = 0.0

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting, its value and the remedy."""
        for name in ("markers", "places"):  # lists would not be hashable
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not all(marker.strip() for marker in self.markers):
            raise ValueError(
                f"grading.markers={self.markers} holds an empty word, which occurs everywhere; choose others"
            )
        for place in self.places:
            if place not in PLACES:
                raise ValueError(f"grading.places holds {place!r}, which is no place; choose from {', '.join(PLACES)}")
        for name in ("absolute_tolerance", "relative_tolerance", "chart_tolerance", "edit_distance"):
            if not 0 <= (value := getattr(self, name)) < math.inf:
                raise ValueError(f"grading.{name}={value} is no tolerance; choose 0 (exact) or a positive number")
        if self.edit_distance >= 1:
            raise ValueError(f"grading.edit_distance={self.edit_distance} accepts any text; choose less than 1")
        if self.decimals is not None and not 0 <= self.decimals <= 15:
            raise ValueError(f"grading.decimals={self.decimals}: choose 0 to 15, or null to compare exactly")


STANDARD = GradeOptions()
"""The defaults."""

GradingOverrides = TypedDict("GradingOverrides", get_type_hints(GradeOptions), total=False)
"""Some of `GradeOptions` by name, for one source."""

"""Maps difficulty scores to strata: easy, medium, hard, unsolved.

The edges of PISM and CMAB are those of arXiv 2511.06722. Its text calls a PISM threshold of 0.7 easy, its Table A and
figure 1 medium: `seven` decides, medium by default, as the published counts go with the table. Of pass rates, easy is
what VL-Cogito (arXiv 2507.22607) removes from its data: more than half correct, 5 of 8 included and 4 of 8 not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Stratum = Literal["easy", "medium", "hard", "unsolved"]
STRATA: tuple[Stratum, ...] = get_args(Stratum)
Scorer = Literal["pism", "cmab", "pass_rate", "difficulty"]
THRESHOLDS: dict[str, tuple[float, ...]] = {
    "pism": (0.4, 0.7),
    "cmab": (0.1, 0.4, 1.6, 1.9),
    "pass_rate": (0.25, 0.5),
    "difficulty": (2.0, 3.0),
}
Aspect = Literal["source", "data", "model", "prompt", "verifier"]
"""What scores may be of that is not the run's."""
COLUMNS = {"pism": "lambda_star", "cmab": "rho", "pass_rate": "pass_rate", "difficulty": "difficulty"}


@dataclass(frozen=True, kw_only=True)
class StrataConfig:
    """How scores are mapped to strata.

    Args:
        scorer: What the scores are: the failure threshold of `pism`, the balance of `cmab`, a `pass_rate`, or any
            `difficulty` that grows with hardness.
        file: Parquet file of scores with an `id` column, a list of such files, or a folder of them, in which those
            without the column of the scores are passed over. Problems are matched by source and id. Null, with
            `difficulty` only, takes the data's own column.
        column: Column of the scores; by default lambda_star, rho, pass_rate or difficulty.
        thresholds: Limits of the strata. By default those that the file states (`python -m cogito_pl.difficulty
            restratify` writes others), else pism 0.4, 0.7; cmab 0.1, 0.4, 1.6, 1.9; pass_rate 0.25, 0.5 (at most the
            first is hard, above the second is easy); difficulty 2, 3 (at most the first is easy, above the second is
            hard).
        quantiles: Instead of thresholds: the share of solved problems that is hard, and that is hard or medium.
            Equal scores stay together, so the shares are met as nearly as that allows.
        seven: Stratum of a PISM score of exactly 0.7, or of exactly the second threshold where others are set.
        allow_other: What the scores may be of that is not the run's: `source` (a source that was called otherwise; ids
            alone are matched), `data` (problems that have changed since), `model`, `prompt`, `verifier`. Scores of
            anything else than the run's own are refused.
    """

    scorer: Scorer
    file: tuple[str, ...] | str | None = None
    column: str | None = None
    thresholds: tuple[float, ...] | None = None
    quantiles: tuple[float, float] | None = None
    seven: Literal["medium", "easy"] = "medium"
    allow_other: tuple[Aspect, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting, its value and the remedy."""
        if not self.files and self.scorer != "difficulty":
            raise ValueError(f"data.strata.scorer={self.scorer} needs data.strata.file, the scores that were measured")
        needed = len(THRESHOLDS[self.scorer])
        if self.thresholds is not None:
            if self.quantiles is not None:
                raise ValueError(
                    f"data.strata.thresholds={self.thresholds} and data.strata.quantiles={self.quantiles} exclude each "
                    "other; leave one of them out"
                )
            if len(self.thresholds) != needed or list(self.thresholds) != sorted(self.thresholds):
                raise ValueError(
                    f"data.strata.thresholds={self.thresholds} must be {needed} ascending numbers for {self.scorer}"
                )
        if self.quantiles is not None and not 0 <= self.quantiles[0] <= self.quantiles[1] <= 1:
            raise ValueError(f"data.strata.quantiles={self.quantiles} must be two ascending shares from 0 to 1")

    @property
    def score_column(self) -> str:
        """The column of the scores."""
        return self.column or COLUMNS[self.scorer]

    @property
    def files(self) -> tuple[str, ...]:
        """The files and folders of scores, as they are named."""
        return named_files(self.file)


def named_files(file: tuple[str, ...] | str | None) -> tuple[str, ...]:
    """The files of a setting that takes none, one or several."""
    return () if file is None else (file,) if isinstance(file, str) else tuple(file)


def strata(scores: Sequence[float | None], config: StrataConfig) -> list[Stratum]:
    """The stratum of every score, in their order; None is a problem that was never solved.

    Raises:
        ValueError: A score is not a number.
    """
    if any(score is not None and math.isnan(score) for score in scores):
        raise ValueError(f"a {config.scorer} score is not a number (NaN)")
    if config.quantiles is not None:
        return quantile_strata(
            [None if is_unsolved(s, config.scorer) else ease(s, config.scorer) for s in scores], config.quantiles
        )
    limits = config.thresholds or THRESHOLDS[config.scorer]
    of = {
        "pism": lambda score: pism_stratum(score, limits, config.seven),
        "cmab": lambda score: cmab_stratum(score, limits),
        "pass_rate": lambda score: pass_rate_stratum(score, limits),
        "difficulty": lambda score: difficulty_stratum(score, limits),
    }[config.scorer]
    return ["unsolved" if score is None else of(score) for score in scores]


def pism_stratum(
    lambda_star: float, thresholds: Sequence[float] = THRESHOLDS["pism"], seven: Literal["medium", "easy"] = "medium"
) -> Stratum:
    """By the smallest share of the image that must be masked for the model to fail; infinite where it never does."""
    ratio, low, high = (round(value, 6) for value in (lambda_star, *thresholds))  # 3 * 0.1 is 0.3
    if ratio == 0:
        return "unsolved"
    if ratio <= low:
        return "hard"
    return "medium" if ratio < high or (ratio == high and seven == "medium") else "easy"


def cmab_stratum(rho: float, thresholds: Sequence[float] = THRESHOLDS["cmab"]) -> Stratum:
    """By image over text attention of a solved problem: balanced is hard, lopsided either way is easy."""
    low, hard_low, hard_high, high = thresholds
    if hard_low <= rho <= hard_high:
        return "hard"
    return "medium" if low <= rho <= high else "easy"


def pass_rate_stratum(rate: float, thresholds: Sequence[float] = THRESHOLDS["pass_rate"]) -> Stratum:
    """By the share of correct responses; by default, easy is more than half of them."""
    rate, low, high = (round(value, 6) for value in (rate, *thresholds))
    if rate == 0:
        return "unsolved"
    if rate <= low:
        return "hard"
    return "medium" if rate <= high else "easy"


def difficulty_stratum(difficulty: float, thresholds: Sequence[float] = THRESHOLDS["difficulty"]) -> Stratum:
    """By a difficulty that grows with hardness."""
    if difficulty <= thresholds[0]:
        return "easy"
    return "medium" if difficulty <= thresholds[1] else "hard"


def stratum_ranges(config: StrataConfig) -> dict[Stratum, str]:
    """In words, which scores are in each stratum."""
    if config.quantiles is not None:
        first, second = (f"{share:.0%}" for share in config.quantiles)
        hard, medium = f"the hardest {first} of the solved", f"up to the hardest {second}"
        return {"easy": "the others", "medium": medium, "hard": hard, "unsolved": "never solved"}
    limits = [f"{limit:g}" for limit in config.thresholds or THRESHOLDS[config.scorer]]
    if config.scorer == "cmab":
        low, hard_low, hard_high, high = limits
        medium = f"{low} to {hard_low}, {hard_high} to {high}"
        easy = f"under {low}, above {high}"
        return {"easy": easy, "medium": medium, "hard": f"{hard_low} to {hard_high}", "unsolved": "never solved"}
    low, high = limits
    if config.scorer == "difficulty":
        return {"easy": f"up to {low}", "medium": f"up to {high}", "hard": f"above {high}", "unsolved": "never solved"}
    ends = config.scorer == "pism" and config.seven == "easy"
    medium, easy = (f"under {high}", f"from {high}") if ends else (f"up to {high}", f"above {high}")
    return {"easy": easy, "medium": medium, "hard": f"above 0, up to {low}", "unsolved": "0"}


def is_unsolved(score: float | None, scorer: Scorer) -> bool:
    """Whether the score says that the model never solved the problem."""
    return score is None or (scorer in ("pism", "pass_rate") and round(score, 6) == 0)


def ease(score: float, scorer: Scorer) -> float:
    """How easy a solved problem is, for ranking: the balance of CMAB counts by its distance from one."""
    if scorer == "cmab":
        return abs(score - 1)
    return -score if scorer == "difficulty" else score


def quantile_strata(eases: Sequence[float | None], shares: tuple[float, float]) -> list[Stratum]:
    """Hard up to the first share of solved problems from the hardest, medium up to the second; None is unsolved."""
    solved = sorted(value for value in eases if value is not None)
    first, second = (_cut(solved, share) for share in shares)
    return ["unsolved" if e is None else "hard" if e <= first else "medium" if e <= second else "easy" for e in eases]


def _cut(ordered: Sequence[float], share: float) -> float:
    """The value up to which the share of `ordered` is nearest to `share`; may lie below all of them."""
    last_places = {value: place for place, value in enumerate(ordered, 1)}
    cuts = {-math.inf: 0, **last_places}
    return min(cuts, key=lambda value: (abs(cuts[value] - share * len(ordered)), cuts[value]))


def agreement(first: Sequence[Stratum], second: Sequence[Stratum]) -> dict[Stratum, dict[Stratum, int]]:
    """How many problems are in a stratum by the first scorer (outer key) and in one by the second."""
    pairs = list(zip(first, second, strict=True))
    return {one: {other: pairs.count((one, other)) for other in STRATA} for one in STRATA}


def cohens_kappa(matrix: dict[Stratum, dict[Stratum, int]]) -> float:
    """Cohen's kappa, (p_o - p_e) / (1 - p_e): agreement beyond chance. NaN where p_e is 1."""
    total = sum(sum(row.values()) for row in matrix.values())
    if not total:
        return math.nan
    observed = sum(matrix[name][name] for name in STRATA) / total
    expected = sum(sum(matrix[s].values()) * sum(row[s] for row in matrix.values()) for s in STRATA) / total**2
    return (observed - expected) / (1 - expected) if expected < 1 else math.nan

"""Scores problems by progressive image semantic masking (PISM): the share of an image to hide until the model fails.

Difficulty-aware sampling (arXiv 2511.06722), eqs. 1-3: with delta_k = 1 where trial k at masking ratio r is correct,

    P_c(r) = (1 / K) sum_k delta_k,    lambda* = min { r : P_c(r) < tau },    infinite where no ratio fails.

Ratios are tried in ascending order and each ratio's trials one after the other, no further than lambda* needs: a ratio
is decided as soon as no outcome of its remaining trials can change whether it fails, and none above the first that
fails is tried. That gives the same lambda* as all K trials of all ratios.

Deviations: the operator is a choice (see `masks.py`); a problem without images is tried at ratio 0 alone.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from PIL import Image

from cogito_pl.difficulty.masks import FILLS, OPERATORS, Fill, Operator, mask_image, token_grid
from cogito_pl.difficulty.scorer import Outcomes, Scorer, Task
from cogito_pl.difficulty.small_images import nothing_hidden_notice
from cogito_pl.policy import Policy, PromptEncoder
from cogito_pl.problem import Problem

RATIOS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def failure_threshold(ratios: Sequence[float], accuracies: Sequence[float], threshold: float) -> float:
    """lambda*: the lowest ratio whose accuracy lies strictly below the threshold, or infinity."""
    pairs = zip(ratios, accuracies, strict=True)
    return min((ratio for ratio, accuracy in pairs if accuracy < threshold), default=math.inf)


def wilson_upper(successes: int, trials: int, z: float) -> float:
    """Upper end of Wilson's interval for a share, `z` standard deviations wide to either side."""
    share, spread = successes / trials, z * z / trials
    return (share + spread / 2 + math.sqrt(spread * (share * (1 - share) + spread / 4))) / (1 + spread)


def successes_to_pass(repeats: int, threshold: float, wilson: float | None = None) -> int:
    """The fewest correct trials of `repeats` with which a ratio does not fail; `repeats + 1` where all are too few."""
    value = (lambda s: s / repeats) if wilson is None else (lambda s: wilson_upper(s, repeats, wilson))
    return next((s for s in range(repeats + 1) if value(s) >= threshold), repeats + 1)


def verdict(successes: int, done: int, repeats: int, needed: int) -> bool | None:
    """Whether a ratio passes after `done` of its trials; None while the remaining ones can still decide it."""
    if successes >= needed:
        return True
    return False if successes + repeats - done < needed else None


class Level(NamedTuple):
    """One ratio of one problem: correct trials, trials, and whether it passes (None while it is open)."""

    ratio: float
    ok: int
    done: int
    passed: bool | None


class PISM(Scorer):
    """Scores a problem by the share of its images that must be hidden for the model to fail.

    Args:
        ratios: Shares that are hidden, upwards from 0. The paper's strata do not tell ratios above 0.7 apart: leaving
            out 0.8 and 0.9 gives the same strata with about a sixth fewer trials, and infinity in their place.
        repeats: Trials of a ratio, each with a mask of its own (K).
        threshold: A ratio fails where fewer than this share of its trials are correct (tau).
        operator: `patch` hides cells that are one visual token each, `pixel` (the paper's words) single pixels, `rect`
            (the released code) one rectangle.
        fill: What is painted over hidden parts: `black`, the image's `mean` colour, or medium `gray`.
        patch: Side in pixels of the cells of `patch`, on the image as the model's processor scales it; null takes
            the processor's own tokens (28 pixels for Qwen2.5-VL).
        wilson: Let a ratio fail only where the upper end of Wilson's interval, this many standard deviations wide, lies
            below the threshold; null compares the share itself, as the paper does.
    """

    name: ClassVar[str] = "pism"
    headline: ClassVar[str] = "lambda_star"

    def __init__(
        self,
        ratios: tuple[float, ...] = RATIOS,
        repeats: int = 10,
        threshold: float = 0.1,
        operator: Operator = "patch",
        fill: Fill = "black",
        patch: int | None = None,
        wilson: float | None = None,
    ) -> None:
        self.ratios = tuple(float(ratio) for ratio in ratios)
        self.repeats, self.threshold, self.wilson = repeats, threshold, wilson
        self.operator, self.fill, self.patch = operator, fill, patch
        self._check()
        self.needed = successes_to_pass(repeats, threshold, wilson)
        if not 0 < self.needed <= repeats:
            outcome = "pass" if self.needed == 0 else "fail"
            raise ValueError(
                f"with scorer.repeats={repeats}, threshold={threshold} and wilson={wilson} every ratio would {outcome} "
                "whatever the model answers; raise repeats or change the threshold"
            )

    def _check(self) -> None:
        ascending = all(low < high for low, high in zip(self.ratios, self.ratios[1:], strict=False))
        if not self.ratios or self.ratios[0] != 0 or not ascending or self.ratios[-1] > 1:
            raise ValueError(f"scorer.ratios={list(self.ratios)} must rise from 0, the whole image, to at most 1")
        if self.repeats < 1:
            raise ValueError(f"scorer.repeats={self.repeats} must be at least 1")
        if not 0 < self.threshold <= 1:
            raise ValueError(f"scorer.threshold={self.threshold} is not in (0, 1]; the paper's is 0.1")
        if self.operator not in OPERATORS or self.fill not in FILLS:
            raise ValueError(f"scorer.operator={self.operator!r}, fill={self.fill!r}: choose {OPERATORS} and {FILLS}")
        if self.patch is not None and self.patch < 1:
            raise ValueError(f"scorer.patch={self.patch} must be at least 1 pixel, or null")
        if self.wilson is not None and not self.wilson > 0:
            raise ValueError(f"scorer.wilson={self.wilson} must be above 0, or null; 1.96 is the usual width")

    def levels(self, outcomes: Outcomes, images: int) -> Iterator[Level]:
        """The ratios up to the first that fails or is open, with the trials that were needed, in their order."""
        for ratio in self.ratios if images else self.ratios[:1]:
            ok = done = 0
            while verdict(ok, done, self.repeats, self.needed) is None and Task(ratio, done) in outcomes:
                ok, done = ok + outcomes[Task(ratio, done)], done + 1
            passed = verdict(ok, done, self.repeats, self.needed)
            yield Level(ratio, ok, done, passed)
            if not passed:
                return

    def wanted(self, outcomes: Outcomes, images: int) -> list[Task]:
        """As many trials of the open ratio as it takes at least to decide it."""
        *_, level = self.levels(outcomes, images)
        if level.passed is not None:
            return []
        to_pass = self.needed - level.ok
        to_fail = self.repeats - level.done - to_pass + 1
        repeats = range(level.done, level.done + min(to_pass, to_fail))
        return [task for task in (Task(level.ratio, repeat) for repeat in repeats) if task not in outcomes]

    def score(self, outcomes: Outcomes, images: int) -> dict[str, Any]:
        """lambda*, whether the whole image was solved, and the correct and all trials of every ratio that was tried."""
        levels = list(self.levels(outcomes, images))
        last = levels[-1]
        return {
            "lambda_star": {None: None, True: math.inf, False: last.ratio}[last.passed],
            "solved": levels[0].passed,
            "ratios": [level.ratio for level in levels],
            "n_ok": [level.ok for level in levels],
            "n_done": [level.done for level in levels],
        }

    def trial_settings(self) -> dict[str, Any]:
        """How images are hidden; ratios, repeats and threshold may change without running a trial again."""
        return {"operator": self.operator, "fill": self.fill, "patch": self.patch}

    def settings(self) -> dict[str, Any]:
        """All settings, as plain values."""
        thresholds = {"repeats": self.repeats, "threshold": self.threshold, "wilson": self.wilson}
        return {"ratios": list(self.ratios)} | thresholds | self.trial_settings()

    def notice(self, policy: Policy, problems: Sequence[Problem]) -> str:
        """How many problems have an image of so few cells that a ratio hides nothing of it."""
        if self.operator != "patch":
            return ""
        return nothing_hidden_notice(self.ratios, problems, policy.encoder, self.patch)

    def hide(self, image: Image.Image, task: Task, seed: int, encoder: PromptEncoder) -> Image.Image:
        """The image with `task.ratio` of it hidden; for `patch`, scaled first as the processor would scale it."""
        if task.ratio == 0:
            return image
        cell = self.patch or 1
        if self.operator == "patch":
            image, cell = token_grid(image, encoder, self.patch)
        return mask_image(image, task.ratio, seed, operator=self.operator, fill=self.fill, cell=cell)

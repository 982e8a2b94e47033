"""What a difficulty score by generation is: trials that are wanted until a score is decided. Knows no model.

A trial shows a problem, its images hidden to some ratio, and is right or wrong. A scorer asks for trials as long as
their outcomes can change its score; what it says of a problem is a pure function of the outcomes.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from PIL import Image
from torch import Tensor

from cogito_pl.policy import Policy, PromptEncoder
from cogito_pl.problem import Problem


class Task(NamedTuple):
    """One trial of a problem: how much of its images is hidden, and which repeat of that ratio it is."""

    ratio: float
    repeat: int


Outcomes = Mapping[Task, bool]
"""Right or wrong, by trial, for one problem."""


class Scorer(ABC):
    """A difficulty score. Subclasses are named in the configuration by class path."""

    name: ClassVar[str]
    """What files of scores are named after."""
    headline: ClassVar[str]
    """The column that tables and histograms show."""

    @abstractmethod
    def wanted(self, outcomes: Outcomes, images: int) -> list[Task]:
        """Trials that must be run whatever the outcomes of the others; none once the score is decided.

        Args:
            outcomes: What is known.
            images: How many images the problem has.
        """

    @abstractmethod
    def score(self, outcomes: Outcomes, images: int) -> dict[str, Any]:
        """The columns of the score, None where it is undecided. Outcomes that were not needed change nothing."""

    @abstractmethod
    def trial_settings(self) -> dict[str, Any]:
        """The settings that decide the outcome of a trial, not those that decide the score from outcomes."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """All settings, as plain values."""

    def keep(self, policy: Policy, problem: Problem, response: Tensor) -> dict[str, Tensor]:
        """What is kept of a right trial besides its verdict, from its response's ids `[T]`; nothing, mostly."""
        return {}

    def measure(self, kept: Mapping[str, Tensor]) -> dict[str, Any]:
        """The columns that are made of what was kept of a problem's first right trial, if anything was."""
        return {}

    def hide(self, image: Image.Image, task: Task, seed: int, encoder: PromptEncoder) -> Image.Image:
        """The image as a trial shows it; as it is, unless the scorer hides something."""
        return image


def expected_path(scorer: Scorer, outcomes: Outcomes, images: int) -> Iterator[Task]:
    """The trials in the order in which they would be run if every further outcome were like the last one."""
    imagined = dict(outcomes)
    guess = next(reversed(imagined.values()), True)
    while wanted := scorer.wanted(imagined, images):
        yield from wanted
        imagined |= dict.fromkeys(wanted, guess)

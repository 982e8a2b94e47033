"""What a scorer of difficulty is: it asks for trials of a problem until its score is decided.

A trial shows the model a problem, a share of its images hidden, and its answer is correct or wrong. A scorer asks for
trials as long as their outcomes can change the score, which is a pure function of the outcomes.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from PIL import Image
from torch import Tensor

from cogito_pl.policy import Policy, PromptEncoder, SamplingConfig
from cogito_pl.problem import Problem

SCREENING = 1_000_000
"""Repeats from here on belong to a screen, see `Task.screening`."""


class Task(NamedTuple):
    """One trial of a problem: how much of its images is hidden, and which repeat of that ratio it is."""

    ratio: float
    repeat: int

    @property
    def screening(self) -> bool:
        """Whether the trial only tells if its problem is worth others: nothing is kept of its response."""
        return self.repeat >= SCREENING


Outcomes = Mapping[Task, bool]
"""Whether each trial of one problem was correct."""


class Scorer(ABC):
    """A difficulty score. Subclasses are named in the configuration by class path."""

    name: ClassVar[str]
    """Part of the names of score files."""
    headline: ClassVar[str]
    """The column of the score that tables and histograms show."""

    @abstractmethod
    def wanted(self, outcomes: Outcomes, images: int) -> list[Task]:
        """Trials that must be run whatever the outcomes of the others; none once the score is decided.

        Args:
            outcomes: What is known.
            images: How many images the problem has.
        """

    @abstractmethod
    def score(self, outcomes: Outcomes, images: int) -> dict[str, Any]:
        """The columns of the score, None where it is undecided. Outcomes that were not needed change nothing.

        Two columns are shown where they exist: `solved`, whether the model solves the problem as it is (None while
        undecided), and `n_done`, the number of trials that were needed, or a list of such numbers.

        Args:
            outcomes: What is known.
            images: How many images the problem has.
        """

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """All settings, as plain values."""

    def trial_settings(self) -> dict[str, Any]:
        """The settings that change what a trial shows or keeps, as plain values; not those that only change the score.

        By default all settings where a subclass has its own `hide`, `keep` or `sampling_of`, else none.
        """
        own = any(getattr(type(self), name) is not getattr(Scorer, name) for name in ("hide", "keep", "sampling_of"))
        return self.settings() if own else {}

    def sampling_of(self, task: Task, sampling: SamplingConfig) -> SamplingConfig:
        """How a trial is sampled; as the run says by default. What this depends on belongs into `trial_settings`."""
        return sampling

    def notice(self, policy: Policy, problems: Sequence[Problem]) -> str:
        """What to log before the trials of a source start, such as how much is kept on disk; empty by default."""
        return ""

    def keep(self, policy: Policy, problem: Problem, response: Tensor) -> dict[str, Tensor]:
        """Tensors to keep of a correct trial, from the ids `[T]` of its response; none by default."""
        return {}

    def measure(self, kept: Mapping[str, Tensor]) -> dict[str, Any]:
        """Further columns of the score, from what was kept of a problem's first correct trial (empty without one)."""
        return {}

    def hide(self, image: Image.Image, task: Task, seed: int, encoder: PromptEncoder) -> Image.Image:
        """The image as a trial shows it; unchanged by default. What this depends on belongs into `trial_settings`."""
        return image


def expected_path(scorer: Scorer, outcomes: Outcomes, images: int) -> Iterator[Task]:
    """The trials in the order in which they would be run if every further outcome were like the last one."""
    imagined = dict(outcomes)
    guess = next(reversed(imagined.values()), True)
    while wanted := scorer.wanted(imagined, images):
        yield from wanted
        imagined |= dict.fromkeys(wanted, guess)

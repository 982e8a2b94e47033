"""Space files: what a search chooses from, by how many trials, and on which seeds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from cogito_pl.experiments.phases import SettingsError
from cogito_pl.experiments.search.space import Range, Space, described, read_space

DIRECTIONS = ("maximize", "minimize")
SEEDS = (101,)
"""Seeds of a search that names none: others than those that an ablation has then."""


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """How a search chooses.

    Args:
        space: What it chooses from.
        trials: How many settings are tried, those that are pruned included.
        seeds: Each trial is fitted once for each; its value is their mean.
        metric: What a fit logs when it validates; the last value counts.
        direction: Whether the largest or the smallest value is the best.
        startup: Trials with settings drawn at random, none of them pruned, before TPE and the median take over.
        sampler_seed: Decides what is drawn.
    """

    space: Space
    trials: int
    seeds: tuple[int, ...] = SEEDS
    metric: str = "val/accuracy"
    direction: str = "maximize"
    startup: int = 10
    sampler_seed: int = 0

    def __post_init__(self) -> None:
        """Raises SettingsError, naming setting, value and remedy."""
        for name, least in (("trials", 1), ("startup", 1), ("sampler_seed", 0)):
            if not is_whole(value := getattr(self, name)) or value < least:
                raise SettingsError(f"{name}={value!r} is no whole number of at least {least}; correct it")
        if not self.seeds or not all(is_whole(seed) and seed >= 0 for seed in self.seeds):
            raise SettingsError(f"seeds={list(self.seeds)} are not whole numbers, zero or more; name at least one")
        if len({*self.seeds}) < len(self.seeds):
            raise SettingsError(f"seeds={list(self.seeds)} names one twice; name it once")
        if self.direction not in DIRECTIONS:
            raise SettingsError(f"direction={self.direction!r} is unknown; it is one of {', '.join(DIRECTIONS)}")
        if not isinstance(self.metric, str) or not self.metric:
            raise SettingsError(f"metric={self.metric!r} is no name of a metric, such as val/accuracy; correct it")

    def without(self, names: set[str]) -> "SearchOptions":
        """The same on a space without these parts."""
        return replace(self, space={name: part for name, part in self.space.items() if name not in names})

    def fingerprint(self) -> dict[str, Any]:
        """What must be equal for a search to be continued; more trials may be added."""
        kept = ("metric", "direction", "startup", "sampler_seed")
        return {
            "space": described(self.space),
            "seeds": list(self.seeds),
            **{name: getattr(self, name) for name in kept},
        }

    def shown(self, name: str, value: Any) -> str:
        """A value of a part of the space, for tables."""
        part = self.space[name]
        return f"{value:.3g}" if isinstance(part, Range) and not part.whole else str(value)


FIELDS = tuple(SearchOptions.__dataclass_fields__)


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def read_options(path: Path, changes: Mapping[str, Any] | None = None) -> SearchOptions:
    """The options in a space file.

    Args:
        path: A YAML file with `SearchOptions` by name.
        changes: What replaces them, such as options of the command line.

    Raises:
        SettingsError: The file cannot be read, or holds something else.
    """
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"space file {path}: {error}") from error
    if not isinstance(held, dict) or (unknown := [name for name in held if name not in FIELDS]):
        found = f"has {unknown[0]!r}" if isinstance(held, dict) else "is no mapping"
        raise SettingsError(f"space file {path} {found}; it holds {', '.join(FIELDS)}")
    held |= changes or {}
    if missing := [name for name in ("space", "trials") if name not in held]:
        raise SettingsError(f"space file {path}: {missing[0]} is missing; write it down")
    if not isinstance(held.get("seeds", []), list):
        raise SettingsError(f"space file {path}: seeds={held['seeds']!r} is no list of numbers; correct it")
    space = read_space(held["space"], f"space file {path}")
    try:
        return SearchOptions(**{**held, "space": space, "seeds": tuple(held.get("seeds", SEEDS))})
    except SettingsError as error:
        raise SettingsError(f"space file {path}: {error}") from error

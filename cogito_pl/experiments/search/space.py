"""What a search may choose from: ranges and choices of settings, as a space file has them."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cogito_pl.experiments.phases import SettingsError
from cogito_pl.seeds import digest

RANGE, CHOICES = ("low", "high", "log", "step"), ("choices",)
RESERVED = ("seed_everything", "trainer.default_root_dir", "trainer.logger")
"""Settings that the search gives every fit."""
FORM = "write {low: 1.0e-5, high: 1.0e-3, log: true}, {low: 2, high: 8, step: 2} or {choices: [...]}"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of several values: what it sets.

    Args:
        settings: Values by dotted key.
        file: An overlay, instead of settings.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Range:
    """The numbers from `low` to `high`, both included: whole ones where `low`, `high` and `step` are whole.

    Args:
        setting: The dotted key that it sets.
        low: Smallest value.
        high: Largest value.
        log: Draw the logarithm evenly.
        step: Distance of neighbours; null for any number, or every whole one.
    """

    setting: str
    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are drawn."""
        return all(isinstance(value, int) for value in (self.low, self.high, self.step or 1))

    def choice(self, value: float) -> Choice:
        """What a value sets."""
        return Choice(settings={self.setting: value})

    def ends(self) -> list[float]:
        """The values to check before anything runs."""
        return [self.low, self.high]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Named alternatives.

    Args:
        named: By name, in order.
    """

    named: Mapping[str, Choice]

    def choice(self, value: str) -> Choice:
        """What the alternative of a name sets."""
        return self.named[value]

    def ends(self) -> list[str]:
        """The values to check before anything runs: all of them."""
        return list(self.named)


Space = Mapping[str, Range | Choices]
"""By name: the setting, or the name that choices of several settings are given."""


def settings_of(part: Range | Choices) -> list[str]:
    """The dotted keys that a part of a space sets."""
    if isinstance(part, Range):
        return [part.setting]
    return list(dict.fromkeys(key for choice in part.named.values() for key in choice.settings))


def read_space(values: Any, origin: str) -> dict[str, Range | Choices]:
    """A space from plain values.

    Args:
        values: By name, a mapping of `low` and `high` (with `log` or `step`) or of `choices`: a list of values, or
            a mapping of names to settings or to the file of an overlay.
        origin: Where they are from, for messages.

    Raises:
        SettingsError: A part cannot be drawn from.
    """
    if not isinstance(values, Mapping) or not values:
        raise SettingsError(f"{origin}: space={values!r:.60} holds no settings; name each by its dotted key: {FORM}")
    space = {}
    for name, own in values.items():
        try:
            space[name] = read_part(name, own)
        except ValueError as error:
            raise SettingsError(f"{origin}: space.{name}: {error}") from error
    counts = Counter(key for part in space.values() for key in settings_of(part))
    if twice := [key for key, count in counts.items() if count > 1]:
        raise SettingsError(f"{origin}: two parts of the space set {twice[0]}; leave it to one of them")
    if reserved := [key for key in counts if key in RESERVED]:
        raise SettingsError(f"{origin}: space.{reserved[0]} is set by the search itself; leave it out")
    return space


def read_part(name: str, values: Any) -> Range | Choices:
    """A part of a space. Raises ValueError."""
    if not isinstance(values, Mapping) or not ({*values} <= {*RANGE} or {*values} <= {*CHOICES}) or not values:
        raise ValueError(f"{values!r:.60} is neither a range nor choices; {FORM}")
    return read_choices(name, values["choices"]) if "choices" in values else read_range(name, values)


def read_range(name: str, values: Mapping[str, Any]) -> Range:
    """A range. Raises ValueError."""
    if missing := [end for end in ("low", "high") if end not in values]:
        raise ValueError(f"{missing[0]} is missing; {FORM}")
    for key, value in values.items():
        if key != "log" and (isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value)):
            raise ValueError(f"{key}={value!r} is no number; YAML reads 1.0e-4 as one, and 1e-4 as a text")
    if not isinstance(values.get("log", False), bool):
        raise ValueError(f"log={values['log']!r} is neither true nor false; correct it")
    part = Range(setting=name, **values)
    if part.low >= part.high:
        raise ValueError(f"low={part.low} is not below high={part.high}; swap them, or put one value into an overlay")
    if part.log and part.low <= 0:
        raise ValueError(f"low={part.low} has no logarithm; choose a low above 0, or leave log out")
    if part.step is not None:
        if part.log:
            raise ValueError(f"step={part.step} and log do not go together; leave one of them out")
        steps = (part.high - part.low) / part.step if part.step > 0 else math.nan
        if not steps >= 1 or not math.isclose(steps, round(steps)):
            raise ValueError(f"step={part.step} does not lead from low={part.low} to high={part.high}; choose another")
    return part


def read_choices(name: str, values: Any) -> Choices:
    """Choices. Raises ValueError."""
    if not isinstance(values, list | Mapping) or len(values) < 2:
        raise ValueError(f"choices={values!r:.60} are not two or more; list values, or name overlays or settings")
    if isinstance(values, list):
        texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
        if twice := [text for text, count in Counter(texts).items() if count > 1]:
            raise ValueError(f"choices has {twice[0]} twice; leave one out")
        return Choices(named={t: Choice(settings={name: value}) for t, value in zip(texts, values, strict=True)})
    return Choices(named={str(own): read_choice(str(own), value) for own, value in values.items()})


def read_choice(name: str, value: Any) -> Choice:
    """A named choice: settings by dotted key, or the file of an overlay. Raises ValueError."""
    if isinstance(value, Mapping):
        return Choice(settings={str(key): own for key, own in value.items()})
    if not isinstance(value, str):
        raise ValueError(f"choices.{name}={value!r:.60} is neither a mapping of settings nor an overlay; write one")
    if not Path(value).is_file():
        raise ValueError(f"choices.{name}: there is no file {value}; correct the path")
    return Choice(file=Path(value))


def described(space: Space) -> dict[str, Any]:
    """A space as plain values that are equal where the same can be drawn, the contents of its files included."""

    def of(choice: Choice) -> Any:
        return digest(choice.file.read_bytes()) if choice.file else dict(choice.settings)

    return {
        name: {key: getattr(part, key) for key in RANGE}
        if isinstance(part, Range)
        else {"choices": {key: of(choice) for key, choice in part.named.items()}}
        for name, part in space.items()
    }

"""What is checked of a search before anything runs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from cogito_pl.experiments.ablation.arms import Arm
from cogito_pl.experiments.phases import YAML_FORM, SettingsError
from cogito_pl.experiments.search.options import SearchOptions
from cogito_pl.experiments.search.search import Search, kept
from cogito_pl.experiments.search.settings import MissingPartError, UnknownSettingError, locate, value_at
from cogito_pl.experiments.search.space import Choice, settings_of


def check(search: Search) -> None:
    """Checks a search against its recipe. Raises SettingsError, naming setting, value and remedy."""
    recipe = search.recipe()
    if not recipe["data"]["validation"]:
        raise SettingsError(
            "the recipe has no data.validation, whose results a search compares; name one that is not the test"
        )
    own = kept(recipe)
    for name, part in search.options.space.items():
        for value in part.ends():
            check_alone(search, name, part.choice(value), own)
    ends = {name: part.ends() for name, part in search.options.space.items()}
    for place in range(max(map(len, ends.values()))):
        check_parsed(search, {name: values[place % len(values)] for name, values in ends.items()})


def check_alone(search: Search, name: str, choice: Choice, own: dict[str, Any]) -> None:
    """Refuses a choice that names no setting, or that changes by itself what trials must share.

    Args:
        search: The search.
        name: The part of the space.
        choice: One of its ends.
        own: What trials share, by the recipe.

    Raises:
        SettingsError: The choice is refused.
    """
    try:
        found = kept(search.configuration([choice]))
    except (UnknownSettingError, SettingsError) as error:
        raise SettingsError(f"space.{name}: {error}") from error
    if differing := [key for key in own if found[key] != own[key]]:
        what = "; ".join(f"{key} is {found[key]}, in the recipe {own[key]}" for key in differing)
        raise SettingsError(
            f"space.{name}: with {dict(choice.settings) or choice.file}, {what}. Trials are compared at equal updates "
            "and completions, on the same validation: vary settings that belong together in one part, by choices of "
            "several settings"
        )


def check_parsed(search: Search, values: dict[str, Any]) -> None:
    """Lets the parser of train.py read the overlay of a trial. Raises SettingsError where it refuses a value."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "settings.yaml"
        file.write_text(yaml.safe_dump(search.overlay(values), **YAML_FORM), encoding="utf-8")
        try:
            config = search.study.configuration((*search.arm.files, file))
        except SettingsError as error:
            raise SettingsError(f"the space, at {values}: {error}".replace(str(file), "(its values)")) from error
    for choice in search.choices(values):
        for key, value in choice.settings.items():
            if (found := value_at(config, locate(config, key))) != value:
                raise SettingsError(f"space: train.py reads {key}={value!r} as {found!r}; write it as it is read")


def left_out(search: Search) -> set[str]:
    """The parts of the space that set a callback, or another entry of a list, which the recipe does not have."""
    recipe, missing = search.recipe(), set()
    for name, part in search.options.space.items():
        for key in settings_of(part):
            try:
                locate(recipe, key)
            except MissingPartError:
                missing.add(name)
            except UnknownSettingError as error:
                raise SettingsError(f"space.{name}: {error}") from error
    return missing


def variants(search: Search) -> list[Arm]:
    """The arm as it is, and with each overlay of the space, whose data must be there."""
    choices = [part.choice(value) for part in search.options.space.values() for value in part.ends()]
    files = [choice.file for choice in choices if choice.file]
    return [search.arm, *(replace(search.arm, files=(*search.arm.files, file)) for file in files)]


def check_apart(searched: SearchOptions, seeds: Sequence[int]) -> None:
    """Refuses an ablation on seeds that the settings of its arms were chosen on. Raises SettingsError."""
    if both := sorted({*searched.seeds} & {*seeds}):
        raise SettingsError(
            f"--seeds {both[0]} is a seed of the search too, whose settings were chosen for it; compare on other seeds"
        )


def check_test(search: Search) -> None:
    """Refuses an ablation whose test problems are those that the search chooses by. Raises SettingsError."""
    chosen, test = search.recipe()["data"]["validation"], search.study.test_sources()
    if any(source in test for source in chosen):
        raise SettingsError(
            "--tuned: the test problems are the recipe's data.validation, by which the search chooses settings; name "
            "others by --test"
        )

"""A search: a recipe, what is chosen for it, and the folder of every trial. Starts nothing.

DIR/search.sqlite3          the trials, as Optuna keeps them
DIR/seed101/                the start of seed 101: its data, and the model that all trials start from
DIR/trials/1/settings.yaml  what trial 1 changes in the recipe
DIR/trials/1/seed101/       its fit
DIR/best.yaml               settings.yaml of the best trial
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cogito_pl.experiments.ablation.arms import Arm
from cogito_pl.experiments.ablation.fairness import sizes
from cogito_pl.experiments.ablation.recipe import RecipeStudy
from cogito_pl.experiments.phases import Plan, SettingsError
from cogito_pl.experiments.search.options import SearchOptions
from cogito_pl.experiments.search.settings import assign, difference
from cogito_pl.experiments.search.space import Choice
from cogito_pl.experiments.search.trials import FILE
from cogito_pl.seeds import digest

PRUNING = "cogito_pl.experiments.search.pruning.Pruning"


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a search is run with.

    Args:
        study: The recipe, its data and the model that it starts from; what it says of tests is not used.
        arm: The variant of the recipe that settings are searched for.
        options: How they are chosen.
        run: Folder that the trials are written to.
        starts: Folder of the starts, which several searches may share.
    """

    study: RecipeStudy
    arm: Arm
    options: SearchOptions
    run: Path
    starts: Path

    @property
    def storage(self) -> Path:
        """The SQLite file."""
        return self.run / FILE

    def trial_folder(self, number: int) -> Path:
        """Folder of a trial, by its number, which counts from zero."""
        return self.run / "trials" / str(number + 1)

    def settings_file(self, number: int) -> Path:
        """The overlay of a trial."""
        return self.trial_folder(number) / "settings.yaml"

    def start(self, seed: int) -> Plan:
        """Data and start model of a seed; grades nothing."""
        plan = self.study.start(seed, self.starts / f"seed{seed}")
        return replace(plan, phases=plan.phases[:-1])

    def fit(self, number: int, place: int) -> Plan:
        """The fit of a trial for the seed at `place`; needs the trial's overlay. Raises SettingsError."""
        seed = self.options.seeds[place]
        arm = replace(self.arm, files=(*self.arm.files, self.settings_file(number)))
        folder = self.trial_folder(number) / f"seed{seed}"
        plan = self.study.arm(arm, seed, folder, self.starts / f"seed{seed}")
        (fit,) = plan.phases[:-1]
        given = {"file": str(self.storage.absolute()), "trial": number, "place": place}
        fit.overlay["trainer"]["callbacks"].append({"class_path": PRUNING, "init_args": given})
        return replace(plan, phases=(fit,))

    def choices(self, values: Mapping[str, Any]) -> list[Choice]:
        """What the values of a trial set, by name of the parts of the space."""
        return [self.options.space[name].choice(value) for name, value in values.items()]

    def recipe(self) -> dict[str, Any]:
        """The complete configuration without a choice. Raises SettingsError."""
        return self.study.configuration(self.arm.files)

    def configuration(self, choices: list[Choice]) -> dict[str, Any]:
        """The complete configuration with some choices.

        Raises:
            SettingsError: `train.py` refuses the file of a choice.
            UnknownSettingError: A setting does not exist.
        """
        files = tuple(choice.file for choice in choices if choice.file)
        config = self.study.configuration((*self.arm.files, *files))
        for choice in choices:
            for key, value in choice.settings.items():
                assign(config, key, deepcopy(value))
        return config

    def overlay(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What a trial changes in the recipe."""
        return difference(self.recipe(), self.configuration(self.choices(values)))

    def fingerprint(self) -> dict[str, Any]:
        """What must be equal for a search to be continued, as plain values. Raises SettingsError."""
        files = {"recipe": self.study.recipe, "start": self.study.start_recipe, "with": self.arm.files}
        return {
            **{name: [digest(file.read_bytes()) for file in own] for name, own in files.items()},
            "prepare": list(self.study.prepare),
            "data": self.study.data,
            "updates": kept(self.recipe())["updates"],
            **self.options.fingerprint(),
        }


def kept(config: Mapping[str, Any]) -> dict[str, Any]:
    """What no trial may change: what it spends, and what it is measured by. Raises SettingsError."""
    try:
        spent = sizes([config])
    except ValueError as error:
        raise SettingsError(str(error)) from error
    measured = {
        "data.validation": config["data"]["validation"],
        "model.init_args.evaluation": config["model"]["init_args"].get("evaluation"),
    }
    return {name: value for name, value in spent.items() if name != "seed_everything"} | measured

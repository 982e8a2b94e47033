"""Any recipe of `train.py` as what the arms of an ablation are variants of.

DIR/seed1/data/             what the preparing commands wrote, where there are any
DIR/seed1/start/            the fit of the start recipe, where there is one
DIR/seed1/evaluate/         the start model, graded: sample1/, sample2/, ... and greedy/
DIR/seed1/arms/<name>/      fit/ and evaluate/ of an arm
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cogito_pl.experiments.ablation.arms import Arm
from cogito_pl.experiments.ablation.configuration import resolved
from cogito_pl.experiments.ablation.recipe_phases import (
    FOLDER,
    data_phase,
    evaluate_phase,
    fit_phase,
    moved,
    score_name,
    score_phase,
)
from cogito_pl.experiments.ablation.sources import check_sources
from cogito_pl.experiments.phases import Phase, Plan, SettingsError
from cogito_pl.rl.schedule import RolloutSchedule
from cogito_pl.seeds import digest, stable_seed

LOG = "ablation.log"
IMAGES = 100
"""Test problems whose images are kept, once a seed, for the page of the ablation."""


@dataclass(frozen=True, kw_only=True)
class RecipeStudy:
    """A `cogito_pl.experiments.ablation.arms.Study` of a recipe, given as files.

    Args:
        recipe: The recipe and what is added to it for every arm, in order.
        start: A recipe whose export every arm starts from, and what is added to it; without, arms start from the model
            that the recipe names.
        score: Recipes of `train.py predict`, each of which scores data of a seed by the start model, and names the file
            by `callbacks.DifficultyWriter`.
        test: What is added to the recipe to grade a model: the test problems, as `data.validation`. Without, models are
            graded on the recipe's own.
        by: Columns of the test data to break the results down by.
        samples: Completions per test problem at temperature 1; 0 grades greedy completions alone.
        prepare: Command lines that write the data of a seed, with `{folder}` and `{seed}`.
        data: The folder that the recipes name, for which every seed gets the folder of its own data.
    """

    recipe: tuple[Path, ...]
    start_recipe: tuple[Path, ...] = ()
    score: tuple[Path, ...] = ()
    test: tuple[Path, ...] = ()
    by: tuple[str, ...] = ()
    samples: int = 3
    prepare: tuple[str, ...] = ()
    data: str = ""
    remedy = "give it to every arm by a further --recipe FILE, or allow it by --unequal NAME"
    own_seeds = True
    _configs: dict[tuple[Path, ...], dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises SettingsError, naming setting, value and remedy."""
        if not self.recipe:
            raise SettingsError("--recipe is missing; name the recipe that the arms are variants of")
        given = {"recipe": self.recipe, "start": self.start_recipe, "score": self.score, "test": self.test}
        for option, files in given.items():
            if missing := [file for file in files if not file.is_file()]:
                raise SettingsError(f"--{option} {missing[0]}: there is no such file; correct the path")
        if self.samples < 0:
            raise SettingsError(f"--samples {self.samples} is negative; choose 0 (greedy alone) or more")
        if bool(self.prepare) != bool(self.data):
            raise SettingsError(
                "--prepare and --data belong together: --data names the folder of the recipes that the commands of "
                "--prepare write for every seed; give both, or none"
            )
        if lost := [command for command in self.prepare if FOLDER not in command]:
            raise SettingsError(
                f"--prepare {lost[0]!r} does not say {FOLDER}, where the data of a seed must be written"
            )

    @property
    def n_test(self) -> int | None:
        """Test problems of a seed; known once they are graded."""
        return None

    @property
    def same_test(self) -> bool:
        """Whether all seeds share their test problems."""
        return not self.prepare

    @property
    def prepared(self) -> str | None:
        """The phase that writes the data of a seed."""
        return "data" if self.prepare else None

    @property
    def typical_s(self) -> Mapping[str, float]:
        """Typical seconds of every phase by name, for estimates."""
        scores = {score_name(file): 60.0 for file in self.score}
        return {"data": 5.0, "start": 40.0, "fit": 60.0, "evaluate": 20.0} | scores

    @property
    def files(self) -> list[Path]:
        """The recipe and what is added to it for every arm."""
        return list(self.recipe)

    def configuration(self, files: tuple[Path, ...]) -> dict[str, Any]:
        """The complete configuration of a fit of the recipe with these files. Raises SettingsError."""
        return deepcopy(self._parsed((*self.recipe, *files)))

    def test_sources(self) -> list[dict[str, Any]]:
        """The sources of the test problems, as plain values. Raises SettingsError."""
        return self._parsed(self._test_files)["data"]["validation"]

    def start(self, seed: int, folder: Path) -> Plan:
        """Data and start model of a seed, graded."""
        phases = [data_phase(self.prepare, seed, folder / "data")] if self.prepare else []
        if self.start_recipe:
            phases.append(fit_phase("start", self.start_recipe, self._config(self.start_recipe, folder), seed, folder))
        for file in self.score:
            scores = self._scores(file, folder)
            phases.append(score_phase(file, self._config((file,), folder), seed, folder, self._model(folder), scores))
        test = self._config(self._test_files, folder)
        phases.append(evaluate_phase(test, self.samples, seed, folder, self._model(folder), images=IMAGES))
        given = {"start": self.start_recipe, "test": self._test_files} | ({"score": self.score} if self.score else {})
        return self._plan(folder, seed, phases, **given)

    def arm(self, arm: Arm, seed: int, folder: Path, start: Path) -> Plan:
        """The fit of the recipe with the files of `arm`, and its grading by the recipe without them."""
        if arm.sft_first:
            raise SettingsError(f"--sft-first {arm.name}: only the quickstart has it; make it a --start recipe")
        files = (*self.recipe, *arm.files)
        config, own_seed = self._config(files, start), self._seed(files, seed)
        fit = fit_phase("fit", files, config, own_seed, folder, self._model(start))
        test = self._config(self._test_files, start)
        evaluation = evaluate_phase(test, self.samples, seed, folder, fit.artefact.parent)
        return self._plan(folder, seed, [fit, evaluation], recipe=files, test=self._test_files)

    def scoring(self, seed: int, folder: Path, start: Path) -> Plan:
        """Never asked for: `score` is part of the start."""
        raise NotImplementedError

    def scores(self, start: Path) -> None:
        """Of no file: `score` is part of the start."""

    def check(self, arms: Sequence[Arm], start: Path) -> None:
        """Checks the data of a seed against recipe, arms and test. Raises SettingsError."""
        fits, sources = [self.start_recipe] if self.start_recipe else [], []
        scored = [str(self._scores(file, start)) for file in self.score]
        for files in (*fits, *((*self.recipe, *arm.files) for arm in arms)):
            data = self._config(files, start)["data"]
            sources += [*data["train"], *data["validation"]]
            named = [part["file"] or () for part in (data["strata"], data.get("subset")) if part]
            given = [file for each in named for file in ([each] if isinstance(each, str) else each)]
            if lost := [file for file in given if file not in scored and not Path(file).exists()]:
                raise SettingsError(
                    f"{files[-1]}: the scores {lost[0]} do not exist; score the data before, by --prepare, "
                    "or by the start model: --score FILE"
                )
        for file in self.score:
            sources += self._config((file,), start)["data"]["predict"]
        check_sources(sources)
        config = self._config(self._test_files, start)
        try:
            RolloutSchedule(**(config["model"]["init_args"].get("schedule") or {}))
        except ValueError as error:
            raise SettingsError(f"{' + '.join(map(str, self._test_files))}: {error}") from error
        test = config["data"]["validation"]
        if not test:
            raise SettingsError("--test is missing, and the recipe has no data.validation to grade models on; name one")
        check_sources(test, self.by)

    @property
    def _test_files(self) -> tuple[Path, ...]:
        return (*self.recipe, *self.test)

    def _seed(self, files: tuple[Path, ...], seed: int) -> int:
        """The seed of a fit: another one where an arm changes `seed_everything`, to measure what seeds alone change."""
        own, plain = (self._parsed(each)["seed_everything"] for each in (files, self.recipe))
        return seed if own == plain else stable_seed("fit", seed, own, bits=31)

    def _scores(self, file: Path, start: Path) -> Path:
        """The file that a scoring recipe writes. Raises SettingsError where it names none."""
        callbacks = self._config((file,), start)["trainer"]["callbacks"] or []
        writers = [own for own in callbacks if own["class_path"].endswith("DifficultyWriter")]
        if not writers or not (path := writers[0]["init_args"]["path"]):
            raise SettingsError(
                f"--score {file} names no file for its scores; set the path of its callbacks.DifficultyWriter"
            )
        return Path(path)

    def _model(self, start: Path) -> Path | None:
        return start / "start" / "export" if self.start_recipe else None

    def _config(self, files: tuple[Path, ...], start: Path) -> dict[str, Any]:
        """The complete configuration of a fit with these files, on the data of the seed whose start is in `start`."""
        config = deepcopy(self._parsed(files))
        if not self.data:
            return config
        own = moved(config, self.data.rstrip("/"), str(start / "data"))
        if own == config and files[: len(self.recipe)] == self.recipe:  # a start may have data that all seeds share
            raise SettingsError(
                f"--data {self.data}: no path of the recipe {' + '.join(map(str, files))} lies there; name the folder "
                "of its sources"
            )
        return own

    def _parsed(self, files: tuple[Path, ...]) -> dict[str, Any]:
        """The complete configuration of a fit with these files. Raises SettingsError."""
        if files not in self._configs:
            try:
                self._configs[files] = resolved(files)
            except ValueError as error:
                raise SettingsError(f"{' + '.join(map(str, files))}: {error}") from error
        return self._configs[files]

    def _plan(self, folder: Path, seed: int, phases: list[Phase], **files: tuple[Path, ...]) -> Plan:
        fingerprint = {
            "seed": seed,
            "samples": self.samples,
            "prepare": list(self.prepare),
            "configuration": {name: [digest(file.read_bytes()) for file in own] for name, own in files.items()},
        }
        return Plan(folder=folder, phases=tuple(phases), fingerprint=fingerprint, log=folder / LOG)

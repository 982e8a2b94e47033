"""Any recipe of `train.py` as what the arms of an ablation are variants of.

DIR/seed1/data/             what the preparing commands wrote, where there are any
DIR/seed1/start/            the fit of the start recipe, where there is one
DIR/seed1/evaluate/         the start model, graded: sample1/, sample2/, ... and greedy/
DIR/seed1/arms/<name>/      fit/ and evaluate/ of an arm
"""

import shlex
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cogito_pl.experiments.ablation.arms import Arm
from cogito_pl.experiments.ablation.configuration import resolved
from cogito_pl.experiments.ablation.sources import check_sources
from cogito_pl.experiments.graded import GREEDY, SAMPLE
from cogito_pl.experiments.phases import SHELL, TRAIN, Phase, Plan, SettingsError
from cogito_pl.seeds import digest, stable_seed

FOLDER, SEED = "{folder}", "{seed}"
"""What preparing commands say for the folder of a seed's data and for the seed."""
LOG = "ablation.log"
EXPORT = "callbacks.HFExport"
BAR = "cogito_pl.experiments.bar.PhaseBar"


@dataclass(frozen=True, kw_only=True)
class RecipeStudy:
    """A `cogito_pl.experiments.ablation.arms.Study` of a recipe, given as files.

    Args:
        recipe: The recipe and what is added to it for every arm, in order.
        start: A recipe whose export every arm starts from, and what is added to it; without, arms start from the model
            that the recipe names.
        test: What is added to the recipe to grade a model: the test problems, as `data.validation`. Without, models are
            graded on the recipe's own.
        by: Columns of the test data to break the results down by.
        samples: Completions per test problem at temperature 1; 0 grades greedy completions alone.
        prepare: Command lines that write the data of a seed, with `{folder}` and `{seed}`.
        data: The folder that the recipes name, for which every seed gets the folder of its own data.
    """

    recipe: tuple[Path, ...]
    start_recipe: tuple[Path, ...] = ()
    test: tuple[Path, ...] = ()
    by: tuple[str, ...] = ()
    samples: int = 3
    prepare: tuple[str, ...] = ()
    data: str = ""
    remedy = "give it to every arm by a further --recipe FILE"
    own_seeds = True
    typical_s = MappingProxyType({"data": 5.0, "start": 40.0, "fit": 60.0, "evaluate": 20.0})
    _configs: dict[tuple[Path, ...], dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises SettingsError, naming setting, value and remedy."""
        if not self.recipe:
            raise SettingsError("--recipe is missing; name the recipe that the arms are variants of")
        for option, files in (("recipe", self.recipe), ("start", self.start_recipe), ("test", self.test)):
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
    def files(self) -> list[Path]:
        """The recipe and what is added to it for every arm."""
        return list(self.recipe)

    def start(self, seed: int, folder: Path) -> Plan:
        """Data and start model of a seed, graded."""
        phases = [self._data(seed, folder)] if self.prepare else []
        if self.start_recipe:
            phases.append(self._fit("start", self.start_recipe, seed, folder, folder, None))
        phases.append(self._evaluate(seed, folder, folder, self._model(folder)))
        return self._plan(folder, seed, phases, start=self.start_recipe, test=self._test_files)

    def arm(self, arm: Arm, seed: int, folder: Path, start: Path) -> Plan:
        """The fit of the recipe with the files of `arm`, and its grading by the recipe without them."""
        if arm.sft_first:
            raise SettingsError(f"--sft-first {arm.name}: only the quickstart has it; make it a --start recipe")
        files = (*self.recipe, *arm.files)
        fit = self._fit("fit", files, self._seed(files, seed), folder, start, self._model(start))
        evaluation = self._evaluate(seed, folder, start, fit.artefact.parent)
        return self._plan(folder, seed, [fit, evaluation], recipe=files, test=self._test_files)

    def scoring(self, seed: int, folder: Path, start: Path) -> Plan:
        """Never asked for: scores are data, which preparing commands write."""
        raise NotImplementedError

    def scores(self, start: Path) -> None:
        """Of no file: scores are data."""

    def check(self, start: Path) -> None:
        """Checks the data of a seed against the recipes. Raises SettingsError."""
        trained = self._config(self.recipe, start)["data"]
        first = self._config(self.start_recipe, start)["data"]["train"] if self.start_recipe else []
        check_sources([*trained["train"], *trained["validation"], *first])
        check_sources(self._config(self._test_files, start)["data"]["validation"], self.by)

    @property
    def _test_files(self) -> tuple[Path, ...]:
        return (*self.recipe, *self.test)

    def _seed(self, files: tuple[Path, ...], seed: int) -> int:
        """The seed of a fit: another one where an arm changes `seed_everything`, to measure what seeds alone change."""
        own, plain = (self._parsed(each)["seed_everything"] for each in (files, self.recipe))
        return seed if own == plain else stable_seed("fit", seed, own, bits=31)

    def _model(self, start: Path) -> Path | None:
        return start / "start" / "export" if self.start_recipe else None

    def _data(self, seed: int, folder: Path) -> Phase:
        data = folder / "data"
        words = [shlex.split(command) for command in self.prepare]
        values = {FOLDER: str(data), SEED: str(seed)}
        return Phase(
            name="data",
            title="Data: prepare those of the seed",
            program=SHELL,
            commands=tuple(tuple(filled(word, values) for word in command) for command in words),
            folder=data,
            artefact=data,
            overlay={},
        )

    def _fit(self, name: str, files: Sequence[Path], seed: int, run: Path, start: Path, model: Path | None) -> Phase:
        folder, config = run / name, self._config(tuple(files), start)
        kept = [own for own in config["trainer"]["callbacks"] or [] if own["class_path"] != EXPORT]
        export = {"class_path": EXPORT, "init_args": {"path": str(folder / "export")}}
        board = {"save_dir": str(folder), "name": "", "version": ""}  # no version folders: a restart logs to the same
        logger = {"class_path": "lightning.pytorch.loggers.TensorBoardLogger", "init_args": board}
        config["trainer"] |= {"logger": logger, "callbacks": [*kept, export, bar(name)]}
        title = f"Fit: {' + '.join(file.name for file in files)}"
        return self._phase(name, title, config, seed, run, model, folder / "export" / "config.json", [()])

    def _evaluate(self, seed: int, run: Path, start: Path, model: Path | None) -> Phase:
        config = self._config(self._test_files, start)
        first = start == run  # images are kept once a seed
        table = {"class_path": "callbacks.RolloutTable", "init_args": {"images": 0, "image_files": 100 * first}}
        config["trainer"] |= {"logger": False, "callbacks": [table, bar("test")]}
        config["data"]["train"] = []
        folder = run / "evaluate"
        draws = [(GREEDY, 0.0, seed)]
        # Equal seeds for all arms, so that two of them differ by their models alone.
        draws += [(f"{SAMPLE}{n}", 1.0, stable_seed("test", seed, n, bits=31)) for n in range(1, self.samples + 1)]
        words = [
            (
                *("--trainer.default_root_dir", str(folder / name)),
                *("--model.init_args.evaluation.temperature", str(temperature)),
                *("--seed_everything", str(number)),
                *("--verbose", "false"),
            )
            for name, temperature, number in draws
        ]
        title = f"Evaluate: greedy and {self.samples} samples at temperature 1"
        artefact = folder / draws[-1][0] / "validation.rank0.jsonl"
        return self._phase("evaluate", title, config, seed, run, model, artefact, words)

    def _phase(
        self,
        name: str,
        title: str,
        config: dict[str, Any],
        seed: int,
        run: Path,
        model: Path | None,
        artefact: Path,
        words: Sequence[tuple[str, ...]],
    ) -> Phase:
        file = run / "config" / f"{name}.yaml"
        config["seed_everything"] = seed
        config["trainer"] |= {"default_root_dir": str(run / name), "enable_model_summary": False}
        if model:
            config["model"]["init_args"]["policy"]["init_from"] = str(model)
        command = "validate" if name == "evaluate" else "fit"
        return Phase(
            name=name,
            title=title,
            program=TRAIN,
            commands=tuple((command, "--config", str(file), *further) for further in words),
            folder=run / name,
            artefact=artefact,
            overlay=config,
            overlay_file=file,
            whole=True,
        )

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


def bar(label: str) -> dict[str, Any]:
    """The setting of the progress bar of a phase."""
    return {"class_path": BAR, "init_args": {"label": label}}


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders replaced."""
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def moved(config: Any, old: str, new: str) -> Any:
    """A configuration in which every path in the folder `old` is the same path in the folder `new`."""
    if isinstance(config, Mapping):
        return {name: moved(value, old, new) for name, value in config.items()}
    if isinstance(config, list):
        return [moved(value, old, new) for value in config]
    if isinstance(config, str) and (config == old or config.startswith(f"{old}/")):
        return new + config[len(old) :]
    return config

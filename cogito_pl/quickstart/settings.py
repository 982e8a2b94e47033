"""Settings of a quickstart, and the fingerprint by which a run is continued.

Imports no torch, so that the command line can set the environment first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cogito_pl.experiments.phases import SettingsError
from cogito_pl.seeds import digest

PARTS = {"sft": 7680, "train": 4000, "validation": 100}
"""Problems per part of the data; the size of the `test` part is a setting."""
CONFIGS = ("sft", "grpo", "evaluate")
"""The recipes, each a file `<name>.yaml` of the configuration folder."""
CURRICULUM = ("curriculum.yaml", "strata.yaml")
"""Overlays in the folder of the recipes that make GRPO a curriculum over strata."""
SCORE = "score"
"""The recipe that measures the strata."""
PATTERN_SIGNS = ("*", "?", "[", "::", "${")
"""Beginnings of file patterns of data sets and of references in YAML."""
CONTROLS = {
    "shuffled-rewards": "GRPO with the rewards permuted across completions: a gain that remains is not due to them",
    "careful-sft": "SFT on careful solutions, from the model that GRPO starts from, for as many CPU seconds as GRPO",
    "permuted-images": "SFT and GRPO graded on test problems with another problem's images, against a blind guess",
}
"""Name of each control to its description, in the help and in the report."""


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """A further configuration file.

    Args:
        file: YAML file.
        config: `SCORE`, or the one of `CONFIGS` that it is added to; all of `CONFIGS` when null.
    """

    file: Path
    config: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Overlay":
        """Reads `FILE` or `sft=FILE`. Raises SettingsError where there is no such file."""
        name, equals, rest = text.partition("=")
        overlay = cls(file=Path(rest), config=name) if equals and name in (*CONFIGS, SCORE) else cls(file=Path(text))
        if not overlay.file.is_file():
            raise SettingsError(f"--overlay {text}: there is no file {overlay.file}")
        return overlay

    def adds_to(self, recipe: str) -> bool:
        """Whether it is added to `recipe`."""
        return self.config == recipe or (not self.config and recipe != SCORE)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a quickstart is run with.

    Args:
        seed: Decides data, order and sampling.
        run: Folder that everything is written to.
        n_test: Test problems, the same for every model.
        config_dir: Folder of the recipes.
        overlays: Further configuration, in the order in which it applies.
        parent: Folder of the run whose data and SFT model this one uses; its own when null.
        scored: Whether problems are scored for GRPO to draw from their strata.
        sft_first: Whether a run with a parent begins with a further SFT fit, on the part `train`, by the recipe `sft`
            with the run's overlays for it.
    """

    seed: int
    run: Path
    n_test: int
    config_dir: Path
    overlays: tuple[Overlay, ...] = ()
    parent: Path | None = None
    scored: bool = False
    sft_first: bool = False

    def __post_init__(self) -> None:
        """Raises SettingsError, naming setting, value and remedy."""
        if self.seed < 0:
            raise SettingsError(f"--seed {self.seed} is negative; choose zero or more")
        if self.n_test < 1:
            raise SettingsError(f"--n-test {self.n_test} leaves nothing to grade; choose at least 1")
        if found := [sign for sign in PATTERN_SIGNS if sign in str(self.run.absolute())]:
            raise SettingsError(
                f"--run {self.run}: {' '.join(found)} in the path is read as a file pattern or a YAML reference, so "
                "the data would not be found; choose another folder"
            )
        for name in self.recipes:
            if not self.config(name).is_file():
                raise SettingsError(
                    f"--config-dir {self.config_dir}: there is no {name}.yaml; start from the project's folder, or "
                    "name the folder of the recipes"
                )

    @classmethod
    def read(
        cls, seed: int, run: str | None, n_test: int, config_dir: str, overlays: list[str], *, curriculum: bool
    ) -> "Settings":
        """Settings from command line values; without `run`, the folder is named after the seed.

        Raises:
            SettingsError: A file is missing, or another setting cannot be used.
        """
        stages = [f"grpo={Path(config_dir) / name}" for name in CURRICULUM] if curriculum else []
        return cls(
            seed=seed,
            run=Path(run or f"runs/quickstart/seed{seed}"),
            n_test=n_test,
            config_dir=Path(config_dir),
            overlays=tuple(Overlay.parse(text) for text in (*stages, *overlays)),
            scored=curriculum,
        )

    @property
    def recipes(self) -> tuple[str, ...]:
        """The recipes that the run uses."""
        return (*CONFIGS, SCORE) if self.scored else CONFIGS

    @property
    def counts(self) -> dict[str, int]:
        """Problems per part of the data."""
        return PARTS | {"test": self.n_test}

    @property
    def data(self) -> Path:
        """Folder of the problems."""
        return (self.parent or self.run) / "data"

    @property
    def sft(self) -> Path:
        """The model that SFT exports and GRPO starts from."""
        return (self.parent or self.run) / "sft" / "export"

    @property
    def grpo(self) -> Path:
        """The model that GRPO exports."""
        return self.run / "grpo" / "export"

    @property
    def scores(self) -> Path:
        """File of the difficulty scores, where `CURRICULUM` looks for them."""
        return self.data / "scores" / "train.parquet"

    def config(self, name: str) -> Path:
        """The recipe `name`."""
        return self.config_dir / f"{name}.yaml"

    def overlays_of(self, name: str) -> list[Path]:
        """The further configuration files of the recipe `name`, in order."""
        return [overlay.file for overlay in self.overlays if overlay.adds_to(name)]

    def files_of(self, name: str) -> list[Path]:
        """The recipe `name` and what is added to it, in order."""
        return [self.config(name), *self.overlays_of(name)]

    def fingerprint(self, configs: Sequence[str] = ()) -> dict[str, object]:
        """What must be equal for a run to be continued: plain values, with digests of the configuration files.

        Args:
            configs: The recipes that count; by default all that the run uses.
        """
        return {
            "seed": self.seed,
            "problems": self.counts,
            "configuration": {
                name: [digest(file.read_bytes()) for file in self.files_of(name)] for name in configs or self.recipes
            },
        }

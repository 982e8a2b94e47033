"""What an ablation compares: arms and seeds of a study, and the folder of every run. Starts nothing.

DIR/seed1/                  the start of seed 1: its data and the model that all its arms start from, graded
DIR/seed1/scoring/          the difficulty scores of its data, where an arm draws from strata
DIR/seed1/arms/plain/       the recipe as it is, and its evaluation
DIR/seed1/arms/<name>/      the recipe with the overlays of an arm
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from cogito_pl.experiments.phases import Plan, SettingsError

PLAIN = "plain"
"""The arm that adds nothing, which the others are compared with."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
"""Names that can be folders on every system."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A variant of the recipe.

    Args:
        name: In tables, and its folder.
        files: Overlays that it adds to the GRPO recipe, in the order in which they apply.
        sft_first: Overlays of the SFT recipe, for an SFT fit of its own before GRPO; empty where there is none.
        tuned: What a search for its settings came to, for the table; null where there was none.
    """

    name: str
    files: tuple[Path, ...] = ()
    sft_first: tuple[Path, ...] = ()
    tuned: Mapping[str, Any] | None = None

    @classmethod
    def parse(cls, text: str) -> "Arm":
        """Reads `FILE`, `FILE+FILE` or `NAME=FILE+FILE`; without a name, the arm is named after the files.

        Raises:
            SettingsError: There is no such file, or the name cannot be a folder.
        """
        name, equals, rest = text.partition("=")
        if not equals or Path(text).is_file() or not NAME.fullmatch(name):
            name, rest = "", text
        files = _files(rest, f"--with {text}")
        name = name or "+".join(file.stem for file in files)
        if not NAME.fullmatch(name):
            raise SettingsError(
                f"--with {text}: {name!r} cannot be the name of a folder; say --with NAME={rest} with a NAME of "
                "letters, digits and _ . + -"
            )
        return cls(name=name, files=files)

    def with_sft_first(self, texts: Sequence[str]) -> "Arm":
        """The arm with the SFT fit that one of `texts`, each `NAME=FILE+FILE`, gives it. Raises SettingsError."""
        own = [rest for name, _, rest in (text.partition("=") for text in texts) if name == self.name]
        if len(own) > 1:
            raise SettingsError(f"--sft-first names {self.name!r} twice; join its files: {'+'.join(own)}")
        return replace(self, sft_first=_files(own[0], f"--sft-first {self.name}={own[0]}")) if own else self


def _files(text: str, option: str) -> tuple[Path, ...]:
    """The files of `FILE+FILE`, some of which may have a plus in their name. Raises SettingsError."""
    files = (Path(text),) if Path(text).is_file() else tuple(Path(part) for part in text.split("+"))
    for file in files:
        if not file.is_file():
            raise SettingsError(f"{option}: there is no file {file}")
    return files


class Study(Protocol):
    """What the arms are variants of: a recipe, its data, and the model that it starts from.

    Plans name what is to be run and start nothing. The last phase of a start and of an arm grades its model on the test
    problems of the seed; the phases of an arm before it are its fits.
    """

    @property
    def n_test(self) -> int | None:
        """Test problems of a seed, the same for every arm; null where only their grading tells."""

    @property
    def by(self) -> Sequence[str]:
        """Columns of the test problems to break the results down by."""

    @property
    def same_test(self) -> bool:
        """Whether all seeds share their test problems."""

    @property
    def remedy(self) -> str:
        """How a setting is given to every arm, for messages."""

    @property
    def own_seeds(self) -> bool:
        """Whether an arm may change `seed_everything`, to measure what seeds alone change."""

    @property
    def prepared(self) -> str | None:
        """The phase of a start that writes its data, where `check` must wait for them."""

    @property
    def typical_s(self) -> Mapping[str, float]:
        """Typical seconds of every phase by name, for estimates."""

    @property
    def files(self) -> Sequence[Path]:
        """The configuration files of the recipe, which hold for every arm."""

    def start(self, seed: int, folder: Path) -> Plan:
        """Data and start model of a seed, which its arms share. Raises SettingsError."""

    def arm(self, arm: Arm, seed: int, folder: Path, start: Path) -> Plan:
        """The run of an arm in `folder`, from what is in the folder `start`."""

    def scoring(self, seed: int, folder: Path, start: Path) -> Plan:
        """Scores the data of a seed, in one phase."""

    def scores(self, start: Path) -> Path | None:
        """The file that `scoring` leaves and that arms with strata name; null where nothing is scored."""

    def check(self, arms: Sequence[Arm], start: Path) -> None:
        """Checks the data of a seed. Raises SettingsError."""


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """What an ablation is run with.

    Args:
        study: What is varied.
        run: Folder that everything is written to.
        seeds: Each decides data, order and sampling of one run of every arm.
        arms: The variants, `PLAIN` first.
        unequal: Names of the arms that may take other updates or completions than the plain recipe.
    """

    study: Study
    run: Path
    seeds: tuple[int, ...]
    arms: tuple[Arm, ...]
    unequal: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises SettingsError, naming setting, value and remedy."""
        if twice := [name for name, count in Counter(arm.name for arm in self.arms).items() if count > 1]:
            raise SettingsError(
                f"--with names {twice[0]!r} twice ({PLAIN!r} is always there); tell the arms apart: --with NAME=FILE"
            )
        if twice := [seed for seed, count in Counter(self.seeds).items() if count > 1]:
            raise SettingsError(f"--seeds names {twice[0]} twice, which would count its problems twice; name it once")
        if negative := [seed for seed in self.seeds if seed < 0]:
            raise SettingsError(f"--seeds {negative[0]} is negative; choose zero or more")
        names = [arm.name for arm in self.arms if arm.name != PLAIN]
        if unknown := [name for name in self.unequal if name not in names]:
            raise SettingsError(
                f"--unequal {unknown[0]}: no arm has that name; choose one of {', '.join(names) or '(there is none)'}"
            )
        for seed in self.seeds:
            self.start(seed)

    @classmethod
    def read(
        cls,
        study: Study,
        arms: Sequence[str],
        seeds: Sequence[int],
        run: str,
        sft_first: Sequence[str] = (),
        unequal: Sequence[str] = (),
    ) -> "Ablation":
        """An ablation from command line values. Raises SettingsError."""
        variants = [Arm.parse(text) for text in arms]
        for text in sft_first:
            if text.partition("=")[0] not in {arm.name for arm in variants}:
                raise SettingsError(
                    f"--sft-first {text}: no arm has that name; say NAME=FILE with the NAME of a --with"
                )
        return cls(
            study=study,
            run=Path(run),
            seeds=tuple(seeds),
            arms=(Arm(name=PLAIN), *(arm.with_sft_first(sft_first) for arm in variants)),
            unequal=tuple(unequal),
        )

    def folder(self, seed: int) -> Path:
        """Folder of the start of a seed, in which its arms are."""
        return self.run / f"seed{seed}"

    def start(self, seed: int) -> Plan:
        """The run whose data and model all arms of a seed share."""
        return self.study.start(seed, self.folder(seed))

    def arm(self, arm: Arm, seed: int) -> Plan:
        """The run of `arm` for a seed."""
        return self.study.arm(arm, seed, self.folder(seed) / "arms" / arm.name, self.folder(seed))

    def scoring(self, seed: int) -> Plan:
        """The run that scores the data of a seed, for arms that draw from strata."""
        return self.study.scoring(seed, self.folder(seed) / "scoring", self.folder(seed))

"""What is compared: arms, seeds, and the folder of every run. Names files and folders, starts nothing.

DIR/seed1/                  the trunk of seed 1: its data and the SFT model that all its arms start from
DIR/seed1/scoring/          the scores of its data, where an arm draws from strata
DIR/seed1/arms/plain/       GRPO by the recipe as it is, and its evaluation
DIR/seed1/arms/<name>/      the same with the overlays of an arm
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cogito_pl.quickstart.settings import Overlay, Settings, SettingsError

PLAIN = "plain"
"""The arm that adds nothing, which the others are compared with."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
"""Names that are folders everywhere."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A variant of the recipe.

    Args:
        name: In tables, and its folder.
        files: Overlays that it adds to the GRPO recipe, in the order in which they apply.
        imitates: Overlays of the SFT recipe, for a fit of its own that comes before GRPO; none where there are none.
    """

    name: str
    files: tuple[Path, ...] = ()
    imitates: tuple[Path, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Arm":
        """Reads `FILE`, `FILE+FILE` or `NAME=FILE+FILE`; without a name, the files' names are the arm's.

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

    def imitating(self, texts: Sequence[str]) -> "Arm":
        """The arm with the SFT fit that one of `texts`, each `NAME=FILE+FILE`, gives it. Raises SettingsError."""
        own = [rest for name, _, rest in (text.partition("=") for text in texts) if name == self.name]
        if len(own) > 1:
            raise SettingsError(f"--sft-first names {self.name!r} twice; join its files: {'+'.join(own)}")
        return replace(self, imitates=_files(own[0], f"--sft-first {self.name}={own[0]}")) if own else self


def _files(text: str, said: str) -> tuple[Path, ...]:
    """The files of `FILE+FILE`, some of which may have a plus in their name. Raises SettingsError."""
    files = (Path(text),) if Path(text).is_file() else tuple(Path(part) for part in text.split("+"))
    for file in files:
        if not file.is_file():
            raise SettingsError(f"{said}: there is no file {file}")
    return files


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """What an ablation is run with.

    Args:
        run: Folder that everything is written to.
        seeds: Each decides data, order and sampling of one run of every arm.
        arms: The variants, `PLAIN` first.
        n_test: Test problems of a seed, the same for every arm.
        config_dir: Folder of the recipes.
        overlays: Further configuration for all arms.
    """

    run: Path
    seeds: tuple[int, ...]
    arms: tuple[Arm, ...]
    n_test: int
    config_dir: Path
    overlays: tuple[Overlay, ...] = ()

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
        for seed in self.seeds:
            self.trunk(seed)

    @classmethod
    def read(
        cls,
        arms: list[str],
        seeds: list[int],
        run: str,
        n_test: int,
        config_dir: str,
        overlays: list[str],
        sft_first: Sequence[str] = (),
    ) -> "Ablation":
        """An ablation from command line values. Raises SettingsError."""
        variants = [Arm.parse(text) for text in arms]
        for text in sft_first:
            if text.partition("=")[0] not in {arm.name for arm in variants}:
                raise SettingsError(
                    f"--sft-first {text}: no arm has that name; say NAME=FILE with the NAME of a --with"
                )
        return cls(
            run=Path(run),
            seeds=tuple(seeds),
            arms=(Arm(name=PLAIN), *(arm.imitating(sft_first) for arm in variants)),
            n_test=n_test,
            config_dir=Path(config_dir),
            overlays=tuple(Overlay.parse(text) for text in overlays),
        )

    def trunk(self, seed: int) -> Settings:
        """The run that all arms of a seed branch off."""
        return Settings(
            seed=seed,
            run=self.run / f"seed{seed}",
            n_test=self.n_test,
            config_dir=self.config_dir,
            overlays=self.overlays,
        )

    def branch(self, arm: Arm, seed: int) -> Settings:
        """The run of `arm` for a seed."""
        trunk = self.trunk(seed)
        return Settings(
            seed=seed,
            run=trunk.run / "arms" / arm.name,
            n_test=self.n_test,
            config_dir=self.config_dir,
            overlays=(
                *self.overlays,
                *(Overlay(file=file, config="grpo") for file in arm.files),
                *(Overlay(file=file, config="sft") for file in arm.imitates),
            ),
            trunk=trunk.run,
            imitates=bool(arm.imitates),
        )

    def scoring(self, seed: int) -> Settings:
        """The run that scores the data of a seed, for arms that draw from strata."""
        trunk = self.trunk(seed)
        return replace(trunk, run=trunk.run / "scoring", trunk=trunk.run, scored=True)

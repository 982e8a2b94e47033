"""The quickstart's recipes and data as what the arms of an ablation are variants of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cogito_pl.experiments.ablation.arms import Arm
from cogito_pl.experiments.phases import Plan
from cogito_pl.quickstart.phases import TYPICAL_S, grpo_plan, scoring_plan, start_plan
from cogito_pl.quickstart.settings import Overlay, Settings


@dataclass(frozen=True, kw_only=True)
class QuickstartStudy:
    """A `cogito_pl.experiments.ablation.arms.Study`.

    Args:
        n_test: Test problems of a seed, the same for every arm.
        config_dir: Folder of the recipes.
        overlays: Further configuration for all arms.
    """

    n_test: int
    config_dir: Path
    overlays: tuple[Overlay, ...] = ()
    by = ("family", "difficulty")
    same_test = False
    remedy = "give it to every arm by --overlay grpo=FILE"
    prepared = None
    own_seeds = False

    @classmethod
    def read(cls, n_test: int, config_dir: str, overlays: list[str]) -> "QuickstartStudy":
        """A study from command line values. Raises SettingsError."""
        return cls(n_test=n_test, config_dir=Path(config_dir), overlays=tuple(Overlay.parse(text) for text in overlays))

    @property
    def typical_s(self) -> Mapping[str, float]:
        """Typical seconds of every phase by name."""
        return TYPICAL_S

    @property
    def files(self) -> list[Path]:
        """The GRPO recipe and what is added to it for every arm."""
        added = [overlay.file for overlay in self.overlays if overlay.adds_to("grpo")]
        return [self.config_dir / "grpo.yaml", *added]

    def start(self, seed: int, folder: Path) -> Plan:
        """Data and SFT model of a seed."""
        return start_plan(self._settings(seed, folder))

    def arm(self, arm: Arm, seed: int, folder: Path, start: Path) -> Plan:
        """GRPO with the files of `arm`, after an SFT fit where it has files for one."""
        own = [Overlay(file=file, config="grpo") for file in arm.files]
        own += [Overlay(file=file, config="sft") for file in arm.sft_first]
        return grpo_plan(self._settings(seed, folder, *own, parent=start, sft_first=bool(arm.sft_first)))

    def scoring(self, seed: int, folder: Path, start: Path) -> Plan:
        """Scores the training problems of a seed by PISM."""
        return scoring_plan(self._settings(seed, folder, parent=start, scored=True))

    def scores(self, start: Path) -> Path:
        """The file that `scoring` leaves."""
        return self._settings(0, start).scores

    def check(self, arms: Sequence[Arm], start: Path) -> None:
        """Nothing: the data are the playground's own."""

    def _settings(self, seed: int, run: Path, *overlays: Overlay, **changes: object) -> Settings:
        return Settings(
            seed=seed,
            run=run,
            n_test=self.n_test,
            config_dir=self.config_dir,
            overlays=(*self.overlays, *overlays),
            **changes,
        )

"""The phases of a quickstart: each is commands that a user could type, and an artefact that shows it is complete."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from cogito_pl.playground.parts import part_file
from cogito_pl.quickstart.settings import SCORE, Settings

MODELS = ("base", "sft", "grpo")
"""The models that are compared, in the order in which they are made."""
TITLES = {"base": "base", "sft": "SFT", "grpo": "GRPO"}
"""What the models are called where people read."""
PLAYGROUND, TRAIN = ("-m", "cogito_pl.playground"), ("train.py",)
"""The programs that are run."""
SCORED = 640
"""Problems of the part `train` that are scored, and learnt from by strata: the limit of strata.yaml."""
TYPICAL_S = {
    "data": 3,
    "score": 35,
    "sft": 35,
    "imitate": 6,
    "grpo": 42,
    "evaluate-base": 4,
    "evaluate-sft": 3,
    "evaluate-grpo": 4,
}
"""Seconds of each phase with the shipped recipes on one core: the time left is estimated from their ratios."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A step of the quickstart.

    Args:
        name: Its key in the record.
        title: What it does, for the terminal.
        program: What is run: `PLAYGROUND` or `TRAIN`.
        commands: Argument lists of the program, run one after the other.
        folder: Where its results are.
        artefact: File that exists once the phase is complete.
        overlay: Configuration that this phase adds to its recipe; empty where there is no recipe.
        overlay_file: Where the overlay is written; null where there is no recipe.
    """

    name: str
    title: str
    program: tuple[str, ...]
    commands: tuple[tuple[str, ...], ...]
    folder: Path
    artefact: Path
    overlay: dict
    overlay_file: Path | None = None

    def shown(self) -> list[str]:
        """The command lines, as one would type them."""
        return [shlex.join(["python", *self.program, *command]) for command in self.commands]

    def checkpoint(self) -> Path | None:
        """The newest checkpoint that an earlier start of this phase left, or None."""
        found = sorted(self.folder.glob("checkpoints/*.ckpt"), key=lambda path: path.stat().st_mtime)
        return found[-1] if found else None


def phases(settings: Settings) -> list[Phase]:
    """All phases of a quickstart in the order in which they run."""
    return [
        _data(settings),
        *([score_phase(settings)] if settings.scored else []),
        _sft(settings),
        _grpo(settings, settings.sft),
        _evaluate(settings, "base", None),
        _evaluate(settings, "sft", settings.sft),
        _evaluate(settings, "grpo", settings.grpo),
    ]


def trunk_phases(settings: Settings) -> list[Phase]:
    """What all runs that branch off `settings.run` share: the data and the model that they start from, graded."""
    return [_data(settings), _sft(settings), _evaluate(settings, "sft", settings.sft)]


def branch_phases(settings: Settings) -> list[Phase]:
    """GRPO from the model of `settings.trunk`, graded; where the run imitates, from what that makes of the model."""
    title = "SFT: imitate solutions of problems chosen"
    first = [fit_phase(settings, "imitate", title, "sft", settings.sft, "train")] if settings.imitates else []
    start = first[0].folder / "export" if first else settings.sft
    return [*first, _grpo(settings, start), _evaluate(settings, "grpo", settings.grpo)]


def evaluation_folder(run: Path, model: str) -> Path:
    """Where the graded completions of `model` are."""
    return run / "evaluate" / model


def _data(settings: Settings) -> Phase:
    folder, counts = settings.data, settings.counts
    return Phase(
        name="data",
        title=f"Data: draw {sum(counts.values()):,} problems",
        program=PLAYGROUND,
        commands=tuple(
            ("write", "--out", str(folder), "--part", part, "--count", str(count), "--seed", str(settings.seed))
            for part, count in counts.items()
        ),
        folder=folder,
        artefact=part_file(folder, "test"),
        overlay={},
    )


def _sft(settings: Settings) -> Phase:
    return fit_phase(settings, "sft", "SFT: imitate written solutions", "sft", None, "sft")


def score_phase(settings: Settings) -> Phase:
    """Scores the part `train` by PISM, with the base."""
    folder, name = settings.scores.parent, "score"
    overlay = _overlay(settings, folder, "score", None)
    writer = {"class_path": "callbacks.DifficultyWriter", "init_args": {"path": str(settings.scores)}}
    overlay["trainer"] |= {"logger": False, "callbacks": [writer]}
    del overlay["trainer"]["callbacks+"]
    return Phase(
        name=name,
        title="Score: how much of each picture can be hidden until the base fails",
        program=TRAIN,
        commands=(_command(settings, "predict", SCORE, name),),
        folder=folder,
        artefact=settings.scores,
        overlay=overlay | {"data": {"predict": [_source(settings.data, "train") | {"limit": SCORED}]}},
        overlay_file=_overlay_file(settings, name),
    )


def _grpo(settings: Settings, start: Path) -> Phase:
    return fit_phase(settings, "grpo", "GRPO: reinforce what earns reward", "grpo", start, "train")


def _evaluate(settings: Settings, model: str, start: Path | None) -> Phase:
    title = f"Evaluate {TITLES[model]} on {settings.n_test:,} new problems"
    return evaluate_phase(settings, model, title, start, settings.data)


def fit_phase(settings: Settings, name: str, title: str, recipe: str, start: Path | None, part: str) -> Phase:
    """A fit of `recipe`, from the model `start` or the recipe's own, on a part of the run's data."""
    folder = settings.run / name
    data = {"train": [_source(settings.data, part)], "validation": [_source(settings.data, "validation")]}
    return Phase(
        name=name,
        title=title,
        program=TRAIN,
        commands=(_command(settings, "fit", recipe, name),),
        folder=folder,
        artefact=folder / "export" / "config.json",
        overlay=_overlay(settings, folder, TITLES[recipe], start) | {"data": data},
        overlay_file=_overlay_file(settings, name),
    )


def evaluate_phase(settings: Settings, model: str, title: str, start: Path | None, data: Path) -> Phase:
    """Grades the model `start`, or the recipe's own, on the test part of `data`."""
    name, folder = f"evaluate-{model}", evaluation_folder(settings.run, model)
    overlay = _overlay(settings, folder, "test", start)
    return Phase(
        name=name,
        title=title,
        program=TRAIN,
        commands=(_command(settings, "validate", "evaluate", name),),
        folder=folder,
        artefact=folder / "validation.rank0.jsonl",
        overlay=overlay | {"data": {"validation": [_source(data, "test")]}, "verbose": False},
        overlay_file=_overlay_file(settings, name),
    )


def _overlay(settings: Settings, folder: Path, label: str, start: Path | None) -> dict:
    board = {"save_dir": str(folder), "name": "", "version": ""}  # no version folders: the paths stay the same
    trainer = {
        "default_root_dir": str(folder),
        "logger": {"class_path": "lightning.pytorch.loggers.TensorBoardLogger", "init_args": board},
        "enable_model_summary": False,
        "callbacks+": [{"class_path": "cogito_pl.quickstart.bar.PhaseBar", "init_args": {"label": label}}],
    }
    model = {"model": {"init_args": {"policy": {"init_from": str(start)}}}} if start else {}
    return {"seed_everything": settings.seed, "trainer": trainer} | model


def _source(data: Path, part: str) -> dict:
    return {"path": str(data), "name": part, "subset": part, "split": part}


def _command(settings: Settings, subcommand: str, config: str, name: str) -> tuple[str, ...]:
    files = [settings.config(config), _overlay_file(settings, name), *settings.overlays_of(config)]
    return (subcommand, *(word for file in files for word in ("--config", str(file))))


def _overlay_file(settings: Settings, name: str) -> Path:
    return settings.run / "config" / f"{name}.yaml"

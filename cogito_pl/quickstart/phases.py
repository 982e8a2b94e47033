"""The phases of a quickstart and of runs that start from its models; each is command lines that a user could type."""

from pathlib import Path

from cogito_pl.experiments.phases import TRAIN, Phase, Plan
from cogito_pl.playground.parts import part_file
from cogito_pl.quickstart.settings import SCORE, Settings

MODELS = ("base", "sft", "grpo")
"""The models that are compared, in the order in which they are trained."""
TITLES = {"base": "base", "sft": "SFT", "grpo": "GRPO"}
"""Titles of the models in tables and figures."""
PLAYGROUND = ("-m", "cogito_pl.playground")
"""The program that writes data."""
LOG = "quickstart.log"
"""File in the folder of a run that gets warnings and log messages of the libraries."""
SCORED = 640
"""Problems of the part `train` that are scored, and trained on by strata: the limit of strata.yaml."""
TYPICAL_S = {
    "data": 3,
    "score": 35,
    "sft": 35,
    "sft-first": 6,
    "grpo": 42,
    "evaluate-base": 4,
    "evaluate-sft": 3,
    "evaluate-grpo": 4,
}
"""Seconds of each phase with the shipped recipes on one core; the time left is estimated from their ratios."""


def quickstart_plan(settings: Settings) -> Plan:
    """The whole quickstart."""
    phases = (
        _data(settings),
        *([_score(settings)] if settings.scored else []),
        _sft(settings),
        _grpo(settings, settings.sft),
        _evaluate(settings, "base", None),
        _evaluate(settings, "sft", settings.sft),
        _evaluate(settings, "grpo", settings.grpo),
    )
    return _plan(settings, phases, settings.recipes)


def start_plan(settings: Settings) -> Plan:
    """What all arms of an ablation share: the data and the SFT model that they start from, graded."""
    phases = (_data(settings), _sft(settings), _evaluate(settings, "sft", settings.sft))
    return _plan(settings, phases, ("sft", "evaluate"))


def grpo_plan(settings: Settings) -> Plan:
    """GRPO from the SFT model of `settings.parent`, graded; with `settings.sft_first`, a further SFT fit before it."""
    title = "SFT on solutions of chosen problems"
    first = [fit_phase(settings, "sft-first", title, "sft", settings.sft, "train")] if settings.sft_first else []
    start = first[0].folder / "export" if first else settings.sft
    phases = (*first, _grpo(settings, start), _evaluate(settings, "grpo", settings.grpo))
    return _plan(settings, phases, (*(["sft"] if first else []), "grpo", "evaluate"))


def scoring_plan(settings: Settings) -> Plan:
    """Scores the data of `settings.parent`."""
    return _plan(settings, (_score(settings),), (SCORE,))


def _plan(settings: Settings, phases: tuple[Phase, ...], recipes: tuple[str, ...]) -> Plan:
    return Plan(folder=settings.run, phases=phases, fingerprint=settings.fingerprint(recipes), log=settings.run / LOG)


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
    return fit_phase(settings, "sft", "SFT: fine-tune on written solutions", "sft", None, "sft")


def _score(settings: Settings) -> Phase:
    """Scores the part `train` by PISM with the base model."""
    folder, name = settings.scores.parent, "score"
    overlay = _overlay(settings, folder, "score", None)
    writer = {"class_path": "callbacks.DifficultyWriter", "init_args": {"path": str(settings.scores)}}
    overlay["trainer"] |= {"logger": False, "callbacks": [writer]}
    del overlay["trainer"]["callbacks+"]
    return Phase(
        name=name,
        title="Score: difficulty for the base, by masking images (PISM)",
        program=TRAIN,
        commands=(_command(settings, "predict", SCORE, name),),
        folder=folder,
        artefact=settings.scores,
        overlay=overlay | {"data": {"predict": [_source(settings.data, "train") | {"limit": SCORED}]}},
        overlay_file=_overlay_file(settings, name),
    )


def _grpo(settings: Settings, start: Path) -> Phase:
    return fit_phase(settings, "grpo", "GRPO: reinforcement learning from verified answers", "grpo", start, "train")


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
    board = {
        "save_dir": str(folder),
        "name": "",
        "version": "",
    }  # no version folders: a restart logs to the same
    trainer = {
        "default_root_dir": str(folder),
        "logger": {"class_path": "lightning.pytorch.loggers.TensorBoardLogger", "init_args": board},
        "enable_model_summary": False,
        "callbacks+": [{"class_path": "cogito_pl.experiments.bar.PhaseBar", "init_args": {"label": label}}],
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

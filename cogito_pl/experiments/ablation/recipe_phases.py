"""The phases of a study of a recipe: data of a seed, a fit, a grading; each from a complete configuration."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cogito_pl.experiments.ablation.sources import source_of
from cogito_pl.experiments.graded import GREEDY
from cogito_pl.experiments.phases import SHELL, TRAIN, Phase
from cogito_pl.seeds import stable_seed

FOLDER, SEED = "{folder}", "{seed}"
"""What preparing commands say for the folder of a seed's data and for the seed."""
EXPORT = "callbacks.HFExport"


def data_phase(commands: Sequence[str], seed: int, folder: Path) -> Phase:
    """Runs the command lines that write the data of a seed to `folder`."""
    values = {FOLDER: str(folder), SEED: str(seed)}
    return Phase(
        name="data",
        title="Data: prepare those of the seed",
        program=SHELL,
        commands=tuple(tuple(filled(word, values) for word in shlex.split(command)) for command in commands),
        folder=folder,
        artefact=folder,
        overlay={},
    )


def fit_phase(
    name: str, files: Sequence[Path], config: dict[str, Any], seed: int, run: Path, model: Path | None = None
) -> Phase:
    """A fit that exports its model, and logs to its own folder.

    Args:
        name: Of the phase, and of its folder in `run`.
        files: What the configuration was made of, for the title.
        config: Complete; changed in place.
        seed: Of the run.
        run: Folder of the run.
        model: What it starts from; the recipe's own when null.
    """
    folder = run / name
    given = config["trainer"]["callbacks"] or []
    kept = [own for own in (given if isinstance(given, list) else [given]) if own["class_path"] != EXPORT]
    export = {"class_path": EXPORT, "init_args": {"path": str(folder / "export")}}
    board = {"save_dir": str(folder), "name": "", "version": ""}  # no version folders: a restart logs to the same
    logger = {"class_path": "lightning.pytorch.loggers.TensorBoardLogger", "init_args": board}
    config["trainer"] |= {"logger": logger, "callbacks": [*kept, export, bar(name)]}
    title = f"Fit: {' + '.join(file.name for file in files)}"
    return train_phase(name, title, config, seed, run, model, folder / "export" / "config.json", [("fit",)])


def score_name(file: Path) -> str:
    """Name of the phase that scores data by the recipe `file`, and of its folder."""
    return f"score-{file.stem}"


def score_phase(file: Path, config: dict[str, Any], seed: int, run: Path, model: Path | None, scores: Path) -> Phase:
    """Scores data of a seed by a model; `config` is that of the recipe `file`, and `scores` what it writes."""
    name = score_name(file)
    config["trainer"] |= {"logger": False, "callbacks": [*config["trainer"]["callbacks"], bar(name)]}
    return train_phase(name, f"Score: {file.name}", config, seed, run, model, scores, [("predict",)])


def evaluate_phase(
    config: dict[str, Any], samples: int, seed: int, run: Path, model: Path | None, *, images: int = 0
) -> Phase:
    """Grades a model: greedy completions, and samples at temperature 1, with equal seeds for all models of a seed.

    One validation has both: every source of the test twice, where there are samples.

    Args:
        config: Complete, with the test problems as `data.validation`; changed in place.
        samples: Completions per problem, beside the greedy one.
        seed: Of the ablation.
        run: Folder of the run.
        model: What is graded; the recipe's own when null.
        images: Problems whose images are kept.
    """
    folder = run / "evaluate"
    table = {"class_path": "callbacks.RolloutTable", "init_args": {"images": 0, "image_files": images}}
    config["trainer"] |= {"logger": False, "callbacks": [table, bar("test")]}
    config["data"]["train"] = []
    config["model"]["init_args"]["evaluation"]["temperature"] = 0.0
    sampled = [
        source | {"samples": samples, "sampling": dict(source["sampling"]) | {"temperature": 1.0}}
        for source in config["data"]["validation"]
        if samples
    ]
    greedy = [source | {"name": source_of(source).label + GREEDY} for source in config["data"]["validation"]]
    config["data"]["validation"] = sampled + greedy
    title = f"Evaluate: greedy and {samples} samples at temperature 1"
    artefact = folder / "validation.rank0.jsonl"
    words = ("validate", "--verbose", "false")
    return train_phase("evaluate", title, config, stable_seed("test", seed, bits=31), run, model, artefact, [words])


def train_phase(
    name: str,
    title: str,
    config: dict[str, Any],
    seed: int,
    run: Path,
    model: Path | None,
    artefact: Path,
    words: Sequence[tuple[str, ...]],
) -> Phase:
    """Commands of `train.py`, each a subcommand with further options, with one configuration file."""
    file = run / "config" / f"{name}.yaml"
    config["seed_everything"] = seed
    config["trainer"] |= {"default_root_dir": str(run / name), "enable_model_summary": False}
    if model:
        config["model"]["init_args"]["policy"]["init_from"] = str(model)
    return Phase(
        name=name,
        title=title,
        program=TRAIN,
        commands=tuple((command, "--config", str(file), *further) for command, *further in words),
        folder=run / name,
        artefact=artefact,
        overlay=config,
        overlay_file=file,
        whole=True,
    )


def bar(label: str) -> dict[str, Any]:
    """The setting of the progress bar of a phase."""
    return {"class_path": "cogito_pl.experiments.bar.PhaseBar", "init_args": {"label": label}}


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

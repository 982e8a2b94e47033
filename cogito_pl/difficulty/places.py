"""Where the scores and the trials of a source lie beside its data: names that can be read, and found again."""

import json
import re
from collections.abc import Mapping
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

from cogito_pl.data.source import Source
from cogito_pl.difficulty.identity import response_settings
from cogito_pl.difficulty.scorer import Scorer
from cogito_pl.seeds import digest

HIDDEN_FOLDER = ".scores"
"""Beside the data; its name is hidden, since Parquet files in a folder `scores` would be read as data."""
LONGEST = 120
"""Characters of the part of a name that is for the reader."""


def fingerprint(settings: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits that change with any of the settings."""
    return digest(json.dumps(settings, sort_keys=True))[:8]


def score_file(source: Source, scorer: Scorer, trial_settings: Mapping[str, Any], model: str = "") -> Path:
    """Where the scores of a source lie without another path: `.scores/<split>-<scorer>-...-<fingerprint>.parquet`.

    Between scorer and fingerprint are, for the reader, the model, the settings of the scorer that are not the defaults,
    temperature and seed. The fingerprint alone decides which file it is, whatever the model is called.
    """
    settings = {"scorer": scorer.settings(), "trials": trial_settings}
    words = [model_name(model), *changed(scorer), *sampled(trial_settings), fingerprint(settings)]
    return _beside(source, scorer, words, ".parquet")


def trial_folder(source: Source, scorer: Scorer, trial_settings: Mapping[str, Any], model: str = "") -> Path:
    """Where the trials of a source lie: the same folder for all thresholds and verifiers, another for another model."""
    words = [model_name(model), *sampled(trial_settings), fingerprint(response_settings(trial_settings))]
    return _beside(source, scorer, words, ".trials")


def model_name(model: str) -> str:
    """The last two parts of a path or a Hub id: `playground-base`, `version_0-export`."""
    return "-".join(Path(model).parts[-2:]).strip("/")


def changed(scorer: Scorer) -> list[str]:
    """The settings of a scorer that are not its defaults, as `repeats=4`; none where some have no default."""
    parameters = list(signature(type(scorer).__init__).parameters.values())[1:]
    if any(p.default is Parameter.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        return []
    return _words(scorer.settings(), type(scorer)().settings())


def sampled(trial_settings: Mapping[str, Any]) -> list[str]:
    """Temperature and seed of the trials, as words."""
    return [f"temperature={trial_settings['sampling']['temperature']:g}", f"seed={trial_settings['seed']}"]


def _words(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    words = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            words += _words(value, defaults.get(name) or {})
        elif value != defaults.get(name):
            shown = "_".join(map(str, value)) if isinstance(value, list | tuple) else value
            words.append(f"{name}={shown}")
    return words


def _beside(source: Source, scorer: Scorer, words: list[str], suffix: str) -> Path:
    """The place with the fingerprint, the last of `words`, under whatever name there is one; else named by `words`."""
    path = Path(source.path)
    if path.is_dir():
        part = source.split if source.subset in (None, source.split) else f"{source.subset}-{source.split}"
        folder = path / HIDDEN_FOLDER
    else:
        part, folder = path.stem, path.parent / HIDDEN_FOLDER
    start, end = f"{part}-{scorer.name}-", f"{words[-1]}{suffix}"
    there = [p for p in sorted(folder.glob(f"*{end}")) if p.name.startswith(start)]
    shown = re.sub(r"[^\w.=-]+", "_", "-".join(filter(None, words[:-1])))[:LONGEST]
    return there[0] if there else folder / f"{start}{shown}-{end}"

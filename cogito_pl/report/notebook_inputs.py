"""What a notebook shows: its own default, or the run, the data and the model that environment variables name.

`COGITO_RUN` is the folder of a run of `train.py` (with its `config.yaml`), or a folder of trials that a scoring left.
`COGITO_DATA` is a data source as in a recipe: a path, `{path: data.jsonl, kind: number}`, or a YAML file that holds the
latter. `COGITO_MODEL` is a model folder. Data and model come before those of the run.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from jsonargparse import ArgumentParser

from cogito_pl.data.reading.reader import read_source
from cogito_pl.data.source import Source
from cogito_pl.difficulty import CMAB, Scorer
from cogito_pl.difficulty.identity import trial_settings, weights_digest
from cogito_pl.difficulty.places import trial_folder
from cogito_pl.difficulty.trials import SETTINGS
from cogito_pl.policy import Policy, PolicyConfig, PromptEncoder, SamplingConfig
from cogito_pl.problem import Problem
from cogito_pl.rewards import Reward, RewardConfig

T = TypeVar("T")
DATA_FILES = (".parquet", ".jsonl", ".json")
RUN, DATA, MODEL = "COGITO_RUN", "COGITO_DATA", "COGITO_MODEL"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a notebook shows.

    Args:
        policy: The model and its prompt.
        reward: How responses are graded.
        sampling: How responses are sampled.
        seed: Of samples.
        source: The data; None for the notebook's own problems.
        scorer: That of a scoring run.
        trials: A folder of trials.
    """

    policy: PolicyConfig
    reward: RewardConfig
    sampling: SamplingConfig
    seed: int = 0
    source: Source | None = None
    scorer: Scorer | None = None
    trials: Path | None = None


def own_inputs(default: Inputs, environment: Mapping[str, str]) -> Inputs:
    """The default, or what the variables name.

    Raises:
        FileNotFoundError: A variable names a path that does not exist.
        ValueError: What a variable names cannot be used; the message names the variable and the remedy.
    """
    found = default
    if run := environment.get(RUN):
        found = _of_trials(default, Path(run)) if (Path(run) / SETTINGS).is_file() else _of_run(default, Path(run))
    if data := environment.get(DATA):
        found = replace(found, source=own_source(data))
    if model := environment.get(MODEL):
        if not (Path(model) / "config.json").is_file():
            raise FileNotFoundError(f"{MODEL}={model} is no model folder: it has no config.json")
        found = replace(found, policy=replace(found.policy, name=model, init_from=None))
    return found


def own_source(text: str) -> Source:
    """The source that the text describes: a path to data, a mapping, or a YAML file with a mapping.

    Raises:
        FileNotFoundError: A path that does not exist.
        ValueError: The mapping is no source.
    """
    path = Path(text)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        text = path.read_text(encoding="utf-8")
    value = yaml.safe_load(text)
    if isinstance(value, str):
        if not path.exists():
            raise FileNotFoundError(f"{DATA}={text} does not exist; name a folder or a {', '.join(DATA_FILES)} file")
        value = {"path": value}
    return typed(Source, value, DATA)


def read_problems(inputs: Inputs, encoder: PromptEncoder, reward: Reward, limit: int) -> list[Problem]:
    """The usable problems among the first `limit` rows of the source."""

    def rejection(problem: Problem) -> str | None:
        return reward.rejection(problem) or encoder.rejection(problem)

    return read_source(replace(inputs.source, limit=min(limit, inputs.source.limit or limit)), check=rejection).problems


def trials_of(inputs: Inputs, policy: Policy, reward: Reward) -> Path | None:
    """The trials of CMAB that COGITO_RUN names, or that its run left beside the data; None where there are none."""
    if inputs.scorer is not None and not isinstance(inputs.scorer, CMAB):
        return None
    if inputs.trials is not None or inputs.scorer is None:
        return inputs.trials
    weights = weights_digest(policy.model)
    asked = (policy.encoder, weights, inputs.scorer, inputs.sampling, reward.grading_settings(), inputs.seed)
    folder = trial_folder(inputs.source, inputs.scorer, trial_settings(*asked))
    return folder if folder.is_dir() else None


def _of_trials(default: Inputs, folder: Path) -> Inputs:
    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    prompt = {name: settings[name] for name in ("system_prompt", "instruction", "dtype")}
    return replace(
        default,
        policy=replace(default.policy, **prompt),
        sampling=SamplingConfig(**settings["sampling"]),
        seed=settings["seed"],
        trials=folder,
    )


def _of_run(default: Inputs, folder: Path) -> Inputs:
    file = folder / "config.yaml"
    if not file.is_file():
        raise FileNotFoundError(
            f"{RUN}={folder} is no run of train.py, which has a config.yaml, nor a folder of trials, which has a "
            f"{SETTINGS}; name the folder that holds either"
        )
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    own, data = config["model"]["init_args"], config["data"]
    policy = typed(PolicyConfig, own["policy"], f"{file}: policy")
    scorer = typed(Scorer, own["scorer"], f"{file}: scorer") if "scorer" in own else None
    if scorer is None:
        if not (folder / "export").is_dir():
            raise ValueError(
                f"{RUN}={folder} has no export of its weights; train with callbacks.HFExport, or name a scoring run"
            )
        policy = replace(policy, init_from=str(folder / "export"))
    sources = data["predict"] or data["validation"] or data["train"]
    sampling = own.get("evaluation") or own.get("sampling")
    return replace(
        default,
        policy=policy,
        reward=typed(RewardConfig, own["reward"], f"{file}: reward") if own.get("reward") else default.reward,
        sampling=typed(SamplingConfig, sampling, f"{file}: sampling") if sampling else default.sampling,
        seed=config.get("seed_everything", default.seed),
        source=typed(Source, sources[0], f"{file}: data") if sources else None,
        scorer=scorer,
        trials=_written_trials(config["trainer"].get("callbacks") or ()),
    )


def _written_trials(callbacks: list[dict[str, Any]]) -> Path | None:
    """The folder of trials beside the file of scores that `callbacks.DifficultyWriter` was told to write."""
    for callback in callbacks:
        path = callback.get("init_args", {}).get("path")
        if callback["class_path"] == "callbacks.DifficultyWriter" and path:
            return Path(path).with_suffix(".trials")
    return None


def typed(kind: type[T], value: Any, where: str) -> T:
    """An object of a configuration class from plain values, as the command line makes it.

    Raises:
        ValueError: The values do not fit; the message begins with `where`.
    """
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--value", type=kind)
    try:
        return parser.instantiate(parser.parse_object({"value": value})).value
    except Exception as error:
        raise ValueError(f"{where}: {error}") from error

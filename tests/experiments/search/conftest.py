import copy
from pathlib import Path
from types import SimpleNamespace

import optuna
import pytest
import yaml
from lightning.pytorch.trainer.states import TrainerFn
from rich.console import Console

from cogito_pl.experiments import phases as running
from cogito_pl.experiments.ablation import recipe as recipes
from cogito_pl.experiments.ablation.arms import Arm
from cogito_pl.experiments.ablation.recipe import RecipeStudy
from cogito_pl.experiments.search import trials as module
from cogito_pl.experiments.search.drive import run_search
from cogito_pl.experiments.search.options import SearchOptions
from cogito_pl.experiments.search.pruning import Pruning
from cogito_pl.experiments.search.search import PRUNING, Search
from cogito_pl.experiments.search.space import read_space
from tests.experiments.ablation.test_fairness import config as sized

UPDATES = 8
SPACE = {
    "model.optimizer.lr": {"low": 1.0e-5, "high": 1.0e-2, "log": True},
    "sizes": {
        "choices": {
            "8 x 4": {"model.schedule.prompts": 8, "model.schedule.group_size": 4},
            "4 x 8": {"model.schedule.prompts": 4, "model.schedule.group_size": 8},
        }
    },
}


HELD = [{"path": "held", "columns": {}, "samples": 1, "sampling": {}}]
"""Problems to validate on."""


def complete() -> dict:
    """A configuration that is complete enough: 8 updates on 32 completions each."""
    config = sized(max_epochs=4, rollouts_per_epoch=2, prompts=8, group_size=4, micro_batch=1, updates=1)
    config["model"]["class_path"] = "cogito_pl.modules.GRPOModule"
    config["trainer"]["callbacks"] = None
    config["data"] |= {"train": [{"path": "train"}], "validation": HELD, "strata": None}
    optimizer = {"class_path": "torch.optim.AdamW", "init_args": {"lr": 1.0e-4, "betas": [0.9, 0.99]}}
    config["model"]["init_args"] |= {"optimizer": optimizer, "policy": {}, "evaluation": {"temperature": 1.0}}
    return config


def merged(config, overlay):
    """A stand-in for the parser: overlays replace what they name, and `callbacks+` adds."""
    for name, value in overlay.items():
        if name.endswith("+"):
            config[name[:-1]] = [*(config[name[:-1]] or []), *value]
        elif isinstance(value, dict) and isinstance(config.get(name), dict):
            merged(config[name], value)
        else:
            config[name] = value
    return config


@pytest.fixture
def in_memory(monkeypatch):
    """Keeps trials in memory, which is faster, for as long as the test lasts; the file is there and empty."""
    made = {}

    def storage(file):
        file.touch()
        key = str(file.absolute()).removesuffix(".partial")
        return made.setdefault(key, optuna.storages.InMemoryStorage())

    monkeypatch.setattr(module, "storage", storage)


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """A recipe whose files are merged without the parser, which refuses a learning rate above 1."""

    def resolved(files):
        config = complete()
        for file in files:
            merged(config, yaml.safe_load(file.read_text()) or {})
        if config["model"]["init_args"]["optimizer"]["init_args"]["lr"] > 1:
            raise ValueError("lr is too large")
        return copy.deepcopy(config)

    monkeypatch.setattr(recipes, "resolved", resolved)
    monkeypatch.setattr(recipes, "check_sources", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text("{}")
    return Path("r.yaml")


@pytest.fixture
def make_search(recipe):
    """A search on the recipe, in a folder of the test's own."""

    def make(space=SPACE, run="out", arm=None, prepare=(), start=(), **options):
        given = {"trials": 6, "startup": 2, "space": read_space(space, "my.yaml"), **options}
        data = {"prepare": tuple(prepare), "data": "train" if prepare else ""}
        study = RecipeStudy(recipe=(recipe,), start_recipe=tuple(start), **data)
        folders = {"run": Path(run), "starts": Path(run)}
        return Search(study=study, arm=arm or Arm(name="plain"), options=SearchOptions(**given), **folders)

    return make


class Pretender:
    """Runs no command: notes whose fit it is, and validates as a fit does, every second update."""

    def __init__(self):
        self.ran, self.errors, self.events = [], {}, 0
        self.stop_at = None
        self.curve = lambda lr, step, seed: step * lr + seed * 1e-3

    def event(self):
        """A moment at which the process may be killed."""
        self.events += 1
        if self.events == self.stop_at:
            raise KeyboardInterrupt

    def __call__(self, phase, arguments):
        *_, trial, seed, _ = phase.folder.parts
        self.ran.append(f"{trial} {seed}")
        if (key := self.ran[-1]) in self.errors:
            raise self.errors[key]
        if not phase.overlay:  # data
            phase.artefact.mkdir(parents=True)
            return
        listed = phase.overlay["trainer"]["callbacks"]
        given = [own["init_args"] for own in listed if own["class_path"] == PRUNING]
        if given:
            self.fit(phase, *given)
        phase.artefact.parent.mkdir(parents=True, exist_ok=True)
        phase.artefact.write_text("{}")
        (phase.folder / "checkpoints").mkdir(exist_ok=True)
        self.event()

    def fit(self, phase, given):
        callback, trainer = Pruning(**given), pretend_trainer()
        callback.on_train_start(trainer, None)
        rate = phase.overlay["model"]["init_args"]["optimizer"]["init_args"]["lr"]
        for step in range(0, UPDATES + 1, 2):
            if trainer.should_stop:
                return
            trainer.global_step = step
            trainer.callback_metrics = {"val/accuracy": self.curve(rate, step, phase.overlay["seed_everything"])}
            callback.on_validation_end(trainer, None)
            self.event()


def pretend_trainer():
    strategy = SimpleNamespace(broadcast=lambda value: value)
    state = SimpleNamespace(fn=TrainerFn.FITTING)
    return SimpleNamespace(state=state, strategy=strategy, is_global_zero=True, global_step=0, should_stop=False)


@pytest.fixture
def pretend(monkeypatch, in_memory):
    pretender = Pretender()
    monkeypatch.setattr(running, "run_command", pretender)
    return pretender


@pytest.fixture
def go():
    """Runs a search without a terminal."""
    return lambda search: run_search(search, Console(quiet=True))

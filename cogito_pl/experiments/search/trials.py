"""The trials of a search in a SQLite file of Optuna: what is drawn, what was reported, what came of it.

What is drawn depends on the finished trials, the sampler's seed and the number of the trial alone, and what is pruned
on what was reported: a search that was killed goes on as if nothing had happened.
"""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import URL

from cogito_pl.experiments.search.options import SearchOptions
from cogito_pl.experiments.search.space import Choices, Range
from cogito_pl.files import atomic
from cogito_pl.seeds import stable_seed

FILE = "search.sqlite3"
NAME, SETTINGS = "search", "search"
"""Name of the one study in a file, and of its attribute with what the search was asked for."""
COST = "cost"
PATIENCE_S = 60
"""Seconds to wait for somebody else who uses the file, such as a dashboard."""

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Trials:
    """The trials in a file that `create` made.

    Args:
        file: The SQLite file.
    """

    def __init__(self, file: Path) -> None:
        # The sampler draws nothing here: `draw` does, from a copy.
        self.study = optuna.load_study(study_name=NAME, storage=storage(file), sampler=optuna.samplers.RandomSampler())
        self.settings: dict[str, Any] = self.study.user_attrs[SETTINGS]

    def all(self) -> list[FrozenTrial]:
        """All trials in order; one that is not finished is running, or was when the search was stopped."""
        return self.study.get_trials(deepcopy=False)

    def begin(self, params: Mapping[str, Any], distributions: dict[str, BaseDistribution]) -> int:
        """Adds a trial with its settings, whole or not at all, and returns its number."""
        running = optuna.create_trial(state=TrialState.RUNNING, params=dict(params), distributions=distributions)
        self.study.add_trial(running)
        return len(self.all()) - 1

    def report(self, number: int, step: int, value: float) -> None:
        """Notes the metric of a running trial after `step` updates; what was reported before stays."""
        trial = self.all()[number]
        if step not in trial.intermediate_values:
            optuna.Trial(self.study, trial._trial_id).report(value, step)

    def pruned(self, number: int) -> bool:
        """Whether the median pruner stops a trial at its last report, unless that is its end."""
        trial = self.all()[number]
        if trial.last_step is None or trial.last_step >= self.settings["updates"] * len(self.settings["seeds"]):
            return False
        return bool(optuna.pruners.MedianPruner(n_startup_trials=self.settings["startup"]).prune(self.study, trial))

    def value(self, number: int) -> float | None:
        """The mean over seeds of the last value that each fit reported; null where one reported none."""
        reported, size = self.all()[number].intermediate_values, self.settings["updates"]
        last = [
            [reported[step] for step in sorted(reported) if place * size < step <= (place + 1) * size][-1:]
            for place in range(len(self.settings["seeds"]))
        ]
        return fmean(value for (value,) in last) if all(last) else None

    def finish(self, number: int, value: float | None, cost: Mapping[str, float]) -> None:
        """Ends a trial with its value, or as pruned where there is none."""
        optuna.Trial(self.study, self.all()[number]._trial_id).set_user_attr(COST, dict(cost))
        self.study.tell(number, value, state=TrialState.PRUNED if value is None else TrialState.COMPLETE)

    def best(self) -> FrozenTrial | None:
        """The complete trial with the best value, the first of equal ones; null where none is complete."""
        complete = [trial for trial in self.all() if trial.state == TrialState.COMPLETE]
        sign = 1 if self.settings["direction"] == "maximize" else -1
        return max(complete, key=lambda trial: sign * trial.value, default=None)

    def importances(self) -> dict[str, float]:
        """By part of the space, its share of what sets the best tenth of the complete trials apart (PED-ANOVA).

        Empty where fewer than two of them would be the best tenth, or their values do not differ.
        """
        complete = [trial for trial in self.all() if trial.state == TrialState.COMPLETE]
        if len(complete) < LEAST or len({trial.value for trial in complete}) < 2:
            return {}
        return optuna.importance.get_param_importances(self.study)


LEAST = 20


def storage(file: Path) -> optuna.storages.RDBStorage:
    """The storage in a SQLite file."""
    url = URL.create("sqlite", database=str(file.absolute())).render_as_string()
    return optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": {"timeout": PATIENCE_S}})


def create(file: Path, settings: Mapping[str, Any]) -> None:
    """Makes the file of a search, whole or not at all.

    Args:
        file: The SQLite file.
        settings: What the search was asked for: `SearchOptions.fingerprint`, and the `updates` of a fit.
    """
    for left in leftovers(file):
        left.unlink()
    with atomic(file) as draft:
        made = storage(draft)
        study = optuna.create_study(study_name=NAME, storage=made, direction=settings["direction"])
        study.set_user_attr(SETTINGS, dict(settings))
        made.remove_session()


def leftovers(file: Path) -> set[Path]:
    """What a kill inside of `create` left: the draft, and the journal that SQLite keeps beside it."""
    return set(file.parent.glob(f"{FILE}.partial*")) if file.parent.is_dir() else set()


def distributions(options: SearchOptions) -> dict[str, BaseDistribution]:
    """What Optuna draws from; alternatives by their names."""

    def of(part: Range | Choices) -> BaseDistribution:
        if isinstance(part, Choices):
            return CategoricalDistribution(tuple(part.named))
        if part.whole:
            return IntDistribution(int(part.low), int(part.high), log=part.log, step=int(part.step or 1))
        return FloatDistribution(float(part.low), float(part.high), log=part.log, step=part.step)

    return {name: of(part) for name, part in options.space.items()}


def draw(options: SearchOptions, before: list[FrozenTrial]) -> dict[str, Any]:
    """The settings of the next trial by name, from those before it of which the finished ones count (TPE)."""
    sampler = optuna.samplers.TPESampler(
        n_startup_trials=options.startup, seed=stable_seed("trial", options.sampler_seed, len(before), bits=32)
    )
    copy = optuna.create_study(direction=options.direction, sampler=sampler)
    copy.add_trials([trial for trial in before if trial.state.is_finished()])
    return copy.ask(distributions(options)).params

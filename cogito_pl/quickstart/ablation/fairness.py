"""How much a configuration lets a model learn from, and whether two are comparable. Knows configurations as values."""

from collections.abc import Mapping, Sequence
from typing import Any

from cogito_pl.quickstart.settings import SettingsError
from cogito_pl.rl.schedule import RolloutSchedule

SCHEDULE = ("prompts", "group_size", "updates", "epochs_per_rollout")
"""What of `model.init_args.schedule` must be equal; `micro_batch` changes memory and speed only."""
LIMITS = ("max_steps", "max_time", "limit_train_batches", "overfit_batches", "fast_dev_run")
"""What of `trainer` can end a run or an epoch early, and must be equal."""


def rollouts(config: Mapping[str, Any]) -> int:
    """Rollouts of a whole fit: those of its stages, or of all its epochs where there are no stages.

    Args:
        config: What `train.py fit` makes of its command line.

    Raises:
        ValueError: The number depends on the size of the data, or has no end.
    """
    per_epoch = config["data"].get("rollouts_per_epoch")
    stages = config["data"].get("stages") or [{"epochs": config["trainer"].get("max_epochs")}]
    total = 0
    for stage in stages:
        epochs, each = stage.get("epochs"), stage.get("rollouts_per_epoch") or per_epoch
        if epochs is None or epochs < 0 or each is None:
            raise ValueError(
                f"{epochs} epochs of data.rollouts_per_epoch={each} rollouts cannot be counted; give both as numbers"
            )
        total += epochs * each
    return total


def schedule(config: Mapping[str, Any]) -> RolloutSchedule:
    """How a fit spends its rollouts. Raises ValueError where that is not there, or does not fit."""
    if not (given := config["model"]["init_args"].get("schedule")):
        raise ValueError("model.init_args.schedule is not there; only modules with one can be compared")
    return RolloutSchedule(**given)


def updates(config: Mapping[str, Any]) -> int:
    """Optimiser steps of a whole fit; an SFT fit takes one per batch, which is its rollout."""
    return rollouts(config) * schedule(config).updates_per_rollout


def sizes(configs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What must be equal in two arms, by the names of the settings.

    Args:
        configs: Of all fits of an arm, GRPO last.

    Raises:
        ValueError: A configuration has no schedule of rollouts, or one that does not fit.
    """
    reinforced = configs[-1]
    limits = {name: [config["trainer"].get(name) for config in configs] for name in LIMITS}
    return (
        {"updates": sum(updates(config) for config in configs)}
        | {f"schedule.{name}": getattr(schedule(reinforced), name) for name in SCHEDULE}
        | {f"trainer.{name}": own[0] if own == own[:1] * len(own) else own for name, own in limits.items()}
        | {"seed_everything": reinforced["seed_everything"]}
    )


def draws_from(configs: Sequence[Mapping[str, Any]]) -> set[str]:
    """The files of scores whose strata the fits of an arm draw from."""
    return {str(strata["file"]) for config in configs if (strata := config["data"].get("strata"))}


def check_equal(name: str, own: Mapping[str, Any], plain: Mapping[str, Any]) -> None:
    """Raises SettingsError, naming settings, values and remedy, unless `sizes` of arm `name` are those of `plain`."""
    if differing := [key for key in plain if own[key] != plain[key]]:
        details = "; ".join(f"{key} is {own[key]}, in the plain recipe {plain[key]}" for key in differing)
        raise SettingsError(
            f"--with {name}: {details}. Arms are compared at equal updates (those of --sft-first included; a fit has "
            "its stages' epochs, or trainer.max_epochs, x data.rollouts_per_epoch): take that out of the overlay, or "
            "give it to every arm by --overlay grpo=FILE"
        )

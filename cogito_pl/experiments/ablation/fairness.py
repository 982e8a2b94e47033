"""How many updates the configuration of a fit amounts to, and whether two arms take as many."""

from collections.abc import Mapping, Sequence
from typing import Any

from cogito_pl.experiments.phases import SettingsError
from cogito_pl.rl.schedule import RolloutSchedule

LIMITS = ("max_steps", "max_time", "limit_train_batches", "overfit_batches", "fast_dev_run")
"""Settings of `trainer` that can end a run or an epoch early, and must be equal."""


def rollouts(config: Mapping[str, Any]) -> int:
    """Rollouts of a whole fit: over its stages, or over all its epochs where there are no stages.

    Args:
        config: Of a fit, complete, as nested plain values.

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
    """The schedule of a fit. Raises ValueError where there is none, or its numbers do not fit each other."""
    if not (given := config["model"]["init_args"].get("schedule")):
        raise ValueError("model.init_args.schedule is missing; only modules with a schedule can be compared")
    return RolloutSchedule(**given)


def updates(config: Mapping[str, Any]) -> int:
    """Optimiser steps of a whole fit; an SFT fit takes one per batch, which is its rollout."""
    return rollouts(config) * schedule(config).updates_per_rollout


def completions_per_update(config: Mapping[str, Any]) -> float:
    """Completions that a fit samples for each of its updates; with equal updates, equal in all. Raises ValueError."""
    own = schedule(config)
    share = own.prompts * own.group_size / own.updates_per_rollout
    return int(share) if share.is_integer() else share


def sizes(configs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What must be equal in two arms, by the names of the settings.

    Args:
        configs: Of all fits of an arm, in order.

    Raises:
        ValueError: A configuration has no schedule, or one whose numbers do not fit each other.
    """
    last = configs[-1]
    limits = {name: [config["trainer"].get(name) for config in configs] for name in LIMITS}
    return (
        {"updates": sum(updates(config) for config in configs)}
        | {"completions_per_update": completions_per_update(last)}
        | {f"trainer.{name}": own[0] if own == own[:1] * len(own) else own for name, own in limits.items()}
        | {"seed_everything": last["seed_everything"]}
    )


def draws_from(configs: Sequence[Mapping[str, Any]]) -> set[str]:
    """The score files whose strata the fits of an arm draw from."""
    named = [strata["file"] for config in configs if (strata := config["data"].get("strata"))]
    return {str(file) for files in named for file in ([files] if isinstance(files, str) else files or ())}


def check_equal(name: str, own: Mapping[str, Any], plain: Mapping[str, Any], remedy: str) -> None:
    """Raises SettingsError unless `sizes` of arm `name` are those of `plain`; `remedy` ends its message."""
    if differing := [key for key in plain if own[key] != plain[key]]:
        details = "; ".join(f"{key} is {own[key]}, in the plain recipe {plain[key]}" for key in differing)
        raise SettingsError(
            f"--with {name}: {details}. Arms are compared at equal updates (those of --sft-first included; a fit has "
            "its stages' epochs, or trainer.max_epochs, x data.rollouts_per_epoch) and completions (schedule.prompts x "
            f"schedule.group_size of a rollout, by its updates): take that out of the overlay, or {remedy}"
        )

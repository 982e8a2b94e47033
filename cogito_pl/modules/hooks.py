"""The points where a callback sees or changes a rollout.

A callback that changes one returns a new rollout; callbacks act in the order of the YAML.
"""

from collections.abc import Mapping
from typing import Literal

import lightning.pytorch as L

from cogito_pl.rl.rollout import Rollout


class RolloutCallback(L.Callback):
    """Base of the callbacks that take part in a rollout. Override what you need."""

    def on_rollout_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Before anything is sampled."""

    def on_rewards(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """After the completions were graded, before advantages: change the rewards here."""
        return rollout

    def on_advantages(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """After advantages were computed: reweight them here."""
        return rollout

    def on_rollout_end(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> None:
        """The rollout as it will be trained on."""

    def on_validation_rollout(
        self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout, source: str
    ) -> None:
        """A graded batch of the validation source named `source`; one completion per problem."""

    def report(self, trainer: L.Trainer, values: Mapping[str, float]) -> None:
        """Hands this rank's values to the loggers, at the current optimiser step."""
        for logger in trainer.loggers:
            logger.log_metrics(dict(values), step=trainer.global_step)


def rollout_callbacks(trainer: L.Trainer) -> list[RolloutCallback]:
    """The callbacks that take part in rollouts, in the order of the YAML."""
    return [callback for callback in trainer.callbacks if isinstance(callback, RolloutCallback)]


def through_callbacks(
    trainer: L.Trainer, module: L.LightningModule, hook: Literal["on_rewards", "on_advantages"], rollout: Rollout
) -> Rollout:
    """Passes the rollout through every callback's `hook`. Raises TypeError when one does not return a rollout."""
    for callback in rollout_callbacks(trainer):
        rollout = getattr(callback, hook)(trainer, module, rollout)
        if not isinstance(rollout, Rollout):
            name = f"{type(callback).__name__}.{hook}"
            raise TypeError(f"{name} returned {type(rollout).__name__}; it must return a Rollout")
    return rollout

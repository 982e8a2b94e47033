"""How far a run is, counted in rollouts."""

import lightning.pytorch as L


def rollout_progress(trainer: L.Trainer, module: L.LightningModule) -> float:
    """0 at the first rollout of the run, 1 at its last; linear in between, and 0 in a run without an end.

    It depends on the optimiser steps that were taken alone, so a resumed run goes on where it was. Where
    `trainer.max_steps` and the epochs both end the run, the earlier end counts.
    """
    steps = module.schedule.updates_per_rollout
    ends = [-(-trainer.max_steps // steps)] if trainer.max_steps >= 0 else []
    if trainer.max_epochs is not None and trainer.max_epochs >= 0:
        ends.append(trainer.datamodule.rollouts_before(trainer.max_epochs))
    last = min(ends, default=0) - 1
    return min(1.0, trainer.global_step // steps / last) if last > 0 else 0.0

"""How sure a validation metric is: its standard error over problems."""

import math
from typing import Any

import lightning.pytorch as L
import torch

from cogito_pl.modules.hooks import RolloutCallback
from cogito_pl.rl.rollout import Rollout


class StandardError:
    """The standard error of a metric that is a mean over validation problems: s / sqrt(n)."""

    def __init__(self) -> None:
        self.sums = torch.zeros(3, dtype=torch.float64)  # problems, sum of values, sum of squares

    def add(self, monitor: str, rollout: Rollout, source: str) -> None:
        """Adds the problems of a validation batch, where the metric `val/<term>` or `val/<source>/<term>` has them."""
        scope, _, term = monitor.rpartition("/")
        values = {**rollout.reward_terms, "accuracy": rollout.correct, "length_tokens": rollout.lengths}.get(term)
        if values is not None and scope in ("val", f"val/{source}"):
            values = values.double().cpu().view(-1, rollout.group_size).mean(1)
            self.sums += torch.stack([torch.tensor(float(len(values))), values.sum(), values.square().sum()])

    def over_ranks(self, module: L.LightningModule) -> float | None:
        """The standard error over the problems of all ranks; None for fewer than two. Collective."""
        sums = self.sums.float() if module.device.type == "mps" else self.sums
        count, total, squares = module.over_ranks(sums).tolist()
        if count < 2:
            return None
        return math.sqrt(max(0.0, squares - total**2 / count) / (count - 1) / count)


class MonitoringCallback(RolloutCallback):
    """Base of a callback that goes by a validation metric: measures the standard error of every validation.

    Args:
        monitor: The metric.
    """

    def __init__(self, monitor: str) -> None:
        self.monitor, self.error = monitor, StandardError()

    def on_validation_start(self, *_: Any) -> None:
        """Begins anew."""
        self.error = StandardError()

    def on_validation_rollout(self, trainer: Any, module: Any, rollout: Rollout, source: str) -> None:
        """Measures a batch."""
        self.error.add(self.monitor, rollout, source)

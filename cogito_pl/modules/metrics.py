"""Running means by name, summed over micro-batches and ranks: numerators and denominators, never means of means."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torchmetrics import MeanMetric


class Means(nn.Module):
    """Weighted means under fixed names, so that every rank reduces the same ones in the same order.

    Args:
        names: The metrics' names, as they are logged.
    """

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self.metrics = nn.ModuleDict()
        for name in names:
            self.track(name)

    def track(self, name: str) -> None:
        """Takes a further name, where it is new; before training, and on every rank alike."""
        if name not in self.metrics:
            self.metrics[name] = MeanMetric(nan_strategy="error")

    def add(self, name: str, values: Tensor | Sequence[float], weights: Tensor | float = 1.0) -> None:
        """Adds values, each with its weight (the size of what it is a mean of)."""
        metric = self.metrics[name]
        values = torch.as_tensor(values, dtype=torch.float32, device=metric.device).detach()
        if values.numel():
            metric.update(values, torch.as_tensor(weights, dtype=torch.float32, device=metric.device).detach())

    def pop(self) -> dict[str, float]:
        """The means over all ranks since the last call, without those that saw no value. Collective."""
        result = {}
        for name, metric in self.metrics.items():
            total = metric.compute() if metric.update_called or torch.distributed.is_initialized() else None
            if total is not None and torch.isfinite(total):
                result[name] = float(total)
            metric.reset()
        return result

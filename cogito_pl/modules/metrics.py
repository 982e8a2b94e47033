"""What a run logs: values by name, reduced over rows, micro-batches and ranks; never means of means."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.distributed as dist
from torch import Tensor

Reduce = Literal["mean", "sum", "max"]


class Metrics:
    """Collects values under names, and gives them out over all ranks when a step or a validation is logged.

    The one route by which modules and callbacks log. Names may come and go, and differ between ranks.
    """

    def __init__(self) -> None:
        self._totals: dict[tuple[Reduce, str], Tensor] = {}  # [2]: weighted sum and weight, or the maximum twice

    def add(
        self, name: str, values: Tensor | Sequence[float] | float, weights: Tensor | float = 1, reduce: Reduce = "mean"
    ) -> None:
        """Adds values: a number, or one per row.

        Args:
            name: As it is logged.
            values: Detached here.
            weights: Of each value in a mean: the size of what it is a mean of.
            reduce: Whether the values of a step on all ranks are averaged, added, or their maximum taken.
        """
        values = _precise(torch.as_tensor(values).detach().flatten())
        if not values.numel():
            return
        weights = torch.as_tensor(weights).detach().to(values).expand(values.shape)
        peak = reduce == "max"
        total = values.max().expand(2) if peak else torch.stack([(values * weights).sum(), weights.sum()])
        known = self._totals.get((reduce, name))
        if known is not None:
            total = torch.maximum(known, total) if peak else known + total
        self._totals[reduce, name] = total

    def pop(self, device: torch.device) -> dict[str, float]:
        """The values since the last call, over all ranks, without means of no weight. Collective.

        Raises:
            ValueError: A value is NaN.
        """
        keys, several = set(self._totals), dist.is_initialized() and dist.get_world_size() > 1
        if several:
            parts: list[set[tuple[Reduce, str]]] = [set()] * dist.get_world_size()
            dist.all_gather_object(parts, keys)
            keys = set().union(*parts)
        result = {}
        for reduces, empty, operation in ((("mean", "sum"), 0.0, "SUM"), (("max",), -torch.inf, "MAX")):
            mine = sorted(key for key in keys if key[0] in reduces)
            totals = [self._totals.get(key, torch.full((2,), empty)).to(device) for key in mine]
            stacked = torch.stack([_precise(total) for total in totals]) if totals else torch.zeros(0, 2)  # [N, 2]
            if several and totals:
                dist.all_reduce(stacked, getattr(dist.ReduceOp, operation))
            for (reduce, name), (total, weight) in zip(mine, stacked.tolist(), strict=True):
                if total != total:
                    raise ValueError(f"the metric {name} is NaN; the weights or the rewards of this step are broken")
                if reduce != "mean" or weight:
                    result[name] = total / weight if reduce == "mean" else total
        self._totals.clear()
        return result


def _precise(values: Tensor) -> Tensor:
    """Float64, or float32 on devices that have no more."""
    return values.to(torch.float32 if values.device.type == "mps" else torch.float64)

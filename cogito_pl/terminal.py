"""What a run shows about itself: a bar without the version of the logger, a summary without a column of zeros."""

from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import ModelSummary, ProgressBar
from lightning.pytorch.utilities.model_summary import get_human_readable_count, summarize
from lightning.pytorch.utilities.rank_zero import rank_zero_info


class ShortSummary(ModelSummary):
    """One line per part of the model with its parameters, and the total.

    Lightning's own table has a column of floating-point operations, which it counts from an example batch that this
    project's modules do not have.
    """

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Shows the summary; with sharded weights the numbers are those of all shards together."""
        summary = summarize(pl_module, max_depth=self._max_depth)
        rows = zip(summary.layer_names, summary.layer_types, summary.param_nums, strict=True)
        for name, kind, count in rows:
            if count:
                rank_zero_info(f"{name} ({kind}): {get_human_readable_count(count).strip()} parameters")
        trained = get_human_readable_count(summary.trainable_parameters).strip()
        rank_zero_info(f"{trained} of them are trained")


def tidy(trainer: L.Trainer) -> None:
    """Replaces Lightning's default summary, and takes the logger's version off the progress bar."""
    for place, callback in enumerate(trainer.callbacks):
        if isinstance(callback, ModelSummary) and not isinstance(callback, ShortSummary):
            trainer.callbacks[place] = ShortSummary(callback._max_depth)
        elif isinstance(callback, ProgressBar):
            callback.get_metrics = _WithoutVersion(callback.get_metrics)


class _WithoutVersion:
    """Leaves `v_num` out of what a progress bar shows."""

    def __init__(self, get_metrics: Any) -> None:
        self.get_metrics = get_metrics

    def __call__(self, trainer: L.Trainer, module: L.LightningModule) -> dict[str, Any]:
        metrics = self.get_metrics(trainer, module)
        metrics.pop("v_num", None)
        return metrics

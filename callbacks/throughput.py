"""Speed and memory, from counts of real tokens: padding counts as nothing."""

import resource
import time
from typing import Any

import lightning.pytorch as L
import torch

from cogito_pl.modules import RolloutCallback
from cogito_pl.rl.rollout import Rollout


class Throughput(RolloutCallback):
    """Logs speed, averaged over ranks, and the largest peak memory of a rank, per optimiser step.

    `speed/rollout_tokens_per_s` counts completion tokens over the seconds of the rollout, grading included;
    `speed/train_tokens_per_s` counts prompt and completion tokens over the seconds of everything else.
    """

    def __init__(self) -> None:
        self._rollout_started = self._rollout_s = 0.0
        self._mark: tuple[float, float, dict[str, int]] | None = None

    def on_rollout_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Starts the rollout's clock."""
        self._rollout_started = time.perf_counter()

    def on_rollout_end(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> None:
        """Stops the rollout's clock."""
        self._rollout_s += time.perf_counter() - self._rollout_started

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Leaves out what happened between epochs."""
        self._start(module)

    def on_train_batch_end(
        self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Logs at the end of every optimiser step."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches or self._mark is None:
            return
        wall, cpu, tokens = self._mark
        seconds = time.perf_counter() - wall
        done = {name: module.tokens[name] - tokens[name] for name in tokens}
        speeds = {
            "speed/step_s": seconds,
            "speed/step_cpu_s": time.process_time() - cpu,
            "speed/train_tokens_per_s": done["train"] / max(1e-9, seconds - self._rollout_s),
        }
        if done["rollout"]:
            speeds["speed/rollout_tokens_per_s"] = done["rollout"] / max(1e-9, self._rollout_s)
        for name, value in speeds.items():
            module.metrics.add(name, value)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        module.metrics.add("memory/peak_rss_mib", peak, reduce="max")
        if torch.cuda.is_available():
            module.metrics.add("memory/peak_cuda_mib", torch.cuda.max_memory_allocated() / 2**20, reduce="max")
        self._start(module)

    def _start(self, module: L.LightningModule) -> None:
        self._rollout_s = 0.0
        self._mark = (time.perf_counter(), time.process_time(), dict(module.tokens))

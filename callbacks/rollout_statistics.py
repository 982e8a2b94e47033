"""Statistics of every rollout: accuracy of its prompts, their weights, lengths of correct and wrong completions."""

from collections import defaultdict
from pathlib import Path

import lightning.pytorch as L
import torch
from lightning.pytorch.utilities import rank_zero_info

from cogito_pl.files import append_jsonl
from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.gradient_norm import gradient_norm
from cogito_pl.rl.rollout import Rollout
from cogito_pl.rl.statistics import Outcome, outcomes, summary

MODULE_LOGS = ("accuracy", "truncated", "format")
"""What the module logs of whole rollouts itself."""


class RolloutStatistics(RolloutCallback):
    """Logs statistics of every rollout, over all ranks, and appends them prompt by prompt to `rollouts.jsonl`.

    The names of `cogito_pl.rl.statistics.summary` stand for the whole rollout as they are or below `rollout/`, and
    again below `stage/<name>/` and `difficulty/<level>/`. Every optimiser step logs `policy/gradient_norm`, the norm
    before clipping.

    A line of `rollouts.jsonl` in the log folder is `{"step", "epoch", "stage", "prompts": [...]}`, as
    `cogito_pl.rl.statistics.Outcome` describes prompts. A resumed run drops the lines of the steps that it takes again.

    Args:
        difficulty: The entry of a problem's `meta` that tells its difficulty; problems without it count in no level.
    """

    def __init__(self, difficulty: str = "difficulty") -> None:
        self.difficulty = difficulty

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Sets a file of another run aside; that of a resumed run is trimmed by the module."""
        path = journal(trainer)
        if path is not None and path.exists() and trainer.is_global_zero and not trainer.ckpt_path:
            aside = path.with_name(f"rollouts.{path.stat().st_mtime_ns}.jsonl")
            path.rename(aside)
            rank_zero_info(f"{path} is of an earlier run and was renamed to {aside}")

    def on_rollout_end(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> None:
        """Logs and writes; takes every process."""
        prompts = of_all_ranks(trainer, outcomes(rollout, self.difficulty))
        for name, value in metrics(prompts, rollout.stage).items():
            module.metrics.add(name, value)
        path = journal(trainer)
        if path is not None and trainer.is_global_zero:
            place = {"step": rollout.policy_step, "epoch": trainer.current_epoch, "stage": rollout.stage}
            append_jsonl(path, place | {"prompts": prompts})

    def on_before_optimizer_step(
        self, trainer: L.Trainer, module: L.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Logs the norm of the gradient of the whole step."""
        module.metrics.add("policy/gradient_norm", gradient_norm(optimizer))


def journal(trainer: L.Trainer) -> Path | None:
    """Where the lines go; None without a log folder."""
    return None if trainer.log_dir is None else Path(trainer.log_dir) / "rollouts.jsonl"


def of_all_ranks(trainer: L.Trainer, prompts: list[Outcome]) -> list[Outcome]:
    """The prompts of every rank, in the order of ranks."""
    if trainer.world_size == 1:
        return prompts
    parts: list[list[Outcome]] = [[] for _ in range(trainer.world_size)]
    torch.distributed.all_gather_object(parts, prompts)
    return [prompt for part in parts for prompt in part]


def metrics(prompts: list[Outcome], stage: str) -> dict[str, float]:
    """Everything that is logged of a rollout."""
    whole = summary(prompts)
    values = {k if "/" in k else f"rollout/{k}": v for k, v in whole.items() if k not in MODULE_LOGS}
    levels = defaultdict(list)
    for prompt in prompts:
        if prompt["difficulty"] is not None:
            levels[f"difficulty/{prompt['difficulty']}"].append(prompt)
    scopes = ({f"stage/{stage}": whole} if stage else {}) | {name: summary(part) for name, part in levels.items()}
    return values | {f"{scope}/{key}": value for scope, part in scopes.items() for key, value in part.items()}

"""Small runs for the tests: a quiet trainer, modules over the tiny model, a reward that anybody earns."""

import json
import resource
import signal
from dataclasses import replace
from pathlib import Path

import lightning.pytorch as L
import torch

from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.data.source import Source
from cogito_pl.modules import GRPOModule, RolloutCallback, SFTModule
from cogito_pl.policy import PolicyConfig, SamplingConfig
from cogito_pl.rl.losses import LossConfig
from cogito_pl.rl.schedule import RolloutSchedule


class TokenSumReward(RolloutCallback):
    """Rewards the sum of a completion's token ids modulo 7: unlike right answers, everybody earns some."""

    def on_rewards(self, trainer, module, rollout):
        return rollout.with_rewards((rollout.completions * rollout.mask).sum(1).float() % 7)


class Recorder(RolloutCallback):
    """Remembers what was drawn and sampled."""

    def __init__(self):
        self.rollouts, self.losses = [], []

    def on_rollout_end(self, trainer, module, rollout):
        ids = [p.id for p in rollout.problems]
        self.rollouts.append((trainer.current_epoch, rollout.draws, ids, rollout.texts))

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self.losses.append(float(outputs["loss"]))


def trainer(folder: Path, *callbacks: L.Callback, **settings) -> L.Trainer:
    quiet = {
        "accelerator": "cpu", "logger": False, "enable_progress_bar": False, "enable_model_summary": False,
        "enable_checkpointing": any(isinstance(c, L.Callback) and "Checkpoint" in type(c).__name__ for c in callbacks),
        "reload_dataloaders_every_n_epochs": 1, "use_distributed_sampler": False, "num_sanity_val_steps": 0,
        "default_root_dir": folder, "max_epochs": 1,
    }  # fmt: skip
    return L.Trainer(callbacks=list(callbacks), **(quiet | settings))


def grpo(tiny: Path, *, lr: float = 0.05, optimizer=torch.optim.SGD, **settings) -> GRPOModule:
    defaults = {
        "schedule": RolloutSchedule(prompts=2, group_size=4, micro_batch=4),
        "sampling": SamplingConfig(max_tokens=48),
        "loss": LossConfig(aggregation="dapo"),
        "evaluation": SamplingConfig(max_tokens=8, temperature=0),
        "policy": PolicyConfig(name=str(tiny)),
        "optimizer": lambda parameters: optimizer(parameters, lr=lr),
    }
    return GRPOModule(**(defaults | settings))


def sft(tiny: Path, *, lr: float = 0.05, **settings) -> SFTModule:
    defaults = {
        "schedule": RolloutSchedule(prompts=8, group_size=1, micro_batch=8),
        "evaluation": SamplingConfig(max_tokens=8, temperature=0),
        "policy": PolicyConfig(name=str(tiny)),
        "optimizer": lambda parameters: torch.optim.SGD(parameters, lr=lr),
    }
    return SFTModule(**(defaults | settings))


def data(folder: Path, part: str = "train", *, validation: bool = False, **settings) -> ReasoningDataModule:
    source = Source(path=str(folder), subset=part, split=part)
    checked = [replace(source, subset="validation", split="validation")] if validation else []
    return ReasoningDataModule(**({"train": [source], "validation": checked, "rollouts_per_epoch": 1} | settings))


def weights(module: L.LightningModule) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in module.policy.model.state_dict().items()}


class FullDisk(L.Callback):
    """After the first checkpoint, no file may grow beyond a megabyte."""

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if trainer.global_step == 1:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


class StepLog(RolloutCallback):
    """Writes what this rank sampled, and the losses, clipped gradient norms and accuracy that all ranks share."""

    def __init__(self, folder: str):
        self.path, self.seen = Path(folder), {"texts": [], "loss": [], "norm": [], "validation": []}

    def on_rollout_end(self, trainer, module, rollout):
        self.seen["texts"].append(list(rollout.texts))

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        mean = trainer.strategy.reduce(outputs["loss"].detach(), reduce_op="mean")
        if batch_idx % trainer.accumulate_grad_batches == 0:
            self.seen["loss"].append(0.0)
        self.seen["loss"][-1] += float(mean)  # Lightning has divided by the accumulation

    def on_before_optimizer_step(self, trainer, module, optimizer):
        norm = torch.nn.utils.get_total_norm([p.grad for p in module.parameters() if p.grad is not None])
        self.seen["norm"].append(float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm))

    def on_validation_end(self, trainer, module):
        self.seen["validation"].append(float(trainer.callback_metrics["val/length_tokens"]))

    def on_fit_end(self, trainer, module):
        (self.path / f"steps.rank{trainer.global_rank}.json").write_text(json.dumps(self.seen))

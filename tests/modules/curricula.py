"""A small run of three stages for the tests, and a trace of everything that a resume must bring back."""

import hashlib
import json
from pathlib import Path

import lightning.pytorch as L
import torch
from lightning.pytorch.callbacks import Checkpoint
from torch import Tensor

from cogito_pl.data.curriculum import Stage, StageSampling
from cogito_pl.modules import RolloutCallback
from cogito_pl.policy import SamplingConfig
from cogito_pl.rl.losses import LossConfig
from cogito_pl.rl.schedule import RolloutSchedule

STAGES = (
    Stage(name="easy", epochs=2, rollouts_per_epoch=1),
    Stage(name="medium", epochs=2, rollouts_per_epoch=2, freeze=("vision", "projector"), kl_coef=0.1),
    Stage(name="hard", epochs=1, rollouts_per_epoch=3, sampling=StageSampling(max_tokens=5)),
)
SCORES = {0: 0.1, 2: 0.5, 4: 0.3, 8: 0.6, 12: 0.55, 18: 0.2}
"""Score by optimiser step: the best epoch of a stage is never its last, and the last stage's is its start."""
SETTINGS = {
    "schedule": RolloutSchedule(prompts=2, group_size=2, updates=2, micro_batch=1),
    "sampling": SamplingConfig(max_tokens=6),
    "evaluation": SamplingConfig(max_tokens=1, temperature=0),
    "loss": LossConfig(kl_coef=0.05),
}


class Scores(L.Callback):
    """Logs `val/score`, which is given by optimiser step."""

    def __init__(self, scores: dict[int, float] | None = None):
        self.scores = scores or SCORES

    def on_validation_epoch_end(self, trainer, module):
        module.log("val/score", self.scores[trainer.global_step])


def digest(weights: dict[str, Tensor]) -> str:
    """A short hash of weights, which are gathered where they are sharded. Collective."""
    seen = hashlib.blake2b(digest_size=6)
    for value in weights.values():
        whole = value.detach()
        whole = whole.full_tensor() if hasattr(whole, "full_tensor") else whole
        seen.update(whole.contiguous().view(torch.uint8).numpy().tobytes())
    return seen.hexdigest()


class Trace(RolloutCallback):
    """Per micro-batch, what decides the rest of the run; and the steps that were validated."""

    def __init__(self, folder: str | None = None):
        self.steps: list[dict] = []
        self.validated: list[tuple[int, str]] = []
        self.folder = folder

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        optimizer = trainer.optimizers[0]
        frozen = [name for name, p in module.policy.named_parameters() if not p.requires_grad]
        self.steps.append({
            "epoch": trainer.current_epoch, "batch": batch_idx, "draws": list(batch.draws),
            "problems": [problem.id for problem in batch.problems], "stage": module.stage and module.stage.name,
            "lr": optimizer.param_groups[0]["lr"], "loss": float(outputs["loss"]).hex(), "frozen": len(frozen),
            "states": len(optimizer.state), "policy": digest(dict(module.policy.named_parameters())),
            "reference": digest(module.reference.parameters()) if module.reference else None,
        })  # fmt: skip

    def on_validation_end(self, trainer, module):
        self.validated.append((trainer.global_step, module.stage.name if module.stage else ""))

    def on_fit_end(self, trainer, module):
        end = digest(dict(module.policy.named_parameters()))
        if self.folder and trainer.is_global_zero:
            Path(self.folder).mkdir(parents=True, exist_ok=True)
            seen = {"steps": self.steps, "validated": self.validated, "end": end}
            (Path(self.folder) / "trace.json").write_text(json.dumps(seen))


class SaveOften(Checkpoint):
    """Saves after every optimiser step, at the end of every validation and at the end of every epoch."""

    def __init__(self, folder: str):
        self.dirpath = folder

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            self.save(trainer, "step")

    def on_validation_end(self, trainer, module):
        if trainer.global_step:
            self.save(trainer, "val")

    def on_train_epoch_end(self, trainer, module):
        self.save(trainer, "epoch")

    def save(self, trainer, moment):
        trainer.save_checkpoint(Path(self.dirpath) / f"{moment}{trainer.global_step}.ckpt")

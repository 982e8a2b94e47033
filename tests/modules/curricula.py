"""A small run of three stages for the tests, and a trace of everything that a resume must bring back.

As a program, one of two ranks: makes the run and resumes it from the checkpoints that the arguments name.
"""

import hashlib
import json
import sys
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import lightning.pytorch as L
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.strategies import ModelParallelStrategy
from torch import Tensor

from callbacks import BestCheckpointHandoff
from cogito_pl.data.curriculum import Stage
from cogito_pl.data.sampling_changes import SamplingChanges
from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.learning_rate import ScheduleConfig
from cogito_pl.policy import PolicyConfig, SamplingConfig
from cogito_pl.policy.config import LoRAConfig
from cogito_pl.rl.entropy_schedule import EntropySchedule
from cogito_pl.rl.losses import LossConfig
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import TokenSumReward, data, grpo, trainer

STAGES = (
    Stage(name="easy", epochs=2, rollouts_per_epoch=1),
    Stage(
        name="medium", epochs=2, rollouts_per_epoch=2, freeze=("vision", "projector"), kl_coef=0.1,
        entropy_coef=0.05, entropy_schedule=EntropySchedule(warmup=2, decay=0.5),
    ),
    Stage(name="hard", epochs=1, rollouts_per_epoch=3, sampling=SamplingChanges(max_tokens=5)),
)  # fmt: skip
SHORT = (STAGES[0], replace(STAGES[1], epochs=1, rollouts_per_epoch=1))
SCORES = {0: 0.1, 2: 0.5, 4: 0.3, 6: 0.4, 8: 0.6, 12: 0.55, 18: 0.2}
"""Score by optimiser step: the best epoch of a stage is never its last, and the last stage's is its start."""
SETTINGS = {
    "schedule": RolloutSchedule(prompts=2, group_size=2, updates=2, micro_batch=1),
    "sampling": SamplingConfig(max_tokens=6),
    "evaluation": SamplingConfig(max_tokens=1, temperature=0),
    "loss": LossConfig(kl_coef=0.05),
    "learning_rate": ScheduleConfig(decay="linear"),
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


@dataclass
class Seen:
    """What decides the rest of a run, per micro-batch; validations and rollouts, with step and stage; how it ended."""

    steps: list[dict] = field(default_factory=list)
    validated: list[tuple[int, str]] = field(default_factory=list)
    rollouts: list[tuple[str, int, int]] = field(default_factory=list)
    end: str = ""
    max_epochs: int = 0

    def is_the_rest_of(self, whole: "Seen") -> bool:
        """Whether this is how `whole` went on and ended."""
        steps = self.steps == whole.steps[len(whole.steps) - len(self.steps) :]
        validated = self.validated == whole.validated[len(whole.validated) - len(self.validated) :]
        return steps and validated and self.end == whole.end


class Trace(RolloutCallback):
    """Fills in `seen`."""

    def __init__(self):
        self.seen = Seen()

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        optimizer = trainer.optimizers[0]
        frozen = [name for name, p in module.policy.named_parameters() if not p.requires_grad]
        self.seen.steps.append({
            "epoch": trainer.current_epoch, "batch": batch_idx, "draws": list(batch.draws), "step": trainer.global_step,
            "problems": [problem.id for problem in batch.problems], "stage": module.stage and module.stage.name,
            "lr": optimizer.param_groups[0]["lr"], "loss": float(outputs["loss"]).hex(), "frozen": len(frozen),
            "taken": max((int(state["step"]) for state in optimizer.state.values()), default=0),
            "policy": digest(dict(module.policy.named_parameters())),
            "reference": digest(module.reference.parameters()) if module.reference else None,
            "shown": [name for name in trainer.progress_bar_metrics if name.startswith("stage/")],
        })  # fmt: skip

    def on_rollout_end(self, trainer, module, rollout):
        self.seen.rollouts.append((rollout.stage, int(rollout.lengths.max()), trainer.global_step))

    def on_validation_end(self, trainer, module):
        self.seen.validated.append((trainer.global_step, module.stage.name if module.stage else ""))

    def on_fit_end(self, trainer, module):
        self.seen.end = digest(dict(module.policy.named_parameters()))
        self.seen.max_epochs = trainer.max_epochs


class OftenCheckpoint(Checkpoint):
    """Saves as `step6`, `val6`, `epoch6` after an optimiser step, a validation, an epoch, where `cuts` has the name."""

    def __init__(self, folder: Path, cuts: Collection[str]):
        self.dirpath, self.cuts = str(folder), cuts

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            self.save(trainer, "step")

    def on_validation_end(self, trainer, module):
        if trainer.global_step:
            self.save(trainer, "val")

    def on_train_epoch_end(self, trainer, module):
        self.save(trainer, "epoch")

    def save(self, trainer, moment):
        name = f"{moment}{trainer.global_step}"
        if name in self.cuts:
            trainer.save_checkpoint(Path(self.dirpath) / f"{name}.ckpt")


def run(
    folder: Path,
    tiny: Path,
    problems: Path,
    *more: L.Callback,
    resume: str | None = None,
    cuts: Collection[str] = (),
    checkpoints: str = "checkpoints",
    handoff: bool = True,
    stages: tuple[Stage, ...] = STAGES,
    scores: dict[int, float] | None = None,
    trainer_settings: dict | None = None,
    **model,
) -> tuple[Seen, L.LightningModule]:
    """Makes the run in `folder`, or resumes it from its checkpoint `resume`.

    Args:
        folder: Of the run and of the files it hands over.
        tiny: The model.
        problems: The data.
        more: Further callbacks.
        resume: Name of a checkpoint of the run.
        cuts: Checkpoints to write, by name.
        checkpoints: Folder in `folder` to write them to.
        handoff: Whether the best weights are handed over.
        stages: The curriculum.
        scores: What validation finds, by optimiser step.
        trainer_settings: Of Lightning's trainer.
        model: Of the module.
    """
    datamodule = data(problems, validation=True, rollouts_per_epoch=2, stages=stages)
    datamodule.validation_sources = (replace(datamodule.validation_sources[0], limit=2),)
    trace = Trace()
    callbacks = [TokenSumReward(), Scores(scores), trace, *more]
    callbacks += [BestCheckpointHandoff(monitor="val/score")] if handoff else []
    callbacks += [OftenCheckpoint(folder / checkpoints, cuts)] if cuts else []
    settings = {"max_epochs": -1, "gradient_clip_val": 1.0, "enable_checkpointing": bool(cuts)}
    module = grpo(tiny, **({"lr": 1e-3, "optimizer": torch.optim.AdamW} | SETTINGS | model))
    fit = trainer(folder, *callbacks, **(settings | (trainer_settings or {})))
    fit.fit(module, datamodule, ckpt_path=folder / "checkpoints" / f"{resume}.ckpt" if resume else None)
    return trace.seen, module


def main(folder: Path, tiny: Path, problems: Path, kind: list[str], cuts: list[str]) -> None:
    """On each of two ranks: the run, the rest of it from every checkpoint, and a resume whose file is missing.

    `kind` holds any of `sharded` (checkpoint folders), `lora` and `short` (two stages of few steps).
    """
    torch.set_num_threads(1)

    def go(**settings):
        policy = PolicyConfig(name=str(tiny), lora=LoRAConfig(rank=2) if "lora" in kind else None)
        strategy = ModelParallelStrategy(2, 1, save_distributed_checkpoint="sharded" in kind)
        settings |= {"policy": policy, "trainer_settings": {"strategy": strategy, "devices": 2}}
        return run(folder, tiny, problems, stages=SHORT if "short" in kind else STAGES, **settings)

    whole, _ = go(cuts=cuts)
    results = {cut: go(resume=cut)[0].is_the_rest_of(whole) for cut in cuts}
    if torch.distributed.get_rank() == 0:
        for file in (folder / "handoff").iterdir():
            file.unlink()
    try:
        go(resume=cuts[0])
    except FileNotFoundError as error:
        results["missing"] = str(error)
    (folder / f"rank{torch.distributed.get_rank()}.json").write_text(json.dumps(results))
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), sys.argv[4].split("-"), sys.argv[5:])

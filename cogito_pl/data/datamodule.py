"""The data of a run: reads the sources once, then hands out prompt batches in their pure order.

What depends on the module (schedule, prompt limit) is asked of it, so that it is written in one place.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as L
from lightning.pytorch.utilities import rank_zero_info
from torchdata.stateful_dataloader import StatefulDataLoader

from cogito_pl.data.collate import Batch, DrawnProblems, collate
from cogito_pl.data.problem import Problem
from cogito_pl.data.readers import Refusal, read_source, summarise
from cogito_pl.data.samplers import InOrderSampler, RolloutSampler
from cogito_pl.data.source import Source
from cogito_pl.rewards import check_gold


class ReasoningDataModule(L.LightningDataModule):
    """Problems to learn from and problems to validate on.

    Args:
        train: Sources to learn from, joined.
        validation: Sources to validate on; each becomes a loader and a metric of its own.
        rollouts_per_epoch: Prompt batches between two validations; once through the data when null.
        validation_batch: Problems of a validation batch on one rank.
        refuse_limit: Share of a source's rows that may be unusable before reading stops with an error.
        check_images: `decode` finds every broken image when the data are read; `header` only opens them.
        max_image_pixels: Larger images are refused, before they are decoded.
        seed: Of the order of draws; the command line sets it to `seed_everything`.
        predict: Sources to score; each becomes a loader of its own.
    """

    def __init__(
        self,
        train: tuple[Source, ...] = (),
        validation: tuple[Source, ...] = (),
        rollouts_per_epoch: int | None = None,
        validation_batch: int = 32,
        refuse_limit: float = 0.05,
        check_images: Literal["decode", "header"] = "decode",
        max_image_pixels: int = 50_000_000,
        seed: int = 17,
        predict: tuple[Source, ...] = (),
    ) -> None:
        super().__init__()
        self.train_sources, self.validation_sources = tuple(train), tuple(validation)
        self.predict_sources = tuple(predict)
        if rollouts_per_epoch is not None and rollouts_per_epoch < 1:
            raise ValueError(f"data.rollouts_per_epoch={rollouts_per_epoch} must be at least 1, or null")
        if validation_batch < 1:
            raise ValueError(f"data.validation_batch={validation_batch} must be at least 1")
        self.rollouts_per_epoch, self.validation_batch = rollouts_per_epoch, validation_batch
        self.refuse_limit, self.check_images, self.max_image_pixels = refuse_limit, check_images, max_image_pixels
        self.seed = seed
        self.train_problems: list[Problem] = []
        self.validation_problems: list[list[Problem]] = []
        self.predict_problems: list[list[Problem]] = []
        self.refusals: list[Refusal] = []

    @property
    def validation_names(self) -> list[str]:
        """Names of the validation loaders, in their order."""
        return [source.label for source in self.validation_sources]

    @property
    def rollouts(self) -> int:
        """Prompt batches of an epoch."""
        once = len(self.train_problems) // self.trainer.lightning_module.schedule.prompts
        return self.rollouts_per_epoch or max(1, once)

    def setup(self, stage: str) -> None:
        """Reads the sources that `stage` needs and writes what was refused beside the logs."""
        if stage == "fit" and not self.train_problems:
            self._check_trainer()
            if not self.train_sources:
                raise ValueError("data.train is empty; name at least one source to learn from")
            self.train_problems = [
                problem for source in self.train_sources for problem in self._read(source, training=True)
            ]
        if stage in ("fit", "validate", "test", "predict") and not self.validation_problems:
            self.validation_problems = [self._read(source, training=False) for source in self.validation_sources]
        if stage == "predict" and not self.predict_problems:
            if not self.predict_sources:
                raise ValueError("data.predict is empty; name at least one source to score")
            self.predict_problems = [self._read(source, training=False) for source in self.predict_sources]
        if len(set(self.validation_names)) < len(self.validation_names):
            raise ValueError(
                f"data.validation has sources of one name {self.validation_names}; give each its own `name`"
            )
        self._write_refusals()

    def train_dataloader(self) -> StatefulDataLoader:
        """The current epoch's prompt batches, each repeated for every micro-batch slot of its rollout."""
        schedule = self.trainer.lightning_module.schedule
        world = self.trainer.world_size
        sampler = RolloutSampler(
            size=len(self.train_problems),
            rollouts=self.rollouts,
            prompts=schedule.prompts,
            repeats=schedule.micro_batches_per_rollout(world),
            seed=self.seed,
            epoch=self.trainer.current_epoch,
            rank=self.trainer.global_rank,
            world=world,
        )
        return StatefulDataLoader(DrawnProblems(self.train_problems), batch_sampler=sampler, collate_fn=collate)

    def val_dataloader(self) -> list[StatefulDataLoader]:
        """One loader per validation source, every problem once."""
        rank, world = self.trainer.global_rank, self.trainer.world_size
        return [
            StatefulDataLoader(
                DrawnProblems(problems),
                batch_sampler=InOrderSampler(size=len(problems), batch=self.validation_batch, rank=rank, world=world),
                collate_fn=collate,
            )
            for problems in self.validation_problems
        ]

    def predict_dataloader(self) -> list[StatefulDataLoader]:
        """One loader per source to score, every problem once, in batches of as many as the module scores at a time."""
        rank, world = self.trainer.global_rank, self.trainer.world_size
        pool = self.trainer.lightning_module.pool
        return [
            StatefulDataLoader(
                DrawnProblems(problems),
                batch_sampler=InOrderSampler(size=len(problems), batch=pool, rank=rank, world=world),
                collate_fn=collate,
            )
            for problems in self.predict_problems
        ]

    def transfer_batch_to_device(self, batch: Batch, *_: Any) -> Batch:
        """Problems stay where they are: the policy moves what it encodes."""
        return batch

    def _read(self, source: Source, *, training: bool) -> list[Problem]:
        result = read_source(
            source,
            refuse_limit=self.refuse_limit,
            check_images=self.check_images,
            max_image_pixels=self.max_image_pixels,
            check=self._refusal_check(training),
            progress=self.trainer.is_global_zero,
        )
        self.refusals += result.refusals
        rank_zero_info(f"{source.label}: {summarise(result)}")
        return result.problems

    def _refusal_check(self, training: bool) -> Callable[[Problem], str | None]:
        module = self.trainer.lightning_module

        def check(problem: Problem) -> str | None:
            unverifiable = check_gold(problem.answer, problem.kind, problem.choices)
            return unverifiable or module.refusal(problem, training=training)

        return check

    def _write_refusals(self) -> None:
        if self.refusals and self.trainer.is_global_zero and self.trainer.log_dir:
            path = Path(self.trainer.log_dir) / "refused.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(json.dumps(vars(refusal)) + "\n" for refusal in self.refusals))
            rank_zero_info(f"the refused rows are listed in {path}")

    def _check_trainer(self) -> None:
        reload = self.trainer.reload_dataloaders_every_n_epochs
        if reload != 1:
            raise ValueError(
                f"trainer.reload_dataloaders_every_n_epochs={reload} would repeat the first epoch; set it to 1"
            )

"""The data of a run: reads the sources once, then hands out prompt batches in their pure order.

What depends on the module (schedule, prompt limit) is asked of it, so that it is written in one place.
"""

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as L
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info
from torchdata.stateful_dataloader import StatefulDataLoader

from cogito_pl.data.curriculum import Position, Stage, check_epochs, check_names, first_epoch, stage_at, total_epochs
from cogito_pl.data.draw_order import Plan
from cogito_pl.data.loading import Batch, DrawnProblems, InOrderSampler, RolloutSampler, collate
from cogito_pl.data.reading.reader import Reader
from cogito_pl.data.source import Source
from cogito_pl.data.strata import StrataConfig
from cogito_pl.data.subset import SubsetConfig, stratified, stratum_counts, subset_of, without_empty
from cogito_pl.problem import Problem


class ReasoningDataModule(L.LightningDataModule):
    """Problems to learn from and problems to validate on.

    Args:
        train: Sources to learn from, joined.
        validation: Sources to validate on; each becomes a loader and a metric of its own.
        rollouts_per_epoch: Prompt batches between two validations; once through the data when null.
        validation_batch: Problems of a validation batch on one rank.
        rejection_limit: Share of a source's rows that may be unusable before reading stops with an error.
        check_images: `decode` finds every broken image when the data are read; `header` only opens them.
        max_image_pixels: Larger images are rejected, before they are decoded.
        seed: Of the order of draws; the command line sets it to `seed_everything`.
        predict: Sources to score; each becomes a loader of its own.
        stages: The stages of a curriculum, in order; their epochs add up to `trainer.max_epochs`, which is best left
            out. Without stages, every epoch is alike.
        strata: Scores that tell the stratum of every problem in `train`; without, the data's column `stratum` does.
        subset: The strata to learn from, or a random control of their size; all problems when null.
    """

    def __init__(
        self,
        train: tuple[Source, ...] = (),
        validation: tuple[Source, ...] = (),
        rollouts_per_epoch: int | None = None,
        validation_batch: int = 32,
        rejection_limit: float = 0.05,
        check_images: Literal["decode", "header"] = "decode",
        max_image_pixels: int = 50_000_000,
        seed: int = 17,
        predict: tuple[Source, ...] = (),
        stages: tuple[Stage, ...] = (),
        strata: StrataConfig | None = None,
        subset: SubsetConfig | None = None,
    ) -> None:
        super().__init__()
        self.train_sources, self.validation_sources = tuple(train), tuple(validation)
        self.predict_sources = tuple(predict)
        if rollouts_per_epoch is not None and rollouts_per_epoch < 1:
            raise ValueError(f"data.rollouts_per_epoch={rollouts_per_epoch} must be at least 1, or null")
        if validation_batch < 1:
            raise ValueError(f"data.validation_batch={validation_batch} must be at least 1")
        self.rollouts_per_epoch, self.validation_batch = rollouts_per_epoch, validation_batch
        self.reader = Reader(rejection_limit, check_images, max_image_pixels)
        self.seed = seed
        self.stages, self.strata, self.subset = tuple(stages), strata, subset
        check_names(self.stages)
        self.ended: dict[str, int] = {}  # epochs that stages which ended early took: decisions, kept in checkpoints
        self.train_problems: list[Problem] = []
        self.validation_problems: list[list[Problem]] = []
        self.predict_problems: list[list[Problem]] = []

    @property
    def validation_names(self) -> list[str]:
        """Names of the validation loaders, in their order."""
        return [source.label for source in self.validation_sources]

    @property
    def position(self) -> Position | None:
        """Where the current epoch lies in the curriculum; None without stages and outside of a fit."""
        if not self.stages or self.trainer.state.fn != TrainerFn.FITTING:
            return None
        return stage_at(self.trainer.current_epoch, self.stages, self.ended)

    @property
    def stage(self) -> Stage | None:
        """The current stage; None without stages and outside of a fit."""
        position = self.position
        return position and position.stage

    @property
    def stage_span(self) -> tuple[int, int | None]:
        """First epoch of the current stage, or of the run, and the first one after it."""
        position = self.position
        if position is None:
            return 0, self.trainer.max_epochs
        index = position.index
        return first_epoch(index, self.stages, self.ended), first_epoch(index + 1, self.stages, self.ended)

    @cached_property
    def plan(self) -> Plan:
        """What every epoch draws; there once the data are read."""
        prompts = self.trainer.lightning_module.schedule.prompts
        stages = [without_empty(stage, self.train_problems) if self.strata else stage for stage in self.stages]
        return Plan(self.train_problems, stages, seed=self.seed, prompts=prompts, rollouts=self.rollouts_per_epoch)

    @property
    def rollouts(self) -> int:
        """Prompt batches of the current epoch."""
        return self.plan.rollouts_in(self.trainer.current_epoch, self.ended)

    def rollouts_before(self, epoch: int) -> int:
        """Prompt batches of all epochs before `epoch`."""
        return self.plan.rollouts_before(epoch, self.ended)

    def end_stage(self) -> None:
        """Ends the current stage with the current epoch, and the run so much earlier."""
        position = self.position
        if position.epoch + 1 < position.stage.epochs:
            rank_zero_info(f"stage {position.stage.name} ends early, after {position.epoch + 1} epochs")
            self.ended[position.stage.name] = position.epoch + 1
            self.derive_epochs()

    def derive_epochs(self) -> None:
        """Sets `trainer.max_epochs` to what the stages, ended early or not, add up to."""
        if self.stages and not self.trainer.fast_dev_run:
            self.trainer.fit_loop.max_epochs = total_epochs(self.stages, self.ended)

    def setup(self, stage: str) -> None:
        """Reads the sources that `stage` needs and writes what was rejected beside the logs."""
        if stage == "fit" and not self.train_problems:
            self._check_trainer()
            if not self.train_sources:
                raise ValueError("data.train is empty; name at least one source to learn from")
            self.train_problems = self._training_problems()
        if stage == "fit" and self.stages:
            if not self.trainer.fast_dev_run:
                check_epochs(self.stages, self.trainer.max_epochs)
            self.derive_epochs()
            _ = self.plan  # a stage without problems is found now, not hours from now
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
        folder = self.trainer.log_dir  # every rank asks: the first tells the others
        if self.trainer.is_global_zero and folder:
            self.reader.write_rejections(Path(folder))

    def train_dataloader(self) -> StatefulDataLoader:
        """The current epoch's prompt batches, each repeated for every micro-batch slot of its rollout."""
        schedule = self.trainer.lightning_module.schedule
        world = self.trainer.world_size
        sampler = RolloutSampler(
            order=self.plan.order(self.trainer.current_epoch, self.ended),
            first=self.rollouts_before(self.trainer.current_epoch),
            rollouts=self.rollouts,
            prompts=schedule.prompts,
            repeats=schedule.micro_batches_per_rollout(world),
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

    def state_dict(self) -> dict[str, Any]:
        """The decisions to end stages early, and the current stage's name for whoever reads the checkpoint."""
        return {"stage": self.stage.name, "ended": dict(self.ended)} if self.stage else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes the decisions of the run that goes on; the trainer learns the number of epochs when it starts."""
        gone = {state["stage"], *state["ended"]} - {stage.name for stage in self.stages}
        if self.stages and gone:
            raise ValueError(
                f"--ckpt_path knows the stages {sorted(gone)}, which data.stages does not have; name them so"
            )
        self.ended = dict(state["ended"])

    def _training_problems(self) -> list[Problem]:
        read = [problem for source in self.train_sources for problem in self._read(source, training=True)]
        graded = stratified(read, self.strata)
        chosen = subset_of(graded, self.subset)
        if self.strata or self.subset:
            held = ", ".join(f"{count:,} {name}" for name, count in stratum_counts(graded).items())
            rank_zero_info(f"strata: {held}; {len(chosen):,} problems to learn from")
        return chosen

    def _read(self, source: Source, *, training: bool) -> list[Problem]:
        module = self.trainer.lightning_module
        return self.reader.read(
            source,
            lambda problem: module.rejection(problem, training=training),
            progress=self.trainer.is_global_zero,
        )

    def _check_trainer(self) -> None:
        reload = self.trainer.reload_dataloaders_every_n_epochs
        if reload != 1:
            raise ValueError(
                f"trainer.reload_dataloaders_every_n_epochs={reload} would repeat the first epoch; set it to 1"
            )

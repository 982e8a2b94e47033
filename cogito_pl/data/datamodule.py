"""The data of a run: reads the sources once, and serves the problems to train on, to validate on and to score."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch.utilities import rank_zero_info
from torchdata.stateful_dataloader import StatefulDataLoader

from cogito_pl.data.curriculum import Stage
from cogito_pl.data.draw_order import DrawContext, DrawOrder, Mixture
from cogito_pl.data.loading import Batch, InOrderSampler, loader
from cogito_pl.data.reading.reader import Rejection, read_source, write_rejections
from cogito_pl.data.score_files import find_score_files
from cogito_pl.data.score_origin import check_origin
from cogito_pl.data.scores import stratified, stratum_counts
from cogito_pl.data.source import Source
from cogito_pl.data.staged import StagedDataModule
from cogito_pl.data.strata import StrataConfig
from cogito_pl.data.subset import SubsetConfig, subset_of, with_keep
from cogito_pl.difficulty.origin import origin, same_model_digest
from cogito_pl.evaluation.benchmark import Benchmark
from cogito_pl.evaluation.table import BenchmarkTable
from cogito_pl.policy import Policy
from cogito_pl.problem import Problem
from cogito_pl.rewards import Reward


class ReasoningDataModule(StagedDataModule):
    """Problems to train on, to validate on and to score.

    Args:
        train: Sources to train on, joined.
        validation: Sources to validate on; each becomes a loader and a metric of its own.
        rollouts_per_epoch: Prompt batches between two validations; one pass over the data when null.
        validation_batch: Problems of a validation batch on one rank.
        rejection_limit: Share of a source's rows that may be unusable before reading stops with an error.
        check_images: `decode` finds every broken image when the data are read; `header` only opens them.
        max_image_pixels: Larger images are rejected, before they are decoded.
        seed: Of the order of draws; the command line sets it to `seed_everything`.
        predict: Sources to score; each becomes a loader of its own.
        stages: The stages of a curriculum, in order; their epochs add up to `trainer.max_epochs`, which is best left
            out. Without stages, every epoch is alike.
        strata: Scores that give the stratum of every problem in `train`; without, the data's column `stratum` does.
        subset: Train on these strata only, on what a pass-rate filter keeps, or on a random control of their size; on
            all problems when null.
        draw_order: Which problem every draw takes; each stage has an instance of its own.
        benchmarks: Benchmarks to validate on, after the sources of `validation`: by class name with settings, see
            `python -m cogito_pl.evaluation list`.
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
        draw_order: Callable[[DrawContext], DrawOrder] = Mixture,
        benchmarks: tuple[Benchmark, ...] = (),
    ) -> None:
        super().__init__(rollouts_per_epoch, seed, stages, strata, draw_order)
        if validation_batch < 1:
            raise ValueError(f"data.validation_batch={validation_batch} must be at least 1")
        self.train_sources, self.benchmarks = tuple(train), tuple(benchmarks)
        for reason in filter(None, (benchmark.unusable() for benchmark in self.benchmarks)):
            raise ValueError(reason)
        self.validation_sources = (*validation, *(benchmark.source for benchmark in self.benchmarks))
        self.predict_sources = tuple(predict)
        for role, sources in (("train", self.train_sources), ("predict", self.predict_sources)):
            for source in sources:
                if source.samples != 1 or source.sampling.changes():
                    raise ValueError(
                        f"data.{role}: source {source.label} sets samples or sampling, which sources of "
                        "data.validation alone have; leave them out"
                    )
        self.validation_batch, self.subset = validation_batch, subset
        self.rejection_limit, self.check_images = rejection_limit, check_images
        self.max_image_pixels = max_image_pixels
        self.validation_problems: list[list[Problem]] = []
        self.predict_problems: list[list[Problem]] = []
        self.rejections: list[Rejection] = []

    @property
    def validation_names(self) -> list[str]:
        """Names of the validation loaders, in their order."""
        return [source.label for source in self.validation_sources]

    def setup(self, stage: str) -> None:
        """Reads the sources that `stage` needs and lists what was rejected beside the logs."""
        if stage == "fit":
            self._check_trainer()
            if not self.train_problems:
                self.train_problems = self._training_problems()
            self.start_stages()
        for benchmark in self.benchmarks:  # in every module that comes to use these data
            self.trainer.lightning_module.reward.include(benchmark.name, benchmark.verifiers, benchmark.grading)
        if not self.validation_problems:
            self.validation_problems = self._validation_problems()
        if stage == "predict" and not self.predict_problems:
            if not self.predict_sources:
                raise ValueError("data.predict is empty; name at least one source to score")
            self.predict_problems = [self._read(source, training=False) for source in self.predict_sources]
        folder = self.trainer.log_dir  # every rank asks: the first tells the others
        if self.trainer.is_global_zero and folder and self.rejections:
            path = write_rejections(self.rejections, Path(folder))
            rank_zero_info(f"the rejected rows are listed in {path}")

    def val_dataloader(self) -> list[StatefulDataLoader]:
        """One loader per validation source, every problem once."""
        return [self._in_order(problems, self.validation_batch) for problems in self.validation_problems]

    def predict_dataloader(self) -> list[StatefulDataLoader]:
        """One loader per source to score, every problem once, in batches of as many as the module scores at a time."""
        batch = self.trainer.lightning_module.pool
        return [self._in_order(problems, batch) for problems in self.predict_problems]

    def transfer_batch_to_device(self, batch: Batch, *_: Any) -> Batch:
        """Problems stay where they are: the policy moves what it encodes."""
        return batch

    def _in_order(self, problems: Sequence[Problem], batch: int) -> StatefulDataLoader:
        rank, world = self.trainer.global_rank, self.trainer.world_size
        return loader(problems, InOrderSampler(size=len(problems), batch=batch, rank=rank, world=world))

    def _validation_problems(self) -> list[list[Problem]]:
        names = self.validation_names
        if len(set(names)) < len(names):
            raise ValueError(
                f"data.validation and data.benchmarks have several sources of one name {names}; give each a `name`"
            )
        plain = self.validation_sources[: len(names) - len(self.benchmarks)]
        return [self._read(source, training=False) for source in plain] + [
            self._read(benchmark.source, training=False, table=BenchmarkTable(benchmark))
            for benchmark in self.benchmarks
        ]

    def _training_problems(self) -> list[Problem]:
        if not self.train_sources:
            raise ValueError("data.train is empty; name at least one source to train on")
        read = [problem for source in self.train_sources for problem in self._read(source, training=True)]
        graded = stratified(read, self.strata)
        chosen = subset_of(with_keep(graded, self.subset), self.subset)
        if self.strata or self.subset:
            held = ", ".join(f"{count:,} {name}" for name, count in stratum_counts(graded).items())
            rank_zero_info(f"strata: {held}; {len(chosen):,} problems to train on")
        return chosen

    def check_scores(self, policy: Policy, reward: Reward) -> None:
        """Refuses scores of another model, prompt or verifier than those of a fit, before its first step.

        Args:
            policy: With its starting weights, whole.
            reward: Grades the completions that are trained on.

        Raises:
            OtherScoresError: They differ, and `allow_other` does not say so.
        """
        for setting, config in {"data.strata": self.strata, "data.subset": self.subset}.items():
            if config is not None and self.train_problems:  # there are none outside of a fit
                files = find_score_files(config.files, config.score_column, f"{setting}.file")
                own = partial(origin, policy.encoder, same_model_digest(policy.model), reward)
                for note in check_origin(files, own, config.allow_other, setting):
                    rank_zero_info(note)

    def _read(self, source: Source, *, training: bool, table: BenchmarkTable | None = None) -> list[Problem]:
        """The problems of `source` whose answers can be verified and that the module can use."""
        module = self.trainer.lightning_module
        result = read_source(
            source,
            rejection_limit=self.rejection_limit,
            check_images=self.check_images,
            max_image_pixels=self.max_image_pixels,
            check=lambda problem: module.rejection(problem, training=training),
            progress=self.trainer.is_global_zero,
            table=table,
        )
        self.rejections += result.rejections
        rank_zero_info(f"{source.label}: {result.summary()}")
        return result.problems

    def _check_trainer(self) -> None:
        reload = self.trainer.reload_dataloaders_every_n_epochs
        if reload != 1:
            raise ValueError(
                f"trainer.reload_dataloaders_every_n_epochs={reload} would repeat the first epoch; set it to 1"
            )

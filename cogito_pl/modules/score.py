"""Difficulty scores as predictions: runs the trials that a scorer asks for, many problems side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_info

from cogito_pl.data.loading import Batch
from cogito_pl.difficulty.generation import Spent, TrialRunner
from cogito_pl.difficulty.identity import trial_settings, weights_digest
from cogito_pl.difficulty.origin import same_model_digest
from cogito_pl.difficulty.progress import CountedRunner, TrialProgress
from cogito_pl.difficulty.regrading import regrade
from cogito_pl.difficulty.scorer import Scorer
from cogito_pl.difficulty.scores import score_rows
from cogito_pl.difficulty.trials import TrialStore
from cogito_pl.difficulty.waves import run_until_decided
from cogito_pl.modules.base import PolicyModule
from cogito_pl.modules.learning_rate import ScheduleConfig
from cogito_pl.policy import LiveEngine, PolicyConfig, SamplingConfig
from cogito_pl.rewards import RewardConfig
from cogito_pl.rl.schedule import RolloutSchedule


class ScoreModule(PolicyModule):
    """Scores the problems of `data.predict` by trials of the policy; for `predict` only, nothing is trained.

    A score is a pure function of the weights, the settings and the problem: not of how trials are batched, of the
    number of ranks, or of kills on the way.

    Args:
        policy: Which model, and how it is prompted.
        scorer: What is scored, by class path: `cogito_pl.difficulty.PISM`, `CMAB` or `PassRate`.
        sampling: How trials are sampled.
        reward: Limits of the verifier; only its verdict counts, not the weights.
        pool: Problems that are scored side by side on a rank.
        rollout_batch_size: Most trials of a batch; changes memory and speed, not the scores.
        least_rows: A batch that would have fewer trials is filled up with some that are likely to be needed; 1 adds
            none.
        attempts: Times that a trial which raises (out of memory, a broken image) is run before its problem is left
            without a score. An error never counts as a wrong answer.
        most_errors: Problems of a batch that may be left without a score; with more, the scoring stops.
        seed: Of masks and completions; the command line sets it to `seed_everything`.
    """

    def __init__(
        self,
        policy: PolicyConfig,
        scorer: Scorer,
        sampling: SamplingConfig = SamplingConfig(temperature=0.7),  # noqa: B008  frozen
        reward: RewardConfig = RewardConfig(),  # noqa: B008
        pool: int = 128,
        rollout_batch_size: int = 256,
        least_rows: int = 32,
        attempts: int = 3,
        most_errors: int = 10,
        seed: int = 17,
    ) -> None:
        nothing_trained = (RolloutSchedule(), torch.optim.SGD, ScheduleConfig())
        super().__init__(policy, *nothing_trained, reward, sampling, LiveEngine, rollout_batch_size, seed)
        for name, value in {"pool": pool, "least_rows": least_rows, "attempts": attempts}.items():
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1")
        self.scorer, self.sampling = scorer, sampling
        self.pool, self.least_rows = pool, least_rows
        self.attempts, self.most_errors = attempts, most_errors
        self.stores: list[TrialStore] = []
        self.progress: list[TrialProgress] = []
        self.spent = Spent()
        self.weights = self.same_model = ""

    def setup(self, stage: str) -> None:
        """Raises ValueError for anything but `predict`."""
        if stage != "predict":
            raise ValueError("ScoreModule scores and does nothing else; run `train.py predict`")
        super().setup(stage)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Raises ValueError: weights that are loaded this late would not be those that the trials are kept under."""
        raise ValueError("--ckpt_path does not apply to scoring; name the checkpoint as policy.init_from")

    def before_sharding(self) -> None:
        """Takes the digests of the weights, by which trials and scores tell models apart, and freezes them all.

        Features of images are then kept, and each image goes through the vision tower by itself.
        """
        self.policy.requires_grad_(False)
        self.weights = weights_digest(self.policy.model)
        self.same_model = same_model_digest(self.policy.model)

    def trial_settings(self) -> dict[str, Any]:
        """What decides the outcome of a trial, as plain values."""
        grading = self.reward.grading_settings()
        return trial_settings(self.policy.encoder, self.weights, self.scorer, self.sampling, grading, self.seed)

    def open_trials(self, folders: Sequence[Path]) -> None:
        """Opens the trials of every source of `data.predict`; responses that other rules graded are graded again.

        Raises:
            OtherTrialsError: A folder holds trials of another model, prompt, seed or mask.
        """
        settings, first = self.trial_settings(), self.trainer.is_global_zero
        if first:
            for folder, problems in zip(folders, self.trainer.datamodule.predict_problems, strict=True):
                regrade(folder, settings, problems, self.reward, self.scorer)
            self.stores = [TrialStore(folder, settings, 0) for folder in folders]
        self.trainer.strategy.barrier("the first rank has written the settings and brought verdicts up to date")
        if not first:
            self.stores = [TrialStore(folder, settings, self.trainer.global_rank) for folder in folders]

    def on_predict_start(self) -> None:
        """Keeps trials in memory where no callback has opened files for them, and logs the scorer's notices."""
        if not self.stores:
            self.stores = [TrialStore(None, self.trial_settings()) for _ in self.trainer.datamodule.predict_sources]
        data = self.trainer.datamodule
        rank, world = self.trainer.global_rank, self.trainer.world_size
        for source, problems, store in zip(data.predict_sources, data.predict_problems, self.stores, strict=True):
            own = problems[rank::world]
            self.progress.append(TrialProgress(source.label, self.scorer, own, store, rank_zero_info))
            if notice := self.scorer.notice(self.policy, problems):
                rank_zero_info(f"{source.label}: {notice}")

    def predict_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> list[dict[str, Any]]:
        """Runs trials until every problem of the batch is decided, and gives their scores."""
        store = self.stores[dataloader_idx]
        runner = TrialRunner(
            policy=self.policy,
            reward=self.reward,
            scorer=self.scorer,
            sampling=self.sampling,
            seed=self.seed,
            least=self.least_rows,
            attempts=self.attempts,
            most_errors=self.most_errors,
            filler=self.trainer.datamodule.predict_problems[dataloader_idx][0],
            spent=self.spent,
        )
        sizes = {"most": self.rollout_batch_size, "least": self.least_rows, "busiest": self.policy.ranks.most}
        counted = CountedRunner(runner, self.progress[dataloader_idx])
        run_until_decided(self.scorer, batch.problems, store, counted, **sizes)
        self.spent.problems += len(batch.problems)
        shown = [(problem.id, len(problem.images)) for problem in batch.problems]
        return score_rows(self.scorer, store, shown, self.trainer.datamodule.predict_sources[dataloader_idx].label)

    def on_predict_epoch_end(self) -> None:
        """Logs what this run has spent."""
        rank_zero_info(str(self.spent) + (" on the first rank" if self.trainer.world_size > 1 else ""))

"""The stages and the draws of a run under a trainer: prompt batches to train on, decisions, and their checkpoints."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn
from torchdata.stateful_dataloader import StatefulDataLoader

from cogito_pl.data.curriculum import Curriculum, Position, Stage
from cogito_pl.data.draw_order import DrawContext, DrawOrder, DrawOutcome
from cogito_pl.data.draws import StageDraws
from cogito_pl.data.epoch_limit import rollouts_within
from cogito_pl.data.loading import Batch, RolloutSampler, loader
from cogito_pl.data.past_stages import check_past, settings_in_force
from cogito_pl.data.plan import Plan
from cogito_pl.data.strata import STRATA, StrataConfig
from cogito_pl.problem import Problem


class StagedDataModule(L.LightningDataModule):
    """Serves prompt batches of `train_problems`, which a subclass reads, as the current stage draws them.

    The sizes of a rollout are the module's settings (`schedule`) and are looked up there.

    Args:
        rollouts_per_epoch: See `ReasoningDataModule`; so for the others.
        seed: Of the order of draws.
        stages: The curriculum.
        strata: Where strata come from.
        draw_order: Which problem every draw takes.
    """

    def __init__(
        self,
        rollouts_per_epoch: int | None,
        seed: int,
        stages: tuple[Stage, ...],
        strata: StrataConfig | None,
        draw_order: Callable[[DrawContext], DrawOrder],
    ) -> None:
        super().__init__()
        if rollouts_per_epoch is not None and rollouts_per_epoch < 1:
            raise ValueError(f"data.rollouts_per_epoch={rollouts_per_epoch} must be at least 1, or null")
        self.rollouts_per_epoch, self.seed, self.strata, self.draw_order = rollouts_per_epoch, seed, strata, draw_order
        self.curriculum = Curriculum(stages)
        self.train_problems: list[Problem] = []
        self.draws: StageDraws | None = None  # of the current stage, once its loader is made
        self._resumed: dict[str, Any] | None = None  # the draws in the checkpoint, until they are taken over

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of the curriculum; none without one."""
        return self.curriculum.stages

    @property
    def position(self) -> Position | None:
        """Where the current epoch lies in the curriculum; None without stages and outside of a fit."""
        if not self.stages or self.trainer.state.fn != TrainerFn.FITTING:
            return None
        return self.curriculum.at(self.trainer.current_epoch)

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
        return self.curriculum.first_epoch(position.index), self.curriculum.first_epoch(position.index + 1)

    @property
    def ended(self) -> dict[str, int]:
        """Epochs that stages which ended early took, by name."""
        return self.curriculum.ended

    def end_stage(self) -> None:
        """Ends the current stage with the current epoch, and the run so much earlier."""
        position = self.position
        if self.curriculum.end(position):
            rank_zero_info(f"stage {position.stage.name} ends early, after {position.epoch + 1} epochs")
            self.derive_epochs()

    def derive_epochs(self) -> None:
        """Sets `trainer.max_epochs` to what the stages, ended early or not, add up to."""
        if self.stages and not self.trainer.fast_dev_run:
            self.trainer.fit_loop.max_epochs = self.curriculum.total_epochs

    def start_stages(self) -> None:
        """Checks the stages against the trainer and the problems, once these are read.

        A stage without problems is found here, not hours from here.
        """
        self.draws = None
        self.__dict__.pop("plan", None)  # that of an earlier fit
        self.trainer.lightning_module.schedule.check(self.trainer.world_size)
        limit = None if self.trainer.fast_dev_run else self.trainer.limit_train_batches
        self.plan.rollouts = [rollouts_within(limit, rollouts, self._slots) for rollouts in self.plan.rollouts]
        if self.stages:
            if not self.trainer.fast_dev_run:
                self.curriculum.check_epochs(self.trainer.max_epochs)
            self.derive_epochs()

    @cached_property
    def plan(self) -> Plan:
        """What every epoch draws from; available once the problems are read."""
        plan = Plan(
            self.train_problems,
            self.curriculum,
            seed=self.seed,
            prompts=self.trainer.lightning_module.schedule.prompts,
            rollouts=self.rollouts_per_epoch,
            optional=STRATA if self.strata else (),
        )
        for name, empty in plan.left_out.items():
            rank_zero_warn(f"data.stages: stage {name!r} draws from {', '.join(empty)}, which the scores left empty")
        return plan

    @property
    def rollouts(self) -> int:
        """Prompt batches of the current epoch."""
        return self.plan.rollouts_in(self.trainer.current_epoch)

    def rollouts_before(self, epoch: int) -> int:
        """Prompt batches of all epochs before `epoch`."""
        return self.plan.rollouts_before(epoch)

    def train_dataloader(self) -> StatefulDataLoader:
        """The current epoch's prompt batches, each repeated for every micro-batch slot of its rollout."""
        epoch, world = self.trainer.current_epoch, self.trainer.world_size
        schedule = self.trainer.lightning_module.schedule
        context = self.plan.context(epoch)
        if self.draws is None or self.draws.context.stage != context.stage:
            self.draws = StageDraws(self.draw_order, context)
            if self._resumed and self._resumed["stage"] >= context.stage:
                self.draws.load_state_dict(self._resumed)
            self._resumed = None
        self.draws.forget_before(self.plan.first_draw(epoch))
        sampler = RolloutSampler(
            draw=self.draws.draw,
            first=self.rollouts_before(epoch),
            rollouts=self.rollouts,
            prompts=schedule.prompts,
            repeats=self._slots,
            rank=self.trainer.global_rank,
            world=world,
        )
        return loader(self.train_problems, sampler)

    @property
    def observes(self) -> bool:
        """Whether the draw order takes outcomes, which have to be gathered over all ranks for it."""
        return self.draws.observes

    def observe(self, outcomes: Sequence[DrawOutcome]) -> None:
        """Hands the outcomes of a finished rollout to the draw order; must be called on all ranks with the same.

        Args:
            outcomes: Of all ranks, those of refills included, ordered by attempt and draw.
        """
        self.draws.observe(outcomes)

    def index_of(self, number: int, attempt: int = 0) -> int:
        """Index of the problem that draw `number` of this epoch took, or a refill of it."""
        return self.draws.index_of(number, attempt)

    def refill(self, numbers: Sequence[int], attempt: int) -> Batch:
        """Fresh problems for some draws of the current prompt batch; must be called on all ranks or none.

        Which problem a draw gets depends neither on the number of ranks nor on a resume. A problem may come again.

        Args:
            numbers: The draws whose groups are replaced on this rank; the fresh problems keep these numbers.
            attempt: 1 for the first refill of a rollout, 2 for the next, and so on.
        """
        indices = self.draws.refill(numbers, attempt)
        return Batch(tuple(numbers), tuple(self.train_problems[index] for index in indices))

    def state_dict(self) -> dict[str, Any]:
        """The name of the current stage, the decisions to end stages early, the draws, and what must not change."""
        return {
            "stage": self.stage.name if self.stage else "",
            "ended": dict(self.ended),
            "draws": self.draws.state_dict() if self.draws else self._resumed,
            "settings": self._settings() if self.train_problems else None,
        }

    def _settings(self) -> dict[str, Any]:
        progress = self.trainer.fit_loop.epoch_loop.batch_progress
        inside = progress.current.ready > 0 and not progress.is_last_batch
        return settings_in_force(self.plan, self.trainer.current_epoch, self._slots if inside else None)

    @property
    def _slots(self) -> int:
        """Training batches of a rollout on a rank."""
        return self.trainer.lightning_module.schedule.micro_batches_per_rollout(self.trainer.world_size)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over from the run that is resumed; the trainer gets the number of epochs when training starts.

        Raises:
            ValueError: What was drawn before the checkpoint was drawn with other settings than there are now.
        """
        if self.train_problems and state.get("settings"):  # a validation reads none
            check_past(state["settings"], self.plan, state["ended"], self._slots)
        self.curriculum.ended = dict(state["ended"])
        self.draws, self._resumed = None, state["draws"]

"""The points where a callback sees or changes a rollout.

A callback that changes one returns a new rollout; callbacks act in the order of the YAML. Whatever a callback logs goes
through `module.metrics.add(name, values)`, which reduces over rows and ranks.
"""

import math
from abc import abstractmethod

import lightning.pytorch as L
from torch import Tensor

from cogito_pl.modules.stages import check_stages
from cogito_pl.rl.rollout import Rollout


class RolloutCallback(L.Callback):
    """Base of the callbacks that take part in a rollout. Override what you need."""

    refill_limit = 0
    """Times that fresh prompts are sampled in the place of groups that `admit` leaves out."""

    def on_rollout_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Before anything is sampled."""

    def on_rewards(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """After the completions were graded, before advantages: change the rewards here."""
        return rollout

    def on_advantages(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """After advantages were computed: change them here, or how often a row counts."""
        return rollout

    def admit(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Tensor | None:
        """Which groups are trained on, `[P]` of bool; None admits all.

        The others are replaced by fresh prompts, up to `refill_limit` times, and what is still missing then is left
        out of the loss, denominators included.
        """
        return None

    def on_admitted(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """Once for every rollout, refills included: change how often a row counts here, seeing all rows of the rank."""
        return rollout

    def on_rollout_end(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> None:
        """The rollout as it will be trained on."""

    def on_validation_rollout(
        self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout, source: str
    ) -> None:
        """A graded batch of the validation source named `source`, with the samples per problem that it asks for."""


class RewardTerm(RolloutCallback):
    """Base of the callbacks that add a term to the reward: `r <- r + weight * term`, in some stages or in all.

    Logs `reward/<name>`, the mean term, and `applied/<name>`, the share of completions whose term is not 0.

    Args:
        weight: Of the term in the reward; above 0.
        stages: Act in these stages only; null acts always.
    """

    name: str
    """Of the term, in logs and in `rollout.reward_terms`."""

    def __init__(self, weight: float = 1.0, stages: tuple[str, ...] | None = None) -> None:
        if not 0 < weight < math.inf:
            raise ValueError(
                f"{type(self).__name__}.weight={weight} must be a positive number; to switch the term off, leave it out"
            )
        self.weight, self.stages = weight, stages

    @abstractmethod
    def term(self, rollout: Rollout) -> Tensor:
        """The unweighted term of each completion, `[B]`."""

    def setup(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Raises ValueError where a stage to act in does not exist, or where the reward has a term of this name."""
        if stage != "fit":
            return
        check_stages(trainer, f"{type(self).__name__}.stages", self.stages, "set `stages` to null to act always")
        if self.name in module.reward.terms:
            raise ValueError(
                f"reward.{self.name} adds the term {self.name!r} already; set it to 0, or leave "
                f"{type(self).__name__} out"
            )

    def on_rewards(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """Adds the term."""
        acts = self.stages is None or rollout.stage in self.stages
        term = self.term(rollout) if acts else rollout.rewards.new_zeros(len(rollout))
        module.metrics.add(f"applied/{self.name}", term != 0)
        return rollout.with_reward_term(self.name, term, self.weight) if acts else rollout

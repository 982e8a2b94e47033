"""A penalty for going round in circles, in some stages of a curriculum only."""

from dataclasses import replace
from typing import Literal

import lightning.pytorch as L

from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.stage_names import check_stages
from cogito_pl.rewards import RepetitionOptions
from cogito_pl.rewards.repetition import repetition
from cogito_pl.rl.rollout import Rollout

TERM = "repetition"


class RepetitionPenalty(RolloutCallback):
    """Adds `weight` times the penalty of `cogito_pl.rewards.repetition` to the rewards, as the term `repetition`.

    VL-Cogito's released code has it in the hard stage; the paper (arXiv 2507.22607) does not mention it. For the whole
    run, `reward.repetition` does the same. Logs `applied/repetition_penalty`, the share of completions that pay, and
    `reward/repetition`, the mean term.

    Args:
        weight: Of the term, which is from -1 to 0.
        words: Words in a row that are compared.
        scope: Whose repetition counts: of completions that are not right (`wrong`), or of `all`.
        stages: Act in these stages only; null acts always.
    """

    def __init__(
        self,
        weight: float = 0.5,
        words: int = 20,
        scope: Literal["wrong", "all"] = "wrong",
        stages: tuple[str, ...] | None = ("hard",),
    ) -> None:
        if not 0 < weight < float("inf"):
            raise ValueError(f"RepetitionPenalty.weight={weight} punishes nothing; choose a positive number")
        self.weight, self.options, self.stages = weight, RepetitionOptions(words=words, scope=scope), stages

    def setup(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Raises ValueError where a stage to act in does not exist, or where the reward has the term itself."""
        if stage != "fit":
            return
        check_stages(trainer, "RepetitionPenalty.stages", self.stages or (), "set `stages` to null to act always")
        if TERM in module.reward.terms:
            raise ValueError(
                "reward.repetition punishes repetition already; set it to 0, or leave RepetitionPenalty out"
            )
        module.means.track(f"reward/{TERM}")

    def on_rewards(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """Adds the term."""
        if self.stages is not None and rollout.stage not in self.stages:
            self.report(trainer, {"applied/repetition_penalty": 0.0})
            return rollout
        spared = (rollout.correct > 0) & (self.options.scope == "wrong")
        said = rollout.rewards.new_tensor([repetition(text, self.options.words) for text in rollout.texts])
        term = said.masked_fill(spared, 0.0)
        self.report(trainer, {"applied/repetition_penalty": float((term != 0).float().mean())})
        rollout = rollout.with_rewards(rollout.rewards + self.weight * term)
        return replace(rollout, reward_terms={**rollout.reward_terms, TERM: term})

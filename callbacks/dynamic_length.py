"""Dynamic length reward (DyLR): completions are drawn to the length of their group's right ones."""

from dataclasses import replace
from typing import Literal

import lightning.pytorch as L
import torch
from torch import Tensor

from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.stage_names import check_stages
from cogito_pl.rl.lengths import PRESETS, LengthRule, Variant, length_rewards, target_lengths
from cogito_pl.rl.rollout import Rollout

TERM = "length"


class DynamicLengthReward(RolloutCallback):
    """Adds `weight` times the length reward of `cogito_pl.rl.lengths` to the rewards, as the term `length`.

    VL-Cogito (arXiv 2507.22607, eq. 5 to 8). With it the method gives prompts without a right completion a quarter of
    the weight: `callbacks.ODSWReweighting` does, under the shape `hard`, or alone under `all_wrong_only`.

    Logs `applied/dynamic_length`, the share of completions whose term is not 0, `reward/length`, the mean term, and in
    tokens the mean length of the wrong completions and their mean target.

    Args:
        variant: Whose rule; the settings below that are null are taken from it.
        max_length: Target, in tokens, of groups without a right completion.
        weight: Of the term in the reward (gamma).
        stages: Act in these stages only; null acts always.
        target: `mean` or `minimum` of the lengths of the group's right completions, or `fixed`: always `max_length`.
        r_min: Least reward, at length 0 and at twice the target.
        r_max: Reward at the target.
        r_min_all_wrong: `r_min` in groups without a right completion.
        scope: Which completions are rewarded: `wrong` ones or `all`.
        clamp: Completions longer than twice the target get `r_min`; without it the cosine goes up again.
        all_wrong: In groups without a right completion: the same `cosine`, or a `ramp` up to `max_length`.
    """

    def __init__(
        self,
        variant: Variant = "official",
        max_length: int = 750,
        weight: float = 1.0,
        stages: tuple[str, ...] | None = ("hard",),
        target: Literal["mean", "minimum", "fixed"] = "mean",
        r_min: float | None = None,
        r_max: float | None = None,
        r_min_all_wrong: float | None = None,
        scope: Literal["wrong", "all"] | None = None,
        clamp: bool | None = None,
        all_wrong: Literal["cosine", "ramp"] | None = None,
    ) -> None:
        chosen = {"r_min": r_min, "r_max": r_max, "r_min_all_wrong": r_min_all_wrong, "scope": scope, "clamp": clamp}
        chosen |= {"all_wrong": all_wrong, "max_length": max_length, "target": target}
        self.rule: LengthRule = replace(PRESETS[variant], **{k: v for k, v in chosen.items() if v is not None})
        self.weight, self.stages = weight, stages

    def setup(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Raises ValueError where a stage to act in does not exist."""
        if stage == "fit":
            check_stages(trainer, "DynamicLengthReward.stages", self.stages or (), "set `stages` to null to act always")
            module.means.track(f"reward/{TERM}")

    def on_rewards(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """Adds the term."""
        if self.stages is not None and rollout.stage not in self.stages:
            self.report(trainer, {"applied/dynamic_length": 0.0})
            return rollout
        correct = rollout.correct > 0
        term = length_rewards(rollout.lengths, correct, rollout.finished, rollout.group_size, self.rule)
        self.report(trainer, self.measured(rollout, term))
        rollout = rollout.with_rewards(rollout.rewards + self.weight * term)
        return replace(rollout, reward_terms={**rollout.reward_terms, TERM: term})

    def measured(self, rollout: Rollout, term: Tensor) -> dict[str, float]:
        """What is logged of this rank's rollout."""
        values = {"applied/dynamic_length": float((term != 0).float().mean())}
        wrong = rollout.correct == 0
        if wrong.any():
            target = target_lengths(rollout.lengths, ~wrong, rollout.group_size, self.rule)
            rows = torch.repeat_interleave(target, rollout.group_size)
            values["dynamic_length/wrong_tokens"] = float(rollout.lengths[wrong].float().mean())
            values["dynamic_length/target_tokens"] = float(rows[wrong].mean())
        return values

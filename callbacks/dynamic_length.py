"""Dynamic length reward (DyLR): completions are rewarded for the length of their group's correct ones."""

from dataclasses import replace
from typing import Literal

import lightning.pytorch as L
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor

from cogito_pl.modules import GRPOModule, RewardTerm
from cogito_pl.modules.stages import stages_in
from cogito_pl.rl.lengths import PRESETS, LengthRule, Variant, length_rewards, target_lengths
from cogito_pl.rl.rollout import Rollout


class DynamicLengthReward(RewardTerm):
    """Adds `weight` times the length reward of `cogito_pl.rl.lengths` to the rewards, as the term `length`.

    VL-Cogito (arXiv 2507.22607, eq. 5 to 8). With it the method gives prompts without a correct completion a quarter of
    the weight: `callbacks.ODSWReweighting` does, under the shape `hard`, or alone under `all_wrong_only`.

    Logs `applied/length`, the share of completions whose term is not 0, `reward/length`, the mean term, and in
    tokens the mean length of the wrong completions and their mean target.

    Args:
        variant: Whose rule; the settings below that are null are taken from it.
        max_length: Target, in tokens, of groups without a correct completion; at most `sampling.max_tokens`.
        weight: Of the term in the reward (gamma).
        stages: Act in these stages only; null acts always.
        target: `mean` or `minimum` of the lengths of the group's correct completions, or `fixed`: always `max_length`.
        r_min: Least reward, at length 0 and at twice the target.
        r_max: Reward at the target.
        r_min_all_wrong: `r_min` in groups without a correct completion.
        scope: Which completions are rewarded: `wrong` ones or `all`.
        clamp: Completions longer than twice the target get `r_min`; without it the cosine goes up again.
        all_wrong: In groups without a correct completion: the same `cosine`, or a `ramp` up to `max_length`.
    """

    name = "length"

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
        super().__init__(weight, stages)
        chosen = {"r_min": r_min, "r_max": r_max, "r_min_all_wrong": r_min_all_wrong, "scope": scope, "clamp": clamp}
        chosen |= {"all_wrong": all_wrong, "max_length": max_length, "target": target}
        self.rule: LengthRule = replace(PRESETS[variant], **{k: v for k, v in chosen.items() if v is not None})

    def on_fit_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Warns where completions are cut before they can be as long as `max_length`."""
        if not isinstance(module, GRPOModule):
            return
        for stage in stages_in(trainer) or (None,):
            limit = module.settings(stage).sampling.max_tokens
            if limit < self.rule.max_length and (self.stages is None or (stage and stage.name in self.stages)):
                rank_zero_warn(
                    f"DynamicLengthReward.max_length={self.rule.max_length} is above the max_tokens={limit} that "
                    f"completions are cut at{f' in the stage {stage.name!r}' if stage else ''}: where none is correct, "
                    f"the reward asks for a length that none can reach; set max_length to at most {limit}"
                )

    def on_rewards(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """Adds the term, and logs the lengths of wrong completions beside their target."""
        wrong = rollout.correct == 0
        if wrong.any() and (self.stages is None or rollout.stage in self.stages):
            target = target_lengths(rollout.lengths, ~wrong, rollout.group_size, self.rule)
            module.metrics.add("dynamic_length/wrong_tokens", rollout.lengths[wrong])
            module.metrics.add("dynamic_length/target_tokens", target.repeat_interleave(rollout.group_size)[wrong])
        return super().on_rewards(trainer, module, rollout)

    def term(self, rollout: Rollout) -> Tensor:
        """The length reward of each completion, `[B]`."""
        return length_rewards(rollout.lengths, rollout.correct > 0, rollout.finished, rollout.group_size, self.rule)

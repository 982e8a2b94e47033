"""Soft overlong penalty: completions near the token limit lose reward, the more the longer they are."""

import lightning.pytorch as L
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor

from cogito_pl.modules import GRPOModule, RewardTerm
from cogito_pl.modules.stages import stages_in
from cogito_pl.rl.fixed_lengths import soft_overlong
from cogito_pl.rl.rollout import Rollout


class SoftOverlongPenalty(RewardTerm):
    """Adds `weight` times the soft overlong punishment of `cogito_pl.rl.fixed_lengths`, as the term `overlong`.

    DAPO (arXiv 2503.14476, eq. 13): 0 up to `limit - margin` tokens, then falling to -1 at `limit`. DAPO has
    `sampling.max_tokens: 20480`, `limit: 20480` and `margin: 4096`.

    Args:
        limit: Tokens of the full penalty.
        margin: Tokens before it over which the penalty grows.
        weight: Of the term in the reward.
        stages: Act in these stages only; null acts always.
    """

    name = "overlong"

    def __init__(self, limit: int, margin: int, weight: float = 1.0, stages: tuple[str, ...] | None = None) -> None:
        super().__init__(weight, stages)
        if not 0 < margin <= limit:
            raise ValueError(
                f"SoftOverlongPenalty.margin={margin} must be from 1 to SoftOverlongPenalty.limit={limit} tokens"
            )
        self.limit, self.margin = limit, margin

    def on_fit_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Warns where completions are cut before any of them can be penalised."""
        if not isinstance(module, GRPOModule):
            return
        acting = [stage for stage in stages_in(trainer) if self.stages is None or stage.name in self.stages] or [None]
        longest = max(module.settings(stage).sampling.max_tokens for stage in acting)
        if longest <= self.limit - self.margin:
            rank_zero_warn(
                f"SoftOverlongPenalty penalises more than limit - margin = {self.limit - self.margin} tokens, and "
                f"sampling.max_tokens={longest} cuts completions before: it does nothing; lower limit to {longest}"
            )

    def term(self, rollout: Rollout) -> Tensor:
        """The penalty of each completion, `[B]`, from -1 to 0."""
        return soft_overlong(rollout.lengths, self.limit, self.margin)

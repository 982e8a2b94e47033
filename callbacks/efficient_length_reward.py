"""Efficient-length reward: completions are paid for staying below a budget of tokens."""

import math

from torch import Tensor

from cogito_pl.modules import RewardTerm
from cogito_pl.rl.fixed_lengths import efficient_length
from cogito_pl.rl.rollout import Rollout


class EfficientLengthReward(RewardTerm):
    """Adds `weight` times `clip(slope (budget - L) + offset, least, most)`, as the term `efficient_length`.

    ReVisual-R1 (arXiv 2506.04207v1, eq. 5 and 6), with the paper's slope and offset and the released code's weight; the
    second version of the paper has no such reward. At 8,192 tokens, the limit of its completions, the budget rewards
    all that were not cut alike: choose a budget near the length that you want, and a slope of about 1 / (2 budget).

    Args:
        budget: Tokens at which the reward is `offset`.
        slope: Reward for every token less.
        offset: Reward at the budget.
        least: Lower bound of the reward.
        most: Upper bound of the reward.
        correct_only: Completions that are not correct get 0: none is paid for being short and wrong. ReVisual-R1 pays
            all.
        weight: Of the term in the reward.
        stages: Act in these stages only; null acts always.
    """

    name = "efficient_length"

    def __init__(
        self,
        budget: int,
        slope: float = 0.005,
        offset: float = 0.5,
        least: float = 0.0,
        most: float = 1.0,
        correct_only: bool = False,
        weight: float = 0.05,
        stages: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__(weight, stages)
        if budget < 1:
            raise ValueError(f"EfficientLengthReward.budget={budget} must be 1 token or more")
        if not 0 < slope < math.inf:
            raise ValueError(f"EfficientLengthReward.slope={slope} must be above 0: less for every further token")
        if not least < most:
            raise ValueError(f"EfficientLengthReward.least={least} must be below most={most}")
        self.budget, self.slope, self.offset, self.least, self.most = budget, slope, offset, least, most
        self.correct_only = correct_only

    def term(self, rollout: Rollout) -> Tensor:
        """The reward of each completion, `[B]`."""
        shape = {"slope": self.slope, "offset": self.offset, "least": self.least, "most": self.most}
        values = efficient_length(rollout.lengths, self.budget, **shape)
        return values * rollout.correct if self.correct_only else values

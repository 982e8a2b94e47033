"""The Lightning modules: SFT, GRPO and scoring over one policy, and the hooks by which callbacks change a rollout."""

from cogito_pl.modules.base import PolicyModule
from cogito_pl.modules.grpo import GRPOModule
from cogito_pl.modules.hooks import RewardTerm, RolloutCallback
from cogito_pl.modules.score import ScoreModule
from cogito_pl.modules.sft import SFTModule

__all__ = ["GRPOModule", "PolicyModule", "RewardTerm", "RolloutCallback", "SFTModule", "ScoreModule"]

"""Text in, number out: one verifier for rewards, difficulty and evaluation."""

from cogito_pl.rewards.extract import Candidate, candidates
from cogito_pl.rewards.format import format_reward
from cogito_pl.rewards.grade import Grade, check_gold, grade, grade_cheaply
from cogito_pl.rewards.options import GradeOptions
from cogito_pl.rewards.pool import GradeRequest, GraderPool
from cogito_pl.rewards.reward import Reward, RewardConfig, RewardResult

__all__ = [
    "Candidate",
    "Grade",
    "GradeOptions",
    "GradeRequest",
    "GraderPool",
    "Reward",
    "RewardConfig",
    "RewardResult",
    "candidates",
    "check_gold",
    "format_reward",
    "grade",
    "grade_cheaply",
]

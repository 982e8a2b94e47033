"""Text in, number out: one verifier for rewards, difficulty and evaluation."""

from cogito_pl.rewards.config import RewardConfig
from cogito_pl.rewards.extract import Candidate, candidates
from cogito_pl.rewards.format import format_reward
from cogito_pl.rewards.frames import BoxOptions
from cogito_pl.rewards.grade import Grade, check_gold, grade, grade_cheaply
from cogito_pl.rewards.options import GradeOptions
from cogito_pl.rewards.pool import GradeRequest, GraderPool
from cogito_pl.rewards.repetition import RepetitionOptions
from cogito_pl.rewards.reward import Reward, RewardResult

__all__ = [
    "BoxOptions",
    "Candidate",
    "Grade",
    "GradeOptions",
    "GradeRequest",
    "GraderPool",
    "RepetitionOptions",
    "Reward",
    "RewardConfig",
    "RewardResult",
    "candidates",
    "check_gold",
    "format_reward",
    "grade",
    "grade_cheaply",
]
